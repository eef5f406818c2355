"""Small tables of text, as a person compares them: every kind of cell written in one way, an empty one as nothing.

Numbers lose the noughts after the point that the engine keeps, so that ``12.5`` is the same as ``12.50``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backoffice.contract import Columns, Kind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from sqlglot import exp

__all__ = ["Row", "Sheet", "in_writing", "read_sheet"]

Row = tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A table, held whole: for test data."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def in_writing(name: str, kind: Kind, *, of: str | None = None) -> exp.Expr:
    """A cell as text; an empty one stays empty."""
    from backoffice.transform.sql import col, sql

    cell = col(name, of)
    if kind is Kind.NUMBER:
        return sql("rtrim(rtrim(cast(cast(:cell as decimal(18, 6)) as varchar), '0'), '.')", cell=cell)
    return sql("cast(:cell as varchar)", cell=cell)


def read_sheet(connection: DuckDBPyConnection, table: str, columns: Columns) -> Sheet:
    """A table of the engine's, or a view, in its own order."""
    from sqlglot import exp

    from backoffice.transform.faults import rows_of
    from backoffice.transform.sql import table as named

    cells = [exp.alias_(in_writing(name, kind), name, quoted=True) for name, kind in columns.items()]
    rows = rows_of(connection, exp.select(*cells).from_(named(table)).sql(dialect="duckdb"))
    return Sheet(tuple(columns), tuple(map(_texts, rows)))


def _texts(row: Iterable[object]) -> Row:
    return tuple("" if cell is None else str(cell) for cell in row)
