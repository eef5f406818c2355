"""``backoffice certificate``: the proof of deletion, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Certificates of data deletion.", no_args_is_help=True)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The certificate, as it was received.", exists=True, dir_okay=False)],
    key: Annotated[
        Path | None, typer.Option(help="The company's public key (PEM); this deployment's own by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts: the verified certificate.")] = False,
) -> None:
    """Check the signature over every byte. Exit code 12 where it does not hold, or is one on something else."""
    from backoffice.erasure.certificate import SCHEMA
    from backoffice.errors import CertificateInvalid
    from backoffice.vault.signing import SigningKey, load_public
    from backoffice.vault.signing import verify as check

    if key is None:
        from backoffice.settings import settings

        public = SigningKey.load(settings().signing_key_file).public_key
    else:
        public = load_public(key.read_bytes())
    document = check(file.read_bytes(), [public])
    if document.get("schema") != SCHEMA:  # receipts are signed with the same key
        raise CertificateInvalid(
            "The signature holds, but this is no certificate of deletion.", hint="A receipt proves no deletion."
        )
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print(
            f"Genuine. Certificate {document['id']} of {document['issued_at']}, job {document['job']} of {document['project']}."
        )
        for entry in document["erased"]:
            print(f"  {entry['verified_at']}  {entry['system']} ({entry['scope']}): {entry['method']}")
