"""``backoffice sow test``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backoffice.commands.sow.arguments import Json, PasswordFile, SowFile

if TYPE_CHECKING:
    from rich.console import Console

    from backoffice.authoring.cases import Case, Outcome

__all__ = ["test"]

_MOST = 20
"""Differences of a table that are shown."""


def test(
    sow: SowFile,
    only: Annotated[str | None, typer.Option("--case", help="One case alone.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Write what comes out as what is expected.")] = False,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Run a SOW's test cases, and show every cell that is not as expected.

    A case is a folder sow/CLIENT/tests/SOW/CASE with input.csv (or another format) and expected.csv.
    Exit code 0: all is as expected. 3: mistakes in the SOW. 6: something is not.
    """
    from backoffice.authoring.cases import run_case, update_case
    from backoffice.commands import terminal
    from backoffice.commands.passwords import ask_for_trial
    from backoffice.contract import load_sow
    from backoffice.errors import CheckFailed

    agreed = load_sow(sow)
    ask = ask_for_trial(password_file)
    cases = _cases(sow, only)
    console = terminal()
    if update:
        for case in cases:
            for path in update_case(agreed, case, password=ask):
                print(_short(path))
        console.print("Look at what was written before you commit it.", style="dim")
        return
    outcomes = [run_case(agreed, case, password=ask) for case in cases]
    failed = [one for one in outcomes if not one.passed]
    if as_json:
        print(json.dumps({"sow": str(sow), "cases": list(map(_dict, outcomes))}, indent=2))
    else:
        for one in outcomes:
            _show(console, one)
    if failed:
        raise CheckFailed(
            f"{len(failed)} of {len(outcomes)} cases are not as expected.",
            hint="Mend the SOW; or, if this is right, `backoffice sow test --update` and look at the change.",
        )
    if not as_json:
        console.print(f"{len(outcomes)} of {len(outcomes)} cases are as expected.")


def _cases(sow: Path, only: str | None) -> list[Case]:
    from backoffice.authoring.cases import cases_of
    from backoffice.contract.mistakes import did_you_mean, one_of
    from backoffice.errors import BackofficeError

    cases = cases_of(sow)
    folder = _short(sow.absolute().parent / "tests" / sow.stem)
    if not cases:
        raise BackofficeError(
            f"There is no case in {folder}.", hint=f"Begin with {folder}/first/input.csv, then --update."
        )
    names = [one.name for one in cases]
    if only is not None and only not in names:
        raise BackofficeError(
            f"There is no case `{only}` in {folder}.", hint=did_you_mean(only, names) or one_of(names)
        )
    return [one for one in cases if only in (None, one.name)]


def _show(console: Console, outcome: Outcome) -> None:
    from rich.markup import escape

    state = "[green]as expected[/green]" if outcome.passed else "[red]differs[/red]"
    console.print(f"{escape(outcome.case.name)}: {state}")
    for fault in outcome.faults:
        console.print(f"  {escape(fault)}")
    for name, one in outcome.tables.items():
        if one.columns is not None:
            expected, found = one.columns
            console.print(f"  {name}: other columns.")
            console.print(
                f"    [red]- {escape(', '.join(expected))}[/red]\n    [green]+ {escape(', '.join(found))}[/green]"
            )
            continue
        lines = [f"row {c.row}, {escape(c.column)}: [red]{_cell(c.expected)}[/red] → [green]{_cell(c.found)}[/green]"
                 for c in one.cells]  # fmt: skip
        lines += [f"[red]- row {number}: {escape(', '.join(row))}[/red]" for number, row in one.missing]
        lines += [f"[green]+ row {number}: {escape(', '.join(row))}[/green]" for number, row in one.surplus]
        console.print(f"  {name}: {len(lines)} differences, - expected, + found")
        for line in lines[:_MOST]:
            console.print(f"    {line}")
        if len(lines) > _MOST:
            console.print(f"    … and {len(lines) - _MOST} more")


def _cell(text: str) -> str:
    from rich.markup import escape

    return escape(repr(text)) if text != text.strip() or not text.isprintable() else escape(text or "(empty)")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _dict(outcome: Outcome) -> dict[str, Any]:
    tables = {name: asdict(one) for name, one in outcome.tables.items()}
    return {"case": outcome.case.name, "passed": outcome.passed, "faults": outcome.faults, "tables": tables}
