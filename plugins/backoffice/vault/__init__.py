"""Keys, OpenPGP both ways, encrypted Parquet and the company's signatures.

Import the module you need (``vault.keys``, ``vault.openpgp``, ``vault.parquet``, ``vault.signing``): this package
imports none of them, so that the decrypting child starts in milliseconds.
"""
