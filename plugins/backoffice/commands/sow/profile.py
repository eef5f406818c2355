"""``backoffice sow profile``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backoffice.commands.sow.arguments import Json, PasswordFile, existing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from backoffice.authoring.paper_profile import PaperProfile
    from backoffice.authoring.profile import ColumnProfile, Profile
    from backoffice.authoring.suggesting import Planned

__all__ = ["profile"]


def profile(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A table, or documents (PDF, scan, ZIP)."),
    ],
    values: Annotated[bool, typer.Option("--values", help="Show examples too: for a test file.")] = False,
    country: Annotated[str, typer.Option("--country", help="Of phone numbers that name none: two capitals.")] = "",
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Only what is suggested, to paste into a SOW.")] = False,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Look through a file: blanks, shapes, likely personal data; suggest an input section, steps and expectations.

    Of documents: pages, text or scan, languages, fields by usual labels, tables. Shapes only, no values, unless --values is
    given. Exit code 0: done. 5: it cannot be read.
    """
    from backoffice.authoring.paper_profile import holds_documents
    from backoffice.authoring.profile import profile as look_through
    from backoffice.authoring.suggesting import plan_of_profile
    from backoffice.commands import terminal
    from backoffice.commands.passwords import ask_for_trial

    if holds_documents(existing(file)):
        _documents(file, values=values, as_yaml=as_yaml, as_json=as_json)
        return
    found = look_through(existing(file), values=values, password=ask_for_trial(password_file))
    planned = plan_of_profile(found, country=country.upper())
    if as_json:
        columns = [{**asdict(one), "meaning": one.meaning.value} for one in found.columns]
        print(json.dumps({"rows": found.rows, "columns": columns, "suggested": asdict(planned)}, indent=2))
        return
    if not as_yaml:
        _show(terminal(), found, values=values)
    _suggest(planned, file)


def _documents(file: Path, *, values: bool, as_yaml: bool, as_json: bool) -> None:
    from backoffice.authoring.paper_profile import profile_documents
    from backoffice.authoring.papers import plan_of_papers
    from backoffice.commands import terminal

    found = profile_documents(file, values=values)
    planned = plan_of_papers(found)
    if as_json:
        print(json.dumps({**asdict(found), "suggested": asdict(planned)}, indent=2))
        return
    if not as_yaml:
        _show_documents(terminal(), found, values=values)
    _suggest(planned, file)


def _show_documents(console: Console, found: PaperProfile, *, values: bool) -> None:
    from backoffice.contract.documents import LANGUAGES

    kinds = ", ".join(f"{count:,} {kind.upper()}" for kind, count in found.kinds.items())
    console.print(f"Documents: {kinds}. Pages: {found.pages:,}.")
    text = found.pages - found.recognised - found.blank
    read = f"Of them text: {text:,}. Pictures: {found.recognised:,}. Blank: {found.blank:,}."
    if found.sure is not None:
        read += f" Recognition is {100 * found.sure:.0f} % sure on average."
    console.print(read)
    console.print(f"Likely language: {', '.join(LANGUAGES[one] for one in found.languages)}.")
    for name, one in found.fields.items():
        places = "; ".join(f"{place.replace('_', ' ')} {', '.join(labels)}" for place, labels in one.place.items())
        console.print(f"  {name}: {places} ({100 * one.sure:.0f} % sure)", markup=False)
    if found.fields:
        _show_columns(console, [one.column for one in found.fields.values()], values=values)
    for name, one in found.tables.items():
        console.print(
            f"Table {name}: {one.columns[0].rows:,} rows, in {one.documents:,} of {found.documents:,} documents",
            markup=False,
        )
        _show_columns(console, one.columns, values=values)


def _show(console: Console, found: Profile, *, values: bool) -> None:
    console.print(f"{found.rows:,} rows, {len(found.columns)} columns")
    _show_columns(console, found.columns, values=values)


def _show_columns(console: Console, columns: Sequence[ColumnProfile], *, values: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    headings = ["column", "holds", "filled", "different", "length", "shapes", "personal"] + (
        ["values"] if values else []
    )
    for heading in headings:
        table.add_column(heading, justify="right" if heading in ("filled", "different") else "left")
    for one in columns:
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
    console.print(table, soft_wrap=False)
    personal = [one.name for one in columns if one.personal]
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
