"""``backoffice client``: who hands in data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backoffice.settings import root_folder

__all__ = ["app"]

app = typer.Typer(help="Clients: the controllers that hand in data.", no_args_is_help=True)
Client = Annotated[str, typer.Argument(help="The folder's name under sow/.")]


@app.command()
def enrol(
    client: Client,
    certificate: Annotated[
        Path, typer.Argument(help="Its OpenPGP certificate, ASCII armour.", exists=True, dir_okay=False)
    ],
) -> None:
    """Take a client's OpenPGP certificate: drops must be signed by it, deliveries are encrypted to it."""
    from backoffice.deployment import deployment
    from backoffice.onboarding import enrol as take

    with deployment() as opened:
        take(opened, client, certificate.read_text(encoding="utf-8"))
    print(f"{client} is enrolled.")


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
