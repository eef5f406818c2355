"""The child that decrypts workbooks with a password, started by :mod:`backoffice.transform.reading.protected`.

``msoffcrypto-tool`` and ``olefile`` take the containers apart and decrypt. What hangs on a password with agile encryption
is worked out here: the rounds are done once for all three keys, and hashes are compared at their own length, since Excel
2010's (SHA-1) are filled up to whole blocks.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import IO, Any

from backoffice.errors import DropRejected
from backoffice.transform.reading.apart import Answers, serve

__all__ = ["main"]

_CPU_SECONDS = 60
_MOST_ROUNDS = 1_000_000
"""Office hashes a password 100,000 times. A file may ask for 10 million: seconds of work before a password is known wrong."""
_MOST_INFORMATION = 1 << 20
"""Bytes that describe the encryption; an honest file has one or two thousand."""
_HASHES = {"SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_OTHER_WAYS = re.compile(
    rb"""<!|cipherAlgorithm\s*=\s*["'](?!AES["'])|cipherChaining\s*=\s*["'](?!ChainingModeCBC["'])"""
)
_AGILE, _STANDARD = (4, 4), ((2, 2), (3, 2), (4, 2))
_SHA1, _AES = (0, 0x8004), (0x660E, 0x660F, 0x6610)
# What each key and vector is for: [MS-OFFCRYPTO] 2.3.4.13 and 2.3.4.14.
_VERIFIER, _VERIFIER_HASH = bytes.fromhex("fea7d2763b4b9e79"), bytes.fromhex("d7aa0f6d3061344e")
_PACKAGE_KEY = bytes.fromhex("146e0be7abacd0d6")
_HMAC_KEY, _HMAC_VALUE = bytes.fromhex("5fb2ad010cb9e1f6"), bytes.fromhex("a0677f02b22c8433")


def main() -> None:
    """Carry out one order; never returns."""
    serve(_unlock, cpu_seconds=_CPU_SECONDS)


def _unlock(order: dict[str, Any], answers: Answers) -> None:  # noqa: ARG001 - the workbook is the answer
    from msoffcrypto.format.ooxml import OOXMLFile

    with open(f"/proc/self/fd/{order['descriptor']}", "rb") as source:  # noqa: PTH123 - an offset of its own
        _look(source)
        office: Any = OOXMLFile(source)
        key = (_agile if office.type == "agile" else _standard)(office.info, order["password"])
        if office.type == "agile":
            with office.file.openstream("EncryptedPackage") as package:
                _hold(office.info, key, package)
        office.load_key(secret_key=key)
        with os.fdopen(order["target"], "wb", closefd=False) as target:
            office.decrypt(target)


def _look(source: IO[bytes]) -> None:
    """Refuse what is encrypted otherwise than with a password and AES, before anything is worked out."""
    import olefile

    with olefile.OleFileIO(source) as container:
        if not container.exists("EncryptedPackage"):
            raise ValueError
        about = b""
        if container.exists("EncryptionInfo"):
            if not 8 < container.get_size("EncryptionInfo") <= _MOST_INFORMATION:
                raise ValueError
            about = container.openstream("EncryptionInfo").read()
            if not about:
                raise ValueError
    version = (int.from_bytes(about[:2], "little"), int.from_bytes(about[2:4], "little"))
    known = version in _STANDARD or (version == _AGILE and not _OTHER_WAYS.search(about))
    if not known:
        raise _other_way()


def _other_way() -> DropRejected:
    message = "The workbook is protected in a way that is not read."
    return DropRejected("protected", message, hint="Protect it with a password in Excel or LibreOffice, or not at all.")


def _wrong() -> DropRejected:
    hint = "Save it with the password that was agreed, or tell us the new one."
    return DropRejected("password-wrong", "The agreed password does not open the workbook.", hint=hint)


# ---------------------------------------------------------------------- agile: Excel 2010 and later, LibreOffice


def _agile(info: dict[str, Any], password: str) -> bytes:
    """The key of the package, if the password is right."""
    rounds = info["spinValue"]
    if rounds > _MOST_ROUNDS:
        message = f"The workbook wants its password hashed {rounds:,} times; {_MOST_ROUNDS:,} are done at most."
        raise DropRejected("too-large", message, hint="Save it in Excel or LibreOffice, which ask for 100,000.")
    name, bits, salt = _hash(info["passwordHashAlgorithm"]), info["passwordKeyBits"], info["passwordSalt"]
    if bits not in (128, 192, 256):
        raise ValueError
    new, vector = getattr(hashlib, name), salt[:16].ljust(16, b"\x36")
    found = new(salt + password.encode("utf-16-le")).digest()
    for number in range(rounds):
        found = new(number.to_bytes(4, "little") + found).digest()

    def opened(sealed: bytes, purpose: bytes) -> bytes:
        return _cbc(sealed, new(found + purpose).digest()[: bits // 8].ljust(bits // 8, b"\x36"), vector)

    verifier = opened(info["encryptedVerifierHashInput"], _VERIFIER)[: len(salt)]
    expected = opened(info["encryptedVerifierHashValue"], _VERIFIER_HASH)[: len(found)]
    if not hmac.compare_digest(new(verifier).digest(), expected):
        raise _wrong()
    return opened(info["encryptedKeyValue"], _PACKAGE_KEY)[: bits // 8]


def _hold(info: dict[str, Any], key: bytes, package: IO[bytes]) -> None:
    """Whether the package is as it was when it was encrypted.

    :raises ValueError: it is not.
    """
    name = _hash(info["keyDataHashAlgorithm"])
    size = hashlib.new(name).digest_size

    def opened(sealed: bytes, purpose: bytes) -> bytes:
        return _cbc(sealed, key, hashlib.new(name, info["keyDataSalt"] + purpose).digest()[:16])[:size]

    found = hmac.new(opened(info["encryptedHmacKey"], _HMAC_KEY), digestmod=name)
    while piece := package.read(1 << 20):
        found.update(piece)
    if not hmac.compare_digest(found.digest(), opened(info["encryptedHmacValue"], _HMAC_VALUE)):
        raise ValueError


def _hash(name: str) -> str:
    if name not in _HASHES:
        raise _other_way()
    return _HASHES[name]


def _cbc(sealed: bytes, key: bytes, vector: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return cipher.update(sealed) + cipher.finalize()


# ---------------------------------------------------------------------- standard: Excel 2007


def _standard(info: dict[str, Any], password: str) -> bytes:
    """The key of the package, if the password is right."""
    from msoffcrypto.method.ecma376_standard import ECMA376Standard

    header, verifier = info["header"], info["verifier"]
    if header["algId"] not in _AES or header["algIdHash"] not in _SHA1:
        raise _other_way()
    key = ECMA376Standard.makekey_from_password(
        password,
        header["algId"],
        header["algIdHash"],
        header["providerType"],
        header["keySize"],
        verifier["saltSize"],
        verifier["salt"],
    )
    if not ECMA376Standard.verifykey(key, verifier["encryptedVerifier"], verifier["encryptedVerifierHash"]):
        raise _wrong()
    return key
