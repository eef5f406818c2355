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
    """Lines, and how many cells of each got an apostrophe."""
    texts = [marked(name_of(name)) if kind is Kind.TEXT else _plain(output, name, name_of(name), kind)
             for name, kind in columns.items()]  # fmt: skip
    known = [f"{text} AS t{place}" for place, text in enumerate(texts)]
    risky = [f"{looks_like_formula(name_of(name))}::int" for name, kind in columns.items() if kind is Kind.TEXT]
    cells = [_cell(output, place, kind) for place, kind in enumerate(columns.values())]
    line_end = " || ".join(f"chr({ord(sign)})" for sign in end)
    line = _line(output, cells, line_end)
    if output.quotes == "needed" and len(cells) > 1:
        # Most lines need no quotes at all: that is asked of a line as a whole.
        every = (
            f"concat({', '.join(f't{place}' for place, cell in enumerate(cells) if cell != f't{place}') or repr('')})"
        )
        plain = _line(output, [f"t{place}" for place in range(len(cells))], line_end)
        line = f"CASE WHEN {_contains_sign(output, 'every')} THEN {line} ELSE {plain} END"
        inner = f"SELECT *, {every} AS every FROM"
    else:
        inner = "SELECT * FROM"
    found = f"(SELECT {', '.join(known)}, {' + '.join(risky) or '0'} AS risky FROM {name_of(output.table)})"  # noqa: S608
    return f"SELECT {line}, risky FROM ({inner} {found})"  # noqa: S608


def _line(output: CsvOutput, cells: list[str], end: str) -> str:
    if len(cells) == 1:  # readers take an empty line for none
        cells = [f"coalesce(nullif({cells[0]}, ''), '\"\"')"]
    return f"concat({f', {literal(output.delimiter)}, '.join(cells)}, {end})"


def _cell(output: CsvOutput, place: int, kind: Kind) -> str:
    """A cell, out of its text ``t…``, in quotes where it has to be."""
    text = f"t{place}"
    around = f"concat('\"', replace({text}, '\"', '\"\"'), '\"')"
    if output.quotes == "all":
        return around
    if output.quotes == "text" and kind is Kind.TEXT:
        return f"CASE WHEN {text} IS NOT NULL THEN {around} END"
    apart = kind is not Kind.TEXT and output.delimiter not in f"+-.:/ {output.dates}"
    return text if apart else f"CASE WHEN {_contains_sign(output, text)} THEN {around} ELSE {text} END"


def _contains_sign(output: CsvOutput, text: str) -> str:
    """Whether a text holds a sign that makes quotes necessary."""
    signs = (literal(output.delimiter), "'\"'", "chr(10)", "chr(13)")
    return " OR ".join(f"contains({text}, {sign})" for sign in signs)


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
