"""``backoffice client``: who hands in data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backoffice.places import root_folder

__all__ = ["app"]

app = typer.Typer(help="Clients: the controllers that hand in data.", no_args_is_help=True)
Client = Annotated[str, typer.Argument(help="The folder's name under sow/.")]


@app.command()
def enrol(
    client: Client,
    certificate: Annotated[
        Path, typer.Argument(help="Its OpenPGP certificate, ASCII armour.", exists=True, dir_okay=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="Even if it has another one.")] = False,
) -> None:
    """Take a client's OpenPGP certificate.

    Drops must be signed by it, deliveries are encrypted to it. Compare the fingerprint with the client, by telephone.
    """
    from backoffice.deployment import deployment
    from backoffice.errors import ContractError, LedgerError
    from backoffice.onboarding import enrol as take
    from backoffice.vault.openpgp import fingerprint

    if not (root_folder() / "sow" / client).is_dir():
        raise ContractError(f"There is no client {client}.", hint=f"Put its dpa.yaml into sow/{client}/ first.")
    text = certificate.read_text(encoding="utf-8", errors="replace")
    with deployment() as opened:
        standing = opened.ledger.certificate_of(client)
        if standing not in (None, text) and not replace:
            raise LedgerError(f"{client} is enrolled with another certificate.", hint="To replace it: --replace.")
        take(opened, client, text)
    print(f"{client} is enrolled: {fingerprint(text)}")


@app.command()
def trial(client: Client) -> None:
    """Play the client: make a key as it would, put it into the kits of all its projects, enrol its certificate."""
    from backoffice.contract import project_ids
    from backoffice.deployment import deployment
    from backoffice.onboarding import onboard, sample_client

    with deployment() as opened:
        projects = [name for name in project_ids(root_folder()) if name.partition("_")[0] == client]
        kits = [onboard(opened, name) for name in projects]
        sample_client(opened, client, kits)
    print(f"{client} has a trial key in {len(kits)} kits; `backoffice drop PROJECT FILE` works for it.")
