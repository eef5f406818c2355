"""``backoffice project``: what is agreed, and whether it can receive."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backoffice.errors import ContractError
from backoffice.places import root_folder

if TYPE_CHECKING:
    from backoffice.contract import Project

__all__ = ["app", "setup"]

app = typer.Typer(help="Projects: one SOW under one DPA each.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


@app.command("list")
def list_projects(as_json: Json = False) -> None:
    """Every project, and whether its agreement lets it process today."""
    from backoffice.contract import project_ids

    rows = [_row(project_id) for project_id in project_ids(root_folder())]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    from rich.table import Table

    from backoffice.commands import terminal

    table = Table("project", "client", "title", "agreement", box=None)
    for row in rows:
        table.add_row(
            row["project"], row["client"], row["title"], "valid" if row["may_process"] else f"[red]{row['why']}[/red]"
        )
    terminal().print(table)


@app.command()
def show(project: Annotated[str, typer.Argument(help="As in `project list`.")], as_json: Json = False) -> None:
    """One project: purpose, steps, deadlines, where it receives."""
    from backoffice.contract import load_project

    found = load_project(project, root=root_folder())
    detail = _detail(found)
    if as_json:
        print(json.dumps(detail, indent=2))
        return
    from backoffice.commands import terminal

    console = terminal()
    console.print(f"[bold]{found.sow.title}[/bold] ({found.id}) for {found.dpa.controller.name}")
    console.print(f"Purpose: {detail['purpose']}")
    console.print(
        f"Agreement until {detail['valid_until']}, {found.dpa.region}. {detail['why'] or 'It is valid today.'}"
    )
    if detail["protected_workbooks"]:
        console.print("Workbooks may be protected with the agreed password.")
    console.print(f"Receives: s3://{found.bucket}/in/   Delivers: s3://{found.bucket}/out/")
    for number, words in enumerate(detail["steps"], 1):
        console.print(f"  {number}. {words}")


@app.command()
def onboard(project: Annotated[str, typer.Argument(help="As in `project list`.")]) -> None:
    """Make bucket, keys and credentials, and lay out the client's kit. Again is harmless."""
    from backoffice.deployment import deployment
    from backoffice.onboarding import onboard as make_ready

    with deployment() as opened:
        folder = make_ready(opened, project)
    print(f"{project} can receive. The client's kit: {folder}")


@app.command()
def certificate(
    project: Annotated[str, typer.Argument(help="As in `project list`.")],
    renew: Annotated[bool, typer.Option("--renew", help="Make a new key; older certificates still serve.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke-older", help="Delete the older keys for good.")] = False,
) -> None:
    """The OpenPGP certificate that the project's client encrypts to: which it is, and until when. It lasts three years.

    `--renew` lays out the client's kit with the new one: hand it over, and give the client time. `--revoke-older` leaves the
    older ones, revoked, in the kit as `revoked.asc`: what comes encrypted to one of them is rejected from then on.
    """
    from backoffice.deployment import deployment
    from backoffice.onboarding import kit_folder, write_private
    from backoffice.onboarding import onboard as make_ready
    from backoffice.vault.openpgp import expires_at, fingerprint

    with deployment() as opened:
        if renew:
            opened.key_owner.renew(project)
            print(f"The kit with the new certificate: {make_ready(opened, project)}")
        if revoke:
            file = kit_folder(opened, project) / "revoked.asc"

            def publish(certificates: list[str]) -> None:
                before = file.read_text(encoding="utf-8") if file.exists() else ""
                write_private(file, before + "".join(certificates))

            if older := opened.key_owner.revoke(project, publish):
                print(f"Revoked: {older}, to be imported by who still has one: {file}")
            else:
                print("There was no older one.")
        found = opened.keys.certificate(project)
    ends = expires_at(found)
    print(f"{project}: {fingerprint(found).upper()}, {f'until {ends:%Y-%m-%d}' if ends else 'without an end'}")


@app.command()
def password(
    project: Annotated[str, typer.Argument(help="As in `project list`.")],
    forget: Annotated[bool, typer.Option("--forget", help="Delete it instead.")] = False,
) -> None:
    """Keep the password that was agreed with a client for its protected workbooks. Nothing ever shows it.

    It is asked for, or read from standard input where that is no terminal. The DPA has to allow it. Exit code 0: done.
    1: it is none that a workbook can have. 4: the DPA does not allow it. 8: the project has no keys.
    """
    from backoffice.commands.passwords import entered
    from backoffice.contract import load_project, password_refusal
    from backoffice.deployment import deployment
    from backoffice.errors import NotAgreed

    if forget:
        with deployment() as opened:
            there = opened.key_owner.forget_password(project)
        print(f"The password of {project} is deleted." if there else f"No password is kept for {project}.")
        return
    refusal = password_refusal(load_project(project, root=root_folder()).dpa)
    if refusal is not None:
        raise NotAgreed(refusal.message, hint=refusal.hint)
    given = entered(f"Password of the workbooks of {project}", confirm=True)
    with deployment() as opened:
        opened.key_owner.keep_password(project, given.text.encode())
    print(f"The password of {project} is kept, encrypted, among its keys.")


def setup() -> None:
    """Bring ledger, key store and every project's bucket up to date. `stack up` does it; production runs it once a release."""
    from backoffice.deployment import deployment
    from backoffice.setup import set_up
    from backoffice.stack.host import refuse_swap

    refuse_swap()
    with deployment() as opened:
        ready = set_up(opened)
    print(f"Ready: {', '.join(ready) or 'no project has an agreement yet'}")


def _row(project_id: str) -> dict[str, Any]:
    from backoffice.contract import load_project

    try:
        return _detail(load_project(project_id, root=root_folder()))
    except ContractError:
        client = project_id.partition("_")[0]
        name = project_id.partition("_")[2]
        why = f"SOW or DPA is missing or wrong: `backoffice sow check sow/{client}/{name}.yaml`"
        return {"project": project_id, "client": client, "title": "", "may_process": False, "why": why}


def _detail(found: Project) -> dict[str, Any]:
    from backoffice.contract import gate, step_words

    refusals = gate(found.dpa, found.sow, on=datetime.now(UTC).date())
    return {
        "project": found.id,
        "client": found.client,
        "title": found.sow.title,
        "owner": found.sow.owner,
        "bucket": found.bucket,
        "purpose": found.dpa.purposes.get(found.sow.purpose),
        "may_process": not refusals,
        "why": refusals[0].message if refusals else None,
        "protected_workbooks": found.dpa.protected_workbooks,
        "valid_until": found.dpa.valid_until.isoformat(),
        "approval": found.sow.approval,
        "steps": [step_words(step) for step in found.sow.steps],
    }
