"""``backoffice stack``: the embedded stack, up, down, upkeep, status."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from backoffice.places import root_folder, var_folder

__all__ = ["app"]

app = typer.Typer(help="The embedded stack: PostgreSQL, object store, Airflow.", no_args_is_help=True)


@app.command()
def up() -> None:
    """Start everything that does not run. Data that is there stays."""
    from backoffice.commands import terminal
    from backoffice.stack.stack import Stack

    stack, console = Stack(root_folder(), var_folder()), terminal()
    with console.status("Starting") as status:
        stack.up(lambda what: status.update(f"Starting: {what}"))
    console.print(f"Up. Airflow: {stack.airflow_url}, user admin, password in {stack.admin_password_file}")


@app.command()
def down() -> None:
    """End every process. Data stays."""
    from backoffice.stack.stack import Stack

    if var_folder().exists():
        Stack(root_folder(), var_folder()).down()
    print("Down.")


@app.command()
def clean(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """End every process and delete all data of the embedded stack."""
    from backoffice.stack.stack import Stack

    if not yes:
        typer.confirm(f"Delete everything under {var_folder()}?", abort=True)
    Stack(root_folder(), var_folder()).clean()
    print("Clean.")


@app.command()
def upkeep() -> None:
    """Rid the object store of the names and labels of what was erased. The keeper does it within half a day by itself."""
    from backoffice.stack.stack import Stack

    done = Stack(root_folder(), var_folder()).upkeep()
    index = done.index
    print(
        f"{index.live:,} entries of the index are live, {index.dead:,} were not and are gone. Log of changes: deleted."
    )
    print(f"Away for {done.away:.1f} s, done after {done.took:.1f} s.")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Every part: running or not, where, how much memory. Exit code 1 where one is down."""
    from backoffice.stack.stack import Stack

    parts = Stack(root_folder(), var_folder()).status()
    if as_json:
        print(json.dumps([asdict(part) for part in parts], indent=2))
    else:
        from rich.table import Table

        from backoffice.commands import terminal

        table = Table("part", "process", "address", "memory", box=None)
        for part in parts:
            state = str(part.pid) if part.pid else "[red]down[/red]"
            table.add_row(part.name, state, part.address, f"{part.memory / 2**20:,.0f} MiB" if part.memory else "")
        table.add_section()
        table.add_row("all", "", "", f"{sum(part.memory for part in parts) / 2**20:,.0f} MiB")
        terminal().print(table)
    raise typer.Exit(0 if all(part.pid for part in parts) else 1)
