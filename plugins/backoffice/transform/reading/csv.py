"""Reading a client's CSV into a table, and saying what is wrong with it without showing any of it."""

from __future__ import annotations

import csv
import secrets
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from backoffice.contract import CsvInput
from backoffice.errors import DropRejected, EngineError
from backoffice.transform.chain import Begun, Chain
from backoffice.transform.faults import rows_of
from backoffice.transform.figures import InputProfile
from backoffice.transform.fragment import ROW
from backoffice.transform.reading.columns import MOST_COLUMNS, find, folded
from backoffice.transform.reading.lanes import fill
from backoffice.transform.reading.loading import cells, create, quoted, wanted
from backoffice.transform.reading.survey import Binary, Part, Survey, survey
from backoffice.transform.sql import col, duckdb_text, sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.transform.chain import Ahead
    from backoffice.transform.compiling import Stage

__all__ = ["read_csv"]

_SEPARATORS = {",": "`,`", ";": "`;`", "\t": "a tab", "|": "`|`"}
_AGAIN = "Export it again with every row complete, and cells that hold the separator in double quotes."


def read_csv(connection: DuckDBPyConnection, spec: CsvInput, file: Binary, *, into: str, ahead: Ahead) -> InputProfile:
    """Read a file into the table ``into``: ``_row`` and the columns of ``spec``, all text, in the file's order.

    :param ahead: the steps that may be done on the way; if they are, their table is made instead, and ``ahead`` says so.
    :raises DropRejected: whatever is wrong with the file; see the codes there.
    """
    found = survey(file, spec)
    delimiter = _delimiter(found.first_line, spec)
    width, places = _header(_split(found.first_line, delimiter), found.first_line, spec)
    how = _How(delimiter, width, places, into)
    chain: Chain | None = None
    parts = found.parts(ahead.threads)
    if stages := ahead.stages.get(into):
        # Whatever fails here is found and told below, where it is clear whether the file or a step is at fault.
        with suppress(DropRejected, EngineError):
            if parts:
                chain = _make_in_parts(connection, spec, found, how, stages, parts)
            else:
                chain = _make(connection, spec, found, how, stages)
    if chain is None:
        if stages:
            rows_of(connection, f"DROP TABLE IF EXISTS {quoted(stages[-1].source.name)}")
        _make(connection, spec, found, how, ())
    if chain is None or not parts:  # of parts it is known already
        _refuse_bad_rows(connection, header=spec.header)
    made = into if chain is None else chain.name
    rows = rows_of(connection, f"SELECT count(*) FROM {quoted(made)}")[0][0]  # noqa: S608
    if rows == 0:
        raise DropRejected("empty", "The file has no rows.", hint="Send one with rows below its header.")
    if chain is not None:
        ahead.begun[into] = Begun(chain, rows)
    missing = sum(place is None for place in places.values())
    return InputProfile(
        format=spec.format,
        rows=rows,
        bytes=found.bytes,
        columns=width,
        dropped_columns=width - len(places) + missing,
        missing_columns=missing,
        encoding=found.encoding,
        delimiter=delimiter,
        mixed_line_ends=found.mixed_line_ends,
    )


def _make(
    connection: DuckDBPyConnection, spec: CsvInput, found: Survey, how: _How, stages: Sequence[Stage]
) -> Chain | None:
    """Make the table, or with ``stages`` the one that they make of it."""
    if found.standing is not None:
        chain = Chain(stages) if stages else None
        _read(connection, spec, found.standing, how, chain, parallel=True)
        return chain
    token = secrets.token_hex(16)
    first = next(name for name, place in how.places.items() if place is not None)
    last = sql(":cell = :token", cell=col(first), token=token)
    chain = Chain(stages, marked=last) if stages else None
    with found.rewritten(how.delimiter.join([token] * how.width)) as path:
        _read(connection, spec, path, how, chain, parallel=False)
    made, at_end = (how.into, last) if chain is None else (chain.name, chain.is_marked())
    _take_off(connection, made, at_end)
    return chain


def _make_in_parts(
    connection: DuckDBPyConnection,
    spec: CsvInput,
    found: Survey,
    how: _How,
    stages: Sequence[Stage],
    parts: Sequence[Part],
) -> Chain:
    """Make the table that ``stages`` make, by as many threads as there are parts; the rows have the order and the numbers that
    they have if one thread makes it.

    :raises DropRejected, EngineError: not all of it can be read. How it has to be told is found by reading it as a whole.
    """
    chain = Chain(stages)
    rows_of(connection, f"CREATE OR REPLACE TABLE {quoted(chain.name)} AS {_after(chain, how, _nothing(how))}")
    before = [max(0, part.lines - spec.header) for part in parts]
    with ExitStack() as open_:
        texts = []
        for part, rows in zip(parts, before, strict=True):
            path = open_.enter_context(found.piped(part))
            text = _reader(spec, path, how, header=spec.header and part.start == 0, rows=rows, parallel=False)
            texts.append(_after(chain, how, text))
        fill(connection, chain.name, texts)
    for rows in before[1:]:  # an empty line is a line, and no row
        text = f"SELECT count(*) FROM {quoted(chain.name)} WHERE {ROW} <= {rows}"  # noqa: S608
        if rows_of(connection, text)[0][0] != rows:
            raise EngineError("The rows of a part have other numbers than those of the whole.")
    return chain


def _delimiter(line: str, spec: CsvInput) -> str:
    """The separator: as agreed, or the one under which the first line fits best what is agreed."""
    if spec.delimiter != "auto":
        return spec.delimiter
    known = {folded(one.header) for one in wanted(spec)}

    def fits(separator: str) -> tuple[int, int]:
        names = _split(line, separator)
        if not spec.header:
            return int(len(names) == len(spec.columns)), len(names)
        return len({folded(name) for name in names} & known), len(names)

    return max(_SEPARATORS, key=fits)  # the first of those that fit as well


def _header(names: list[str], line: str, spec: CsvInput) -> tuple[int, dict[str, int | None]]:
    """How many columns the file has, and which of them each agreed column is (``None``: not there)."""
    if not spec.header and len(names) <= MOST_COLUMNS:
        if len(names) != len(spec.columns):
            message = f"The file has {len(names)} columns; {len(spec.columns)} are agreed."
            raise DropRejected("columns", message, hint=_separator_hint(line, spec) or "Send the agreed columns.")
        return len(names), {name: index for index, name in enumerate(spec.columns)}
    drop = spec.extra_columns == "drop"
    return len(names), find(names, wanted(spec), drop_others=drop, hint=lambda: _separator_hint(line, spec))


def _separator_hint(line: str, spec: CsvInput) -> str:
    """What separates the columns, if it is something else than was agreed."""
    if spec.delimiter == "auto":
        return ""
    known = {folded(one.header) for one in wanted(spec)}
    for other, called in _SEPARATORS.items():
        names = {folded(name) for name in _split(line, other)}
        if other != spec.delimiter and len(names & known) > 1:
            return f"Its separator seems to be {called}; `{spec.delimiter}` is agreed."
    return ""


def _split(line: str, delimiter: str) -> list[str]:
    csv.field_size_limit(2**31 - 1)
    return next(csv.reader([line.strip("\r\n")], delimiter=delimiter, skipinitialspace=True), [])


@dataclass(frozen=True)
class _How:
    """How one file is read: what its first line told."""

    delimiter: str
    width: int
    places: dict[str, int | None]
    into: str


def _take_off(connection: DuckDBPyConnection, made: str, at_end: exp.Expr) -> None:
    """Take the line off that was put behind the file's own.

    :raises DropRejected: ``format``: it is not there, for the file ends within a quoted cell.
    """
    text = f"DELETE FROM {quoted(made)} WHERE {at_end.sql(dialect='duckdb')}"  # noqa: S608
    if rows_of(connection, text)[0][0]:
        return
    _refuse_bad_rows(connection, header=True)
    raise DropRejected("format", "A quote is not closed: the file ends within a cell.", hint=_AGAIN)


def _read(
    connection: DuckDBPyConnection, spec: CsvInput, path: str, how: _How, chain: Chain | None, *, parallel: bool
) -> None:
    """Run the reader. Rows that it cannot make sense of are in ``reject_errors`` then."""
    made = how.into if chain is None else chain.name
    for name in ("reject_errors", "reject_scans", made):
        rows_of(connection, f"DROP TABLE IF EXISTS {quoted(name)}")
    text = _reader(spec, path, how, header=spec.header, rows=0, parallel=parallel)
    if chain is not None:
        text = _after(chain, how, text)
    if not create(connection, f"CREATE TABLE {quoted(made)} AS {text}"):
        raise DropRejected("format", "The file cannot be read as CSV.", hint=_AGAIN)


def _reader(spec: CsvInput, path: str, how: _How, *, header: bool, rows: int, parallel: bool) -> str:
    """What the engine reads: the numbered rows of a file, or of a part of it that has so many rows before it."""
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(how.width))
    number: exp.Expr = exp.Window(this=exp.RowNumber())
    if rows:
        number = exp.Add(this=number, expression=exp.Literal.number(rows))
    numbered = exp.alias_(number, ROW, quoted=True)
    select = ", ".join(duckdb_text(one) for one in [numbered, *cells(spec, how.places)])
    sign = how.delimiter.replace("'", "''")
    return f"""SELECT {select} FROM read_csv('{path}', auto_detect = false,
        header = {str(header).lower()}, delim = '{sign}', quote = '"', escape = '"', columns = {{{columns}}},
        strict_mode = true, null_padding = false, store_rejects = true, rejects_limit = 0,
        max_line_size = {spec.max_line_bytes * 2}, parallel = {str(parallel).lower()})"""  # noqa: S608


def _nothing(how: _How) -> str:
    """What the engine reads of a file without rows."""
    cells = [exp.alias_(exp.cast(exp.null(), "varchar"), name, quoted=True) for name in how.places]
    number = exp.alias_(exp.cast(exp.null(), "bigint"), ROW, quoted=True)
    return duckdb_text(exp.select(number, *cells).where(exp.false()))


def _after(chain: Chain, how: _How, read: str) -> str:
    """The steps over what is read."""
    return f"WITH {quoted(how.into)} AS NOT MATERIALIZED ({read}) SELECT * FROM ({duckdb_text(chain.query())})"  # noqa: S608


def _refuse_bad_rows(connection: DuckDBPyConnection, *, header: bool) -> None:
    text = "SELECT error_type::VARCHAR, count(DISTINCT line), min(line) FROM reject_errors GROUP BY ALL ORDER BY ALL"
    found = {kind: (lines, first) for kind, lines, first in rows_of(connection, text)}
    for name in ("reject_errors", "reject_scans"):
        rows_of(connection, f"DROP TABLE IF EXISTS {name}")
    if not found:
        return
    ragged = [found[kind] for kind in ("MISSING COLUMNS", "TOO MANY COLUMNS") if kind in found]
    if "LINE SIZE OVER MAXIMUM" in found:
        first = found["LINE SIZE OVER MAXIMUM"][1]
        raise DropRejected(
            "line-too-long", f"The row on line {first} is too long.", hint="Is a quote not closed there?"
        )
    if "UNQUOTED VALUE" in found:
        lines, first = found["UNQUOTED VALUE"]
        message = f"A quote is not closed, or has text after it, in {_rows(lines)}; the first is on line {first}."
        raise DropRejected("format", message, hint=_AGAIN)
    if ragged:
        lines, first = sum(count for count, _ in ragged), min(line for _, line in ragged)
        what = "its header" if header else "agreed"
        message = f"{_rows(lines)} with more or fewer cells than {what}; the first is on line {first}."
        raise DropRejected("ragged", message[0].upper() + message[1:], hint=_AGAIN)
    first = min(line for _, line in found.values())
    raise DropRejected("format", f"The row on line {first} cannot be read as CSV.", hint=_AGAIN)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
