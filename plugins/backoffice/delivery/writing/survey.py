"""One look over a table before it is written for people: how many rows, how wide, what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from backoffice.contract import Kind
from backoffice.contract.parts import Chart, Shown, Total
from backoffice.delivery.writing.cells import columns_of, iso, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Series", "Survey", "series", "survey"]

_EXACT: dict[str, str] = {"sum": "sum({})", "count": "count({})", "min": "min({})", "max": "max({})"}


@dataclass(frozen=True)
class Survey:
    """What was found."""

    columns: dict[str, Kind]
    rows: int
    longest: dict[str, int]
    """Signs of the longest cell, by column."""
    totals: dict[str, Decimal | None]


@dataclass(frozen=True)
class Series:
    """What a chart draws."""

    labels: list[str]
    values: dict[str, list[Decimal | None]]


def survey(connection: DuckDBPyConnection, part: Shown) -> Survey:
    """Look over the table of a part, once."""
    columns = columns_of(connection, part)
    asked = ["count(*)"]
    asked += [f"coalesce(max(length({iso(quoted(name), kind)})), 0)" for name, kind in columns.items()]
    asked += [_total(name, total, columns[name]) for name, total in part.totals.items()]
    found: Any = connection.execute(f"SELECT {', '.join(asked)} FROM {quoted(part.table)}").fetchall()[0]  # noqa: S608
    sizes, totals = found[1 : len(columns) + 1], found[len(columns) + 1 :]
    return Survey(
        columns=columns,
        rows=int(found[0]),
        longest=dict(zip(columns, map(int, sizes), strict=True)),
        totals={
            name: None if value is None else Decimal(str(value))
            for name, value in zip(part.totals, totals, strict=True)
        },
    )


def _total(name: str, total: Total, kind: Kind) -> str:
    cell = quoted(name)
    if total == "average":  # rounded to what a number of ours holds
        return f"round(avg({cell}), 6)"
    exact = _EXACT[total].format(cell)
    return exact if total == "count" or kind is not Kind.INTEGER else f"({exact})::hugeint"


def series(connection: DuckDBPyConnection, table: str, chart: Chart, kinds: dict[str, Kind]) -> Series:
    """The first rows of a chart's columns."""
    label = f"coalesce({iso(quoted(chart.labels), kinds[chart.labels])}, '')"
    wanted = ", ".join([label, *(quoted(name) for name in chart.values)])
    rows = connection.execute(f"SELECT {wanted} FROM {quoted(table)} LIMIT {chart.rows}").fetchall()  # noqa: S608
    values = {
        name: [None if row[at] is None else Decimal(str(row[at])) for row in rows]
        for at, name in enumerate(chart.values, start=1)
    }
    return Series([row[0] for row in rows], values)
