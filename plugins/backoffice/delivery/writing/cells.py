"""Cells as text, said in SQL: DuckDB writes whole lines, and Python only moves them.

Spreadsheet programs run a cell that begins like a formula, and a formula can reach out to the network. A cell counts as
such if it begins with ``=``, ``@``, a tab, a line end or a full-width form of such a sign, or with ``+`` or ``-`` and is
no number: signed amounts and phone numbers (``-12.50``, ``+353 1 234 5678``) are none. Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from backoffice.ahead import ahead
from backoffice.contract import Kind, Part
from backoffice.contract.parts import ColourRule

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = [
    "columns_of",
    "iso",
    "lines",
    "literal",
    "looks_like_formula",
    "marked",
    "meets",
    "number",
    "quoted",
    "strftime",
]

# U+FF1D, FF0B, FF0D, FF20: full-width = + - @. `s` lets `.` match a line end.
_DANGEROUS = r"(?s)^(?:[=@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|[+-](?:.*[^0-9 ().,/+-]|[^0-9]*$))"
# By its first sign, which is compared in no time; few cells begin so, and only those are looked at closely.
_MAYBE = ("{0} < '0'", "{0} BETWEEN '=' AND '>'", "{0} BETWEEN '@' AND 'A'", "{0} >= chr(65280)")
_BATCH_ROWS = 20_000
_STRFTIME: dict[str, str] = {
    "YYYY": "%Y", "MM": "%m", "DD": "%d", "M": "%-m", "D": "%-d", "hh": "%H", "mm": "%M", "ss": "%S", "%": "%%",
}  # fmt: skip


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(connection: DuckDBPyConnection, part: Part) -> dict[str, Kind]:
    """The columns that a part writes, in its order, and what they hold."""
    found = connection.execute(f"SELECT * FROM {quoted(part.table)} LIMIT 0").description or ()  # noqa: S608
    kinds = {name: _kind(str(kind)) for name, kind, *_ in found}
    return {name: kinds[name] for name in part.columns or kinds}


def _kind(kind: str) -> Kind:
    if kind in ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT", "UINTEGER"):
        return Kind.INTEGER
    if kind.startswith("DECIMAL"):
        return Kind.NUMBER
    known = {"DATE": Kind.DATE, "TIMESTAMP": Kind.TIMESTAMP, "BOOLEAN": Kind.BOOLEAN}
    return known.get(kind, Kind.TEXT)


def looks_like_formula(cell: str) -> str:
    """Whether a text cell does; false for an empty one."""
    maybe = " OR ".join(part.format(cell) for part in _MAYBE)
    return f"CASE WHEN {maybe} THEN regexp_matches({cell}, '{_DANGEROUS}') ELSE false END"


def marked(cell: str) -> str:
    """A text cell with an apostrophe in front where it looks like a formula."""
    return f"CASE WHEN {looks_like_formula(cell)} THEN chr(39) || {cell} ELSE {cell} END"


def number(cell: str, *, places: int = 0) -> str:
    """An exact number as text: a point, no noughts at its end but for ``places``."""
    text = f"CASE WHEN contains({cell}::varchar, '.') THEN rtrim(rtrim({cell}::varchar, '0'), '.') ELSE {cell}::varchar END"
    if not places:
        return text
    point = f"strpos({text}, '.')"
    missing = f"greatest(0, {places} - CASE WHEN {point} = 0 THEN 0 ELSE length({text}) - {point} END)"
    return f"concat({text}, CASE WHEN {point} = 0 THEN '.' ELSE '' END, repeat('0', {missing}))"


def iso(cell: str, kind: Kind) -> str:
    """Any cell as text: dates as YYYY-MM-DD, truth as ``true`` and ``false``."""
    return number(cell) if kind is Kind.NUMBER else f"{cell}::varchar"


def strftime(form: str) -> str:
    """A date format of the contract for DuckDB."""
    parts: list[str] = re.findall(r"YYYY|MM|DD|hh|mm|ss|M|D|.", form)
    return "".join(_STRFTIME.get(part) or part for part in parts)


def meets(rule: ColourRule) -> str:
    """Whether a row's cell meets a rule of the SOW's; unknown for an empty one."""
    cell = quoted(rule.column)
    if rule.is_one_of:
        return f"lower({cell}) IN ({', '.join(f'lower({literal(one)})' for one in rule.is_one_of)})"
    if rule.below is not None:
        return f"{cell} < {rule.below!r}"
    if rule.above is not None:
        return f"{cell} > {rule.above!r}"
    return f"{cell} IS NULL"


def lines(connection: DuckDBPyConnection, query: str) -> Iterator[tuple[memoryview, list[int]]]:
    """Run a query whose first column is text, one line each: the lines of a batch one behind the other as UTF-8, without
    a copy, and the sums of its further columns.
    """
    from pyarrow.compute import call_function

    with closing(ahead(connection.sql(query).to_arrow_reader(_BATCH_ROWS))) as batches:
        for batch in batches:
            text = batch.column(0)
            if not len(text):
                continue
            _, offsets, data = text.buffers()
            places = memoryview(offsets).cast("i")
            begin, end = places[text.offset], places[text.offset + len(text)]
            sums = [int(call_function("sum", [batch.column(at)]).as_py() or 0) for at in range(1, batch.num_columns)]
            yield memoryview(data)[begin:end] if data else memoryview(b""), [len(text), *sums]
