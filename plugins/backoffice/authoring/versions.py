"""Two versions of a SOW on the same input: which rows and cells of the result are not the same."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.authoring.sheets import Row, in_writing
from backoffice.contract import Columns, Sow
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.errors import ContractError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Comparison", "compare_versions"]


@dataclass(frozen=True)
class Comparison:
    """What became of the rows of one table."""

    table: str
    by: tuple[str, ...]
    """The key; empty: the row of the input."""
    columns_gone: tuple[str, ...]
    columns_new: tuple[str, ...]
    same: int
    changed: int
    gone: int
    new: int
    repeated: int
    """Rows whose key is not theirs alone: they are matched in the order in which they stand."""
    cells: dict[str, int]
    """Changed cells by column, the most first."""
    examples: tuple[tuple[Row | None, Row | None], ...]
    """The first rows that differ, before and after: the key or the row's number, then ``shown``."""
    shown: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.changed or self.gone or self.new or self.columns_gone or self.columns_new)


def compare_versions(
    old: Sow, new: Sow, path: Path, *, table: str | None = None, by: Sequence[str] = (), rows: int = 5
) -> Comparison:
    """Carry out both on ``path`` and compare ``table`` (left out: the main one that is delivered).

    :param by: columns that say which row is which; left out: the row of the input that it comes from.
    :param rows: how many examples.
    :raises ContractError: one of them does not deliver the table, or it has no such column.
    :raises DropRejected: the file has to be mended.
    """
    from backoffice.duck import session

    name = table or new.output.table
    there = [_columns(sow, name if table else sow.output.table) for sow in (old, new)]
    shared = [one for one in there[1] if one in there[0]]
    for column in by:
        if column not in shared:
            hint = did_you_mean(column, shared) or one_of(shared)
            raise ContractError(f"There is no column `{column}` in both results.", hint=hint)
    with ExitStack() as opened:
        found = opened.enter_context(session(memory_limit="1GB", threads=2))
        for called, sow, columns in (("old", old, there[0]), ("new", new, there[1])):
            found.register(f"{called}_rows", _rows(sow, path, name if table else sow.output.table, columns))
            _match(found, called, by)
        gone = tuple(one for one in there[0] if one not in there[1])
        fresh = tuple(one for one in there[1] if one not in there[0])
        return _compared(found, name, tuple(by), shared, gone, fresh, rows)


def _columns(sow: Sow, table: str) -> Columns:
    if table not in sow.delivered:
        raise ContractError(f"{sow.path.name} delivers no table `{table}`.", hint=one_of(sow.delivered))
    return sow.delivered[table]


def _rows(sow: Sow, path: Path, table: str, columns: Columns) -> Any:
    """The result with the number of each row's input row, every cell in writing."""
    from sqlglot import exp

    from backoffice.transform import Engine
    from backoffice.transform.sql import col
    from backoffice.transform.sql import table as named

    with Engine() as engine:
        engine.load(sow, path)
        engine.run(sow)
        cells = [exp.alias_(in_writing(one, kind), one, quoted=True) for one, kind in columns.items()]
        query = exp.select(col("_row"), *cells).from_(named("_" + table))  # what the view of that name shows
        return engine.connection.execute(query.sql(dialect="duckdb")).to_arrow_table()


def _match(connection: DuckDBPyConnection, called: str, by: Sequence[str]) -> None:
    """Number the rows that share a key, so that each has one partner at most."""
    key = ", ".join(map(_quoted, by)) or "_row"
    connection.execute(
        f"CREATE TABLE {called} AS SELECT *, row_number() OVER (PARTITION BY {key} ORDER BY _row) AS _time"  # noqa: S608
        f" FROM {called}_rows"
    )
    connection.unregister(f"{called}_rows")


def _compared(
    connection: DuckDBPyConnection,
    table: str,
    by: tuple[str, ...],
    shared: list[str],
    gone: tuple[str, ...],
    fresh: tuple[str, ...],
    rows: int,
) -> Comparison:
    keys = [*map(_quoted, by), "_time"] if by else ["_row"]
    on = " AND ".join(f"o.{key} IS NOT DISTINCT FROM n.{key}" for key in keys)
    both = f"FROM old o FULL JOIN new n ON {on}"
    differs = {one: f"(o.{_quoted(one)} IS DISTINCT FROM n.{_quoted(one)})" for one in shared}
    paired = "o._row IS NOT NULL AND n._row IS NOT NULL"
    anything = f"({' OR '.join(differs.values())})" if differs else "false"
    counts = [f"count_if({paired} AND NOT {anything})", f"count_if({paired} AND {anything})"]
    counts += ["count_if(n._row IS NULL)", "count_if(o._row IS NULL)", "count_if(greatest(o._time, n._time) > 1)"]
    counts += [f"count_if({paired} AND {one})" for one in differs.values()]
    numbers = connection.execute(f"SELECT {', '.join(counts)} {both}").fetchall()[0]
    cells = {one: count for one, count in zip(differs, numbers[5:], strict=True) if count}
    cells = dict(sorted(cells.items(), key=lambda one: -one[1]))
    known = list(by) or ["_row"]
    shown = [one for one in (*cells, *shared) if one not in by]
    shown = list(dict.fromkeys(shown))[: max(len(cells), 6)]
    picked = ", ".join(f"{side}.{_quoted(one)}" for side in "on" for one in (*known, *shown))
    examples = connection.execute(
        f"SELECT o._row, n._row, {picked} {both} WHERE n._row IS NULL OR o._row IS NULL OR {anything}"
        f" ORDER BY coalesce(o._row, n._row), n._row LIMIT {int(rows)}"
    ).fetchall()
    width = len(known) + len(shown)
    pairs = tuple(
        (
            None if row[0] is None else _texts(row[2 : 2 + width]),
            None if row[1] is None else _texts(row[2 + width :]),
        )
        for row in examples
    )
    columns = (*(by or ("row",)), *shown)
    same, changed, lost, added, repeated = numbers[:5]
    return Comparison(table, by, gone, fresh, same, changed, lost, added, repeated, cells, pairs, columns)


def _texts(cells: Sequence[object]) -> Row:
    return tuple("" if cell is None else str(cell) for cell in cells)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
