"""``backoffice sow steps``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backoffice.commands.sow.arguments import Json

if TYPE_CHECKING:
    from backoffice.authoring.catalogue import Entry

__all__ = ["steps"]


def steps(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One step. Left out: all of them.")] = None,
    write: Annotated[Path | None, typer.Option("--write", help="Write the page of the docs to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Show which steps there are, or one of them: its keys, what it does with empty cells, and an example."""
    from backoffice.authoring.catalogue import catalogue, entry
    from backoffice.contract import step_names
    from backoffice.contract.mistakes import did_you_mean
    from backoffice.errors import ContractError

    if name is not None and name not in step_names():
        raise ContractError(
            f"There is no step `{name}`.", hint=did_you_mean(name, step_names()) or "`backoffice sow steps` lists them."
        )
    entries = [entry(name)] if name is not None else catalogue()
    if as_json:
        print(json.dumps([asdict(one) for one in entries], indent=2, default=dict))
    elif write is not None:
        from backoffice.authoring.pages import as_markdown

        write.write_text(as_markdown(catalogue()), encoding="utf-8")
        print(f"{write}: {len(entries)} steps.")
    elif name is not None:
        _show(entries[0])
    else:
        _list(entries)


def _list(entries: list[Entry]) -> None:
    from rich.table import Table

    from backoffice.commands import terminal

    console = terminal()
    family = ""
    table = Table(box=None, pad_edge=False, show_header=False)
    width = max(len(one.name) for one in entries)
    for one in entries:
        if one.family != family:
            if family:
                console.print(table, soft_wrap=False)
            family = one.family
            console.print(f"\n[bold]{family}[/bold]" if table.row_count else f"[bold]{family}[/bold]")
            table = Table(box=None, pad_edge=False, show_header=False)
            table.add_column(width=width, no_wrap=True, style="cyan")
            table.add_column()
        table.add_row(one.name, _plain(one.first_sentence))
    console.print(table, soft_wrap=False)
    console.print("\n`backoffice sow steps NAME` shows one of them.", style="dim")


def _show(entry: Entry) -> None:
    from rich import box
    from rich.syntax import Syntax
    from rich.table import Table

    from backoffice.authoring.pages import tables_of, unreadable_words
    from backoffice.commands import terminal

    console = terminal()
    console.print(f"[bold]{entry.name}[/bold]  [dim]{entry.family}[/dim]")
    console.print(_plain(entry.text), soft_wrap=False)
    if entry.keys:
        keys = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("key", "takes", "default", ""):
            keys.add_column(heading)
        for key in entry.keys:
            for name, one in key.flat():
                default = "[red]has to be said[/red]" if one.default is None else _plain(one.default)
                keys.add_row(_plain(name), _plain(one.takes), default, _plain(one.note))
        console.print()
        console.print(keys, soft_wrap=False)
        if any(key.name == "unreadable" for key in entry.keys):
            console.print(f"\nWhat cannot be read: {_plain(unreadable_words())}", style="dim", soft_wrap=False)
    console.print(f"\n{_plain(entry.blanks)}\n", soft_wrap=False)
    console.print(Syntax(entry.example.steps.strip(), "yaml", background_color="default"), soft_wrap=False)
    for name, rows in tables_of(entry.example).items():
        shown: Any = Table(box=box.SIMPLE, pad_edge=False, title=name, title_justify="left")
        for heading in rows[0] if rows else ():
            shown.add_column(_plain(heading))
        for row in rows[1:]:
            shown.add_row(*map(_plain, row))
        console.print(shown, soft_wrap=False)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
