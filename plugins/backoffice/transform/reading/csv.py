"""Reading a client's CSV into a table, and saying what is wrong with it without showing any of it."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from backoffice.contract import CsvInput
from backoffice.errors import DropRejected, EngineError
from backoffice.transform.faults import rows_of
from backoffice.transform.figures import InputProfile
from backoffice.transform.fragment import ROW
from backoffice.transform.reading.survey import survey, unify_line_ends
from backoffice.transform.sql import call, col

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_csv"]

_MOST_COLUMNS = 16_384
"""As many as a spreadsheet has. The engine takes memory for each, far beyond its limit: at 900,000 it was 4.7 GB."""
_AGAIN = "Export it again with every row complete, and cells that hold the separator in double quotes."


def read_csv(connection: DuckDBPyConnection, spec: CsvInput, path: Path, *, into: str) -> InputProfile:
    """Read ``path`` into the table ``into``: ``_row`` and the columns of ``spec``, all text, in the file's order.

    :raises DropRejected: whatever is wrong with the file; see the codes there.
    """
    with ExitStack() as opened:
        found = opened.enter_context(survey(path, spec))
        width, places = _header(found.path, spec)
        source = opened.enter_context(unify_line_ends(found.path)) if found.mixed_line_ends else found.path
        _read(connection, spec, source, width=width, places=places, into=into)
    _refuse_bad_rows(connection, header=spec.header)
    rows = rows_of(connection, f"SELECT count(*) FROM {into}")[0][0]  # noqa: S608
    if rows == 0:
        raise DropRejected("empty", "The file has no rows.", hint="Send one with rows below its header.")
    missing = sum(place is None for place in places.values())
    return InputProfile(rows, found.bytes, found.encoding, width, width - len(places) + missing, missing)


def _header(path: str, spec: CsvInput) -> tuple[int, dict[str, int | None]]:
    """How many columns the file has, and which of them each agreed column is (``None``: not there)."""
    with Path(path).open("rb") as file:
        line = file.readline(spec.max_line_bytes + 1).removeprefix(b"\xef\xbb\xbf").split(b"\r")[0].decode()
    names = _split(line, spec.delimiter)
    if len(names) > _MOST_COLUMNS:
        message = f"The file has {len(names):,} columns; {_MOST_COLUMNS:,} can be read."
        raise DropRejected("columns", message, hint="Send the agreed columns.")
    if not spec.header:
        if len(names) != len(spec.columns):
            message = f"The file has {len(names)} columns; {len(spec.columns)} are agreed."
            raise DropRejected("columns", message, hint=_separator_hint(line, spec) or "Send the agreed columns.")
        return len(names), {name: index for index, name in enumerate(spec.columns)}
    places: dict[str, int | None] = {}
    folded = [_folded(name) for name in names]
    missing: list[str] = []
    for name, need in spec.columns.items():
        times = folded.count(_folded(name))
        if times > 1:
            message = f"The column `{name}` is there {times} times."
            raise DropRejected("columns", message, hint="Each column may be there once.")
        places[name] = folded.index(_folded(name)) if times else None
        if not times and need == "required":
            missing.append(name)
    extra = len(names) - sum(place is not None for place in places.values())
    if missing or (extra and spec.extra_columns == "refuse"):
        _refuse_columns(missing, extra, line, spec)
    return len(names), places


def _refuse_columns(missing: list[str], extra: int, line: str, spec: CsvInput) -> None:
    faults = []
    if missing:
        faults.append(f"{'Columns are' if len(missing) > 1 else 'A column is'} missing: {', '.join(missing)}")
    if extra:
        faults.append(f"{extra} column{'s' if extra > 1 else ''} that {'are' if extra > 1 else 'is'} not agreed")
    hint = _separator_hint(line, spec) or f"The agreed columns are: {', '.join(spec.columns)}."
    raise DropRejected("columns", f"{'; '.join(faults)}.", hint=hint)


def _separator_hint(line: str, spec: CsvInput) -> str:
    """What separates the columns, if it is something else than was agreed."""
    wanted = {_folded(name) for name in spec.columns}
    for other, called in {",": "`,`", ";": "`;`", "\t": "a tab", "|": "`|`"}.items():
        names = {_folded(name) for name in _split(line, other)}
        if other != spec.delimiter and len(names & wanted) > 1:
            return f"Its separator seems to be {called}; `{spec.delimiter}` is agreed."
    return ""


def _split(line: str, delimiter: str) -> list[str]:
    csv.field_size_limit(2**31 - 1)
    return next(csv.reader([line.strip("\r\n")], delimiter=delimiter, skipinitialspace=True), [])


def _folded(name: str) -> str:
    return name.strip("\ufeff \t\u00a0").casefold()


def _read(
    connection: DuckDBPyConnection, spec: CsvInput, path: str, *, width: int, places: dict[str, int | None], into: str
) -> None:
    """Run the reader. Rows that it cannot make sense of are in ``reject_errors`` then."""
    import duckdb

    for name in ("reject_errors", "reject_scans", into):
        rows_of(connection, f"DROP TABLE IF EXISTS {name}")
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(width))
    markers = {marker.lower() for marker in spec.null_markers}
    chosen: list[exp.Expr] = [exp.alias_(exp.Window(this=exp.RowNumber()), ROW, quoted=True)]
    for name, place in places.items():
        cell: exp.Expr = exp.cast(exp.null(), "varchar") if place is None else col(f"c{place}")
        if place is not None and markers:
            known = call("lower", call("trim", col(f"c{place}"))).isin(*sorted(markers))
            cell = exp.Case().when(exp.not_(exp.func("coalesce", known, exp.false())), cell)
        chosen.append(exp.alias_(cell, name, quoted=True))
    select = ", ".join(one.sql(dialect="duckdb") for one in chosen)
    quoted = spec.delimiter.replace("'", "''")
    sql = f"""CREATE TABLE {into} AS SELECT {select} FROM read_csv('{path}', auto_detect = false,
        header = {str(spec.header).lower()}, delim = '{quoted}', quote = '"', escape = '"', columns = {{{columns}}},
        strict_mode = true, null_padding = false, store_rejects = true, rejects_limit = 0,
        max_line_size = {spec.max_line_bytes * 2})"""  # noqa: S608
    fault = ""
    try:
        connection.execute(sql)
    except duckdb.OutOfMemoryException:
        fault = "memory"
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        fault = "format"
    except duckdb.Error as error:
        fault = type(error).__name__
    # Raised here, after the block: DuckDB's own error shows cells.
    if fault == "format":
        raise DropRejected("format", "The file cannot be read as CSV.", hint=_AGAIN)
    if fault == "memory":
        message = "The file does not fit into the memory that one job may use."
        raise DropRejected("too-large", message, hint="Send it in parts, or ask us to raise the limit.")
    if fault:
        raise EngineError(f"The file could not be read ({fault}).", hint="This is a fault of ours, not of the file.")


def _refuse_bad_rows(connection: DuckDBPyConnection, *, header: bool) -> None:
    sql = "SELECT error_type::VARCHAR, count(DISTINCT line), min(line) FROM reject_errors GROUP BY ALL ORDER BY ALL"
    found = {kind: (lines, first) for kind, lines, first in rows_of(connection, sql)}
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
