"""``backoffice sow profile``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backoffice.commands.sow.arguments import Json, PasswordFile, existing

if TYPE_CHECKING:
    from rich.console import Console

    from backoffice.authoring.profile import ColumnProfile, Profile
    from backoffice.authoring.suggesting import Planned

__all__ = ["profile"]


def profile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table: CSV, XLSX, ODS, JSON lines, Parquet.")],
    values: Annotated[bool, typer.Option("--values", help="Show examples too: for a test file.")] = False,
    country: Annotated[str, typer.Option("--country", help="Of phone numbers that name none: two capitals.")] = "",
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Only what is suggested, to paste into a SOW.")] = False,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Look through a file: blanks, shapes, likely personal data; suggest an input section, steps and expectations.

    Shapes only, no values, unless --values is given. Exit code 0: done. 5: it cannot be read as a table.
    """
    from backoffice.authoring.profile import profile as look_through
    from backoffice.authoring.suggesting import plan_of_profile
    from backoffice.commands import terminal
    from backoffice.commands.passwords import ask_for_trial

    found = look_through(existing(file), values=values, password=ask_for_trial(password_file))
    planned = plan_of_profile(found, country=country.upper())
    if as_json:
        columns = [{**asdict(one), "meaning": one.meaning.value} for one in found.columns]
        print(json.dumps({"rows": found.rows, "columns": columns, "suggested": asdict(planned)}, indent=2))
        return
    if not as_yaml:
        _show(terminal(), found, values=values)
    _suggest(planned, file)


def _show(console: Console, found: Profile, *, values: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    headings = ["column", "holds", "filled", "different", "length", "shapes", "personal"] + (
        ["values"] if values else []
    )
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("filled", "different") else "left")
    for one in found.columns:
        share = f"{100 * one.filled / one.rows:.0f} %" if one.rows else ""
        length = f"{one.shortest} to {one.longest}" if one.shortest != one.longest else str(one.shortest)
        holds = f"{one.meaning}, {' '.join(one.date_formats)}" if one.date_formats else str(one.meaning)
        cells = [
            one.name,
            holds,
            share,
            "all" if one.unique else f"{one.distinct:,}",
            length,
            _shapes(one),
            one.personal,
        ]
        cells += [", ".join(one.examples[:4])] if values else []
        table.add_row(*map(Text, cells), style="yellow" if one.personal else "")
    console.print(f"{found.rows:,} rows, {len(found.columns)} columns")
    console.print(table, soft_wrap=False)
    personal = [one.name for one in found.columns if one.personal]
    if personal:
        console.print(
            f"Likely personal data: {', '.join(personal)}. The DPA has to allow each column.\n", style="yellow"
        )


def _shapes(one: ColumnProfile) -> str:
    shown = [f"{shape} {100 * count / one.filled:.0f} %" for shape, count in one.shapes[:3]]
    return "  ".join(shown) if one.filled else ""


def _suggest(planned: Planned, file: Path) -> None:
    from backoffice.authoring.suggesting import as_json, as_yaml

    print(f"# Suggested by what {file.name} holds. What it has is not what was agreed: read it before you use it.")
    for note in planned.notes:
        print(f"# {note}")
    print(as_yaml({"input": planned.input}))
    print(as_yaml({"steps": planned.steps}))
    print("# The suite, expectations/CLIENT/SOW.json:")
    for line in as_json(planned.expectations, "CLIENT_SOW").splitlines():
        print(f"# {line}")
