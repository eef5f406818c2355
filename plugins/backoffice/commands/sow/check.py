"""``backoffice sow check``."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from backoffice.commands.sow.arguments import Json, SowFile

if TYPE_CHECKING:
    from backoffice.contract import Dpa, Mistake, Refusal, Sow

__all__ = ["check"]


def check(sow: SowFile, as_json: Json = False) -> None:
    """Find every mistake in a SOW, the DPA beside it, its look-ups and its suite; say whether it may be processed today.

    Exit code 0: all is well. 3: mistakes. 4: no mistake, but the agreement does not cover it today.
    """
    from backoffice.contract import ContractFileError, gate
    from backoffice.contract.mistakes import refuse
    from backoffice.errors import ContractError, NotAgreed

    mistakes, found, dpa, unread = _mistakes(sow)
    hints = [] if unread else _hints(sow)
    refusals = gate(dpa, found, on=datetime.now(UTC).date()) if found and dpa and not mistakes else ()
    if as_json:
        shown: list[dict[str, Any]] = [one.to_dict() for one in mistakes]
        if unread is not None:
            shown.append({"file": str(sow), "message": unread.message, "hint": unread.hint})
        print(json.dumps({"sow": str(sow), "mistakes": shown, "refusals": _dicts(refusals), "hints": hints}, indent=2))
        wrong = ContractError.exit_code if shown else NotAgreed.exit_code if refusals else 0
        raise typer.Exit(wrong)
    if unread is not None and not isinstance(unread, ContractFileError):
        raise type(unread)(unread.message, hint=unread.hint)
    if mistakes or found is None or dpa is None:
        refuse(mistakes)
    if not refusals:
        print(f"{sow}: no mistakes. {len(found.steps)} steps, {len(found.columns)} columns in the result.")
        print(f"Agreed with {dpa.controller.name} until {dpa.valid_until}: it may be processed.")
    for hint in hints:
        print(hint)
    if refusals:
        message = " ".join(one.message for one in refusals)
        raise NotAgreed(f"No mistakes, but it may not be processed today. {message}", hint=refusals[0].hint)


def _mistakes(path: Path) -> tuple[list[Mistake], Sow | None, Dpa | None, Any]:
    """The mistakes of all the files, what could be read, and the error where a file could not be opened at all."""
    from backoffice.authoring.suite import check_suite, check_suites
    from backoffice.contract import ContractFileError, load_sow, suite_of
    from backoffice.contract import check as check_files
    from backoffice.errors import ContractError

    mistakes: list[Mistake] = []
    found, dpa, unread = None, None, None
    try:
        found, dpa = check_files(path)
    except ContractFileError as error:
        mistakes += error.mistakes
    except ContractError as error:
        unread = error
    readable = found
    if found is None and unread is None:
        try:
            readable = load_sow(path)
        except ContractError:
            readable = None
    suites: list[Mistake] = []
    if readable is not None:
        suites = check_suites(readable)
    elif unread is None and (suite := suite_of(path)).exists():
        suites = check_suite(suite, None)
    mistakes += [replace(one, file=_short_as(one.file, path)) for one in suites]
    return mistakes, found, dpa, unread


def _hints(path: Path) -> list[str]:
    """What is not wrong, and not there yet."""
    from backoffice.contract import suite_of

    sow, suite = path.absolute(), suite_of(path)
    root, client = sow.parent.parent.parent, sow.parent.name
    hints = [_to_fill_in(one, root) for one in (sow, sow.with_name("dpa.yaml"))]
    if not suite.exists():
        hints.append(f"There is no suite {_short(suite, root)}: nothing is delivered before there is one.")
    cases = sow.parent / "tests" / sow.stem
    if not any(cases.glob("*/input*")):
        hints.append(f"There is no test case in {_short(cases, root)}/: `backoffice sow test` would hold it to one.")
    dag = root / "dags" / f"{client}_{sow.stem}.py"
    if dag.parent.is_dir() and not dag.exists():
        hints.append(f"There is no {_short(dag, root)}: Airflow does not show this project yet.")
    return [one for one in hints if one]


def _to_fill_in(path: Path, root: Path) -> str:
    """Where `sow new` left something to say."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [str(number) for number, line in enumerate(lines, start=1) if "FILL IN" in line]
    return f"{_short(path, root)} has FILL IN on line {', '.join(found)}." if found else ""


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _short_as(path: Path, given: Path) -> Path:
    """The path as people would give it beside ``given``: from where they are, if that one is."""
    here = Path.cwd()
    return path if given.is_absolute() or not path.is_relative_to(here) else path.relative_to(here)


def _dicts(refusals: tuple[Refusal, ...] | list[Refusal]) -> list[dict[str, str]]:
    return [{"code": str(one.code), "message": one.message, "hint": one.hint} for one in refusals]
