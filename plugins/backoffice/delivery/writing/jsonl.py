"""JSON lines: one object per row. Numbers are written as they are, to the last digit; dates as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract import Kind
from backoffice.contract.outputs import JsonlOutput
from backoffice.delivery.writing.cells import columns_of, lines, literal, number, quoted
from backoffice.delivery.writing.written import Written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]


def write(connection: DuckDBPyConnection, output: JsonlOutput, file: BinaryIO) -> Written:
    """Write one table as JSON lines."""
    rows, parts = 0, []
    for name, kind in columns_of(connection, output).items():
        key = json.dumps(name, ensure_ascii=False)
        parts.append(
            f"{literal(('{' if not parts else ',') + key + ':')}, coalesce({_cell(quoted(name), kind)}, 'null')"
        )
    query = f"SELECT concat({', '.join(parts)}, '}}', chr(10)) FROM {quoted(output.table)}"  # noqa: S608
    for line, (count,) in lines(connection, query):
        file.write(line)
        rows += count
    return Written(rows=rows, bytes=file.tell())


def _cell(cell: str, kind: Kind) -> str:
    if kind is Kind.TEXT:
        return f"to_json({cell})::varchar"
    if kind is Kind.NUMBER:
        return number(cell)
    if kind is Kind.DATE:
        return f"'\"' || {cell}::varchar || '\"'"
    if kind is Kind.TIMESTAMP:
        return f"'\"' || replace({cell}::varchar, ' ', 'T') || '\"'"
    return f"{cell}::varchar"
