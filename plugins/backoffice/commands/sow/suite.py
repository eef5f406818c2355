"""``backoffice sow suite``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backoffice.commands.sow.arguments import PasswordFile, SowFile, existing

if TYPE_CHECKING:
    from backoffice.authoring.refreshing import Filling, Refreshed
    from backoffice.contract import Sow
    from backoffice.password import AskPassword

__all__ = ["suite"]


def suite(
    sow: SowFile,
    file: Annotated[
        Path | None, typer.Argument(metavar="INPUT", help="A plain test file: how its result is filled makes rules.")
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Write it. Left out: it is only shown.")] = False,
    password_file: PasswordFile = None,
) -> None:
    """Hold the suite to the columns that the result has now: what is gone (-), what is another (~), what is new (+).

    Rules that can still be met stay as they were written. Exit code 0: done. 3: mistakes in the SOW or the suite.
    5: the file has to be mended.
    """
    from backoffice.commands.passwords import ask_for_trial
    from backoffice.contract import load_sow, suites_of

    agreed = load_sow(sow)
    filling = _filling(agreed, existing(file), ask_for_trial(password_file)) if file else {}
    written = False
    for table, path in suites_of(agreed).items():
        found = _refreshed(path, agreed, table, filling.get(table, {}))
        _show(path, found)
        if update and not found.same:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(found.text, encoding="utf-8")
            written = True
    if written:
        print("Look at what was written before you commit it.")


def _refreshed(path: Path, sow: Sow, table: str, filling: dict[str, Filling]) -> Refreshed:
    """
    :raises ContractError: the suite has a mistake that is not one of its columns.
    """
    from backoffice.authoring.refreshing import new_suite, refresh
    from backoffice.authoring.suite import check_suite
    from backoffice.contract.mistakes import refuse

    columns = sow.delivered[table]
    if not path.exists():
        return new_suite(f"{sow.client}_{sow.name}", columns, filling)
    if mistakes := check_suite(path, None):
        refuse(mistakes)
    return refresh(path.read_text(encoding="utf-8"), columns, filling)


def _filling(sow: Sow, file: Path, password: AskPassword | None) -> dict[str, dict[str, Filling]]:
    """How each column of each delivered table is filled, of this file."""
    from backoffice.authoring.refreshing import Filling
    from backoffice.transform.choosing import engine_for
    from backoffice.transform.faults import rows_of
    from backoffice.transform.reading.loading import quoted

    found: dict[str, dict[str, Filling]] = {}
    with engine_for(sow, password=password) as engine:
        engine.process(sow, file)
        for table, columns in sow.delivered.items():
            counts = ", ".join(f"count({quoted(one)}), count(DISTINCT {quoted(one)})" for one in columns)
            rows, *numbers = rows_of(engine.connection, f"SELECT count(*), {counts} FROM {quoted(table)}")[0]  # noqa: S608
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            found[table] = {name: Filling(rows, *pair) for name, pair in zip(columns, pairs, strict=True)}
    return found


def _show(path: Path, found: Refreshed) -> None:
    here = Path.cwd()
    short = path.relative_to(here) if path.is_relative_to(here) else path
    if found.same:
        print(f"{short}: fits the result, nothing to do.")
        return
    print(short)
    for said, why in found.dropped:
        print(f"  - {said}: {why}")
    for said in found.changed:
        print(f"  ~ {said}")
    for said in found.added:
        print(f"  + {said}")
