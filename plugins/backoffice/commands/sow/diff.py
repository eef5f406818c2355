"""``backoffice sow diff``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backoffice.commands.sow.arguments import Json, TestFile, existing

if TYPE_CHECKING:
    from rich.console import Console

    from backoffice.authoring.versions import Comparison

__all__ = ["diff"]

Version = "A SOW file; or as it was, like HEAD~1:sow/acme/contacts.yaml, or HEAD~1: for the same path as the other."


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=Version)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The other version.")],
    file: TestFile,
    key: Annotated[str, typer.Option("--key", help="Columns that say which row is which: id or name,town.")] = "",
    table: Annotated[str | None, typer.Option("--table", help="Left out: the main one that is delivered.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=0, max=1000, help="How many examples.")] = 5,
    as_json: Json = False,
) -> None:
    """Carry out two versions of a SOW on one test file, and show which rows and cells of the result differ.

    Rows are matched by the row of the input that they come from, or by --key.
    Exit code 0: done, whether or not they differ. 3: mistakes in a SOW. 5: the file has to be mended.
    """
    from backoffice.authoring.revisions import opened
    from backoffice.authoring.versions import compare_versions
    from backoffice.commands import terminal

    by = [one.strip() for one in key.split(",") if one.strip()]
    with opened(old, other=_path(new)) as before, opened(new, other=_path(old)) as after:
        found = compare_versions(before, after, existing(file), table=table, by=by, rows=rows)
    if as_json:
        print(json.dumps(_counts(found), indent=2))
    else:
        _show(terminal(), found)


def _path(said: str) -> Path | None:
    """The file that a version names."""
    path = said if Path(said).exists() else said.partition(":")[2]
    return Path(path) if path else None


def _counts(found: Comparison) -> dict[str, Any]:
    numbers = ("same", "changed", "gone", "new", "repeated", "cells")
    columns = {"columns_gone": found.columns_gone, "columns_new": found.columns_new}
    return {"table": found.table, "by": found.by, **{one: getattr(found, one) for one in numbers}, **columns}


def _show(console: Console, found: Comparison) -> None:
    from rich.markup import escape

    by = f"by {', '.join(found.by)}" if found.by else "by the row of the input"
    console.print(f"[bold]{escape(found.table)}[/bold], {escape(by)}")
    for sign, style, names in (("-", "red", found.columns_gone), ("+", "green", found.columns_new)):
        for name in names:
            console.print(f"  [{style}]{sign} column {escape(name)}[/{style}]")
    console.print(
        f"  {found.same:,} rows the same, {found.changed:,} changed, [red]{found.gone:,} gone[/red], "
        f"[green]{found.new:,} new[/green]"
    )
    if found.repeated:
        console.print(f"  {found.repeated:,} rows share their key with another; they are matched in their order.")
    for name, count in found.cells.items():
        console.print(f"  {escape(name)}: {count:,} cells")
    if found.examples:
        console.print(_table(found), soft_wrap=False)
    if not found.differs:
        console.print("  Nothing differs.")


def _table(found: Comparison) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in found.shown:
        table.add_column(Text(name))
    for was, now in found.examples:
        cells: list[Text] = []
        for index in range(len(found.shown)):
            before, after = was[index] if was else "", now[index] if now else ""
            if was is None:
                cells.append(Text(after, style="green"))
            elif now is None:
                cells.append(Text(before, style="red strike"))
            elif before == after:
                cells.append(Text(after, style="dim"))
            else:
                cells.append(Text(before or "∅", style="red").append(" → ", style="dim").append(after or "∅", "green"))
        table.add_row(*cells)
    return table
