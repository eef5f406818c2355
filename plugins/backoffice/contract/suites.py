"""Where a project's expectations lie: a Great Expectations suite for each table that is delivered.

``sow/<client>/<sow>.yaml`` has ``expectations/<client>/<sow>.json`` for its main table, which there has to be, and may have
``<sow>.<table>.json`` for any other. They are not read here.
"""

from __future__ import annotations

from pathlib import Path

from backoffice.contract.sow import Sow

__all__ = ["stray_suites", "suite_of", "suites_of"]


def suite_of(sow: Path, table: str | None = None) -> Path:
    """The suite of a SOW's main table, or of another one."""
    folder = sow.absolute().parent
    name = f"{sow.stem}.json" if table is None else f"{sow.stem}.{table}.json"
    return folder.parents[1] / "expectations" / folder.name / name


def suites_of(sow: Sow) -> dict[str, Path]:
    """The suite of every table that is checked: of the main one in any case, of others where there is one."""
    main = sow.output.main.table
    further = {table: suite_of(sow.path, table) for table in sow.delivered if table != main}
    return {main: suite_of(sow.path)} | {table: path for table, path in further.items() if path.is_file()}


def stray_suites(sow: Sow) -> dict[str, Path]:
    """Suites under the names of tables that the SOW does not deliver: nobody would ever ask them."""
    main = suite_of(sow.path)
    found = {path.name[len(main.stem) + 1 : -len(".json")]: path for path in main.parent.glob(f"{main.stem}.*.json")}
    return {table: found[table] for table in sorted(found) if found[table] not in suites_of(sow).values()}
