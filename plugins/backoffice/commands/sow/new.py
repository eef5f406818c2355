"""``backoffice sow new``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from backoffice.commands.sow.arguments import existing

__all__ = ["new"]

Kind = Literal["contacts", "products", "transactions", "documents"]


def new(
    project: Annotated[str, typer.Argument(metavar="CLIENT/NAME", help="Like acme/contacts.")],
    kind: Annotated[Kind | None, typer.Option("--kind", help="What kind of data comes in.")] = None,
    like: Annotated[
        Path | None, typer.Option("--from", help="A file like those that will come in; no cell is kept.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="What it is called on screen.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Which of us answers for it: a team or a role.")] = "",
    controller: Annotated[str, typer.Option("--controller", help="The client's company.")] = "",
    country: Annotated[str, typer.Option("--country", help="The client's: two capitals.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="One of the DPA's purposes: a short name.")] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="Results are kept at most so long.")] = 14,
    root: Annotated[Path, typer.Option("--root", help="The checkout. Left out: here.")] = Path(),
) -> None:
    """Begin a project: SOW, DPA (if the client has none), suite, DAG file and a first test case.

    In a terminal it asks for what was not said. Exit code 0: `sow check` finds no mistake in what was written.
    """
    from backoffice.authoring.paper_profile import holds_documents, profile_documents
    from backoffice.authoring.profile import profile
    from backoffice.authoring.scaffold import Wanted, make_project
    from backoffice.errors import BackofficeError

    client, name = _names(project)
    if not (root / "sow").is_dir():
        raise BackofficeError(
            f"There is no folder sow/ in {root.absolute()}.", hint="Go to the checkout, or give --root."
        )
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    if kind is None:
        if not asks:
            raise BackofficeError(
                "Say which kind of data it is.", hint="--kind contacts|products|transactions|documents"
            )
        kind = _ask_kind()
    if asks:
        title = title or typer.prompt("Title", default=f"{client.capitalize()}: {name.replace('_', ' ')}")
        owner = owner or typer.prompt("Who of us answers for it (a team or a role)", default=f"{kind}-data")
        if not (root / "sow" / client / "dpa.yaml").exists():
            controller = controller or typer.prompt("The client's company")
            country = country or typer.prompt("Its country (two capitals)", default="DE")
    country = country.upper()
    if country and not re.fullmatch("[A-Z]{2}", country):
        raise BackofficeError(f"`{country}` is no country.", hint="Two capitals as in ISO 3166-1, like `DE`.")
    if purpose and not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", purpose):
        raise BackofficeError(f"`{purpose}` is no short name.", hint="Lower case, digits and hyphens.")
    papers = like is not None and holds_documents(existing(like))
    if like is not None and papers is not (kind == "documents"):
        what = "documents" if papers else "a table"
        raise BackofficeError(
            f"{like} is {what}, and the kind is {kind}.", hint="Give another --kind, or another file."
        )
    found = None if like is None else profile_documents(like) if papers else profile(like)
    wanted = Wanted(client, name, kind, title, owner, controller, country, purpose, days, found)
    written, notes = make_project(root.absolute(), wanted)
    for path in written:
        print(path)
    for note in notes:
        print(f"- {note}")
    print(f"\nNext: `backoffice sow check sow/{client}/{name}.yaml` says what there is to fill in.")


def _names(project: str) -> tuple[str, str]:
    from backoffice.errors import BackofficeError

    client, slash, name = project.removesuffix(".yaml").removeprefix("sow/").partition("/")
    if not slash:
        raise BackofficeError(f"`{project}` is not CLIENT/NAME.", hint="Like acme/contacts.")
    if not re.fullmatch("[a-z][a-z0-9]{0,19}", client):
        hint = "Up to 20 lower-case letters and digits, the first a letter."
        raise BackofficeError(f"`{client}` is no client's name.", hint=hint)
    if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or name == "dpa" or len(client) + len(name) > 62:
        hint = "Lower-case letters, digits and single underscores; not `dpa`."
        raise BackofficeError(f"`{name}` is no name of a SOW.", hint=hint)
    return client, name


def _ask_kind() -> Kind:
    kinds: dict[str, Kind] = {one: one for one in ("contacts", "products", "transactions", "documents")}
    while True:
        said = typer.prompt("Kind of data (contacts, products, transactions, documents)", default="contacts")
        if said in kinds:
            return kinds[said]
