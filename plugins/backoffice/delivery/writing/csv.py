"""CSV: a cell that looks like a formula gets an apostrophe in front, which spreadsheet programs show as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract import CsvOutput, Kind
from backoffice.delivery.writing.cells import columns_of, lines, literal, looks_like_formula, marked, number, strftime
from backoffice.delivery.writing.cells import quoted as name_of
from backoffice.delivery.writing.encoding import Encoder
from backoffice.delivery.writing.written import NotWritable, Written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]


def write(connection: DuckDBPyConnection, output: CsvOutput, file: BinaryIO) -> Written:
    """Write one table as CSV.

    :raises NotWritable: a sign is not in the encoding, and the SOW says to stop.
    """
    columns = columns_of(connection, output)
    encode = Encoder(output.encoding, output.unencodable, begins_after=f'{output.delimiter}"\r\n')
    file.write(encode.mark)
    end = "\r\n" if output.line_ends == "crlf" else "\n"
    if output.header:
        every = output.quotes != "needed"
        file.write(encode(output.delimiter.join(_header(name, output, every=every) for name in columns).encode()))
        file.write(encode(end.encode()))
    rows = escaped = 0
    for line, (count, risky) in lines(connection, _query(output, columns, end)):
        file.write(encode(line))
        rows += count
        escaped += risky
    if encode.refused:
        raise NotWritable(
            f"{encode.refused:,} signs are not in the encoding {output.encoding}: nothing was written.",
            hint="Agree on `encoding: utf-8-sig`, or say `unencodable: transliterate` or `replace` in the output.",
        )
    return Written(rows=rows, bytes=file.tell(), escaped=escaped, replaced=encode.replaced)


def _query(output: CsvOutput, columns: dict[str, Kind], end: str) -> str:
    cells = [_cell(output, name, kind) for name, kind in columns.items()]
    if len(cells) == 1:  # readers take an empty line for none
        cells = [f"coalesce(nullif({cells[0]}, ''), '\"\"')"]
    between = f", {literal(output.delimiter)}, "
    risky = [f"{looks_like_formula(name_of(name))}::int" for name, kind in columns.items() if kind is Kind.TEXT]
    line_end = " || ".join(f"chr({ord(sign)})" for sign in end)
    return f"SELECT concat({between.join(cells)}, {line_end}), {' + '.join(risky) or '0'} FROM {name_of(output.table)}"  # noqa: S608


def _cell(output: CsvOutput, name: str, kind: Kind) -> str:
    cell = name_of(name)
    if kind is Kind.TEXT:
        text, apart = marked(cell), False
    else:
        text = _plain(output, name, cell, kind)
        apart = output.delimiter not in f"+-.:/ {output.dates}"
    around = f"concat('\"', replace({text}, '\"', '\"\"'), '\"')"
    if output.quotes == "all":
        return around
    if output.quotes == "text" and kind is Kind.TEXT:
        return f"CASE WHEN {cell} IS NOT NULL THEN {around} END"
    signs = (literal(output.delimiter), "'\"'", "chr(10)", "chr(13)")
    needed = " OR ".join(f"contains({cell if kind is Kind.TEXT else text}, {sign})" for sign in signs)
    return text if apart else f"CASE WHEN {needed} THEN {around} ELSE {text} END"


def _plain(output: CsvOutput, name: str, cell: str, kind: Kind) -> str:
    if kind is Kind.NUMBER or (kind is Kind.INTEGER and output.decimals.get(name)):
        exact = cell if kind is Kind.NUMBER else f"{cell}::decimal(24, 6)"
        text = number(exact, places=output.decimals.get(name, 0))
        return f"replace({text}, '.', ',')" if output.decimal == "comma" else text
    if kind in (Kind.DATE, Kind.TIMESTAMP) and output.dates != "YYYY-MM-DD":
        day = f"strftime({cell}, {literal(strftime(output.dates))})"
        timed = kind is Kind.TIMESTAMP and "hh" not in output.dates
        return f"{day} || ' ' || ({cell}::time)::varchar" if timed else day
    return f"{cell}::varchar"


def _header(name: str, output: CsvOutput, *, every: bool) -> str:
    needed = every or any(sign in name for sign in (output.delimiter, '"'))
    return '"' + name.replace('"', '""') + '"' if needed else name
