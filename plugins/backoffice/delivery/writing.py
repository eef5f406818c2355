"""Writing a result in the agreed format.

Spreadsheet programs run a cell that begins like a formula, and a formula can reach out to the network. So a cell is
written with a leading apostrophe, which they show as plain text, if it begins with ``=``, ``@``, a tab, a line end or a
full-width form of such a sign, or with ``+`` or ``-`` and is no number: signed amounts and phone numbers (``-12.50``,
``+353 1 234 5678``) stay as they are. Source of the rule: OWASP, "CSV Injection".
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.errors import BackofficeError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.contract import Output

__all__ = ["Written", "write"]

# U+FF1D, FF0B, FF0D, FF20: full-width = + - @. `s` lets `.` match a line end.
_DANGEROUS = r"(?s)^(?:[=@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]|[+-](?:.*[^0-9 ().,/+-]|[^0-9]*$))"


@dataclass(frozen=True)
class Written:
    """What was written."""

    rows: int
    bytes: int
    escaped: int
    """Cells that were given an apostrophe."""


def write(connection: DuckDBPyConnection, table: str, output: Output, path: Path | str) -> Written:
    """Write ``table`` to ``path`` (a memfd's ``/proc/self/fd/N`` as well): UTF-8 CSV, header, LF, in the table's order.

    The same table gives the same bytes.

    :raises BackofficeError: the table lacks a column, or nothing more can be written.
    """
    import duckdb

    fault, rows, escaped, size = "", 0, 0, 0
    with _descriptor(path) as fd:
        try:
            rows, escaped = _write_csv(connection, table, output, fd)
            size = os.fstat(fd).st_size
        except duckdb.Error as error:
            fault = type(error).__name__
    # Raised here, after the block: DuckDB's own error may show cells.
    if fault:
        raise BackofficeError(f"The result could not be written ({fault}).", hint="Is there room for it?")
    return Written(rows=rows, bytes=size, escaped=escaped)


def _write_csv(connection: DuckDBPyConnection, table: str, output: Output, fd: int) -> tuple[int, int]:
    kinds = _columns(connection, table)
    risky = {
        _quoted(name): f"regexp_matches({_quoted(name)}, '{_DANGEROUS}')" for name in kinds if kinds[name] == "VARCHAR"
    }
    cells = []
    for name in map(_quoted, output.columns or kinds):
        test = risky.get(name)
        cells.append(f"CASE WHEN {test} THEN chr(39) || {name} ELSE {name} END AS {name}" if test else name)
    total = " + ".join(f"count(*) FILTER ({test})" for test in risky.values()) or "0"
    rows, escaped = connection.execute(f"SELECT count(*), {total} FROM {_quoted(table)}").fetchall()[0]  # noqa: S608
    chosen = f"SELECT {', '.join(cells)} FROM {_quoted(table)}"  # noqa: S608
    options = "FORMAT csv, HEADER true, DELIMITER ',', USE_TMP_FILE false"
    connection.execute(f"COPY ({chosen}) TO '/proc/self/fd/{fd}' ({options})")
    return rows, escaped


@contextmanager
def _descriptor(path: Path | str) -> Iterator[int]:
    """A memfd to write to: the one that ``path`` is, else one whose content is put at ``path`` in the end.

    A hardened connection can open nothing that has a name on a disk.
    """
    text = str(path)
    if text.startswith("/proc/self/fd/"):
        fd = int(text.rpartition("/")[2])
        os.ftruncate(fd, 0)
        yield fd
        return
    fd = os.memfd_create("result", os.MFD_CLOEXEC)
    try:
        yield fd
        os.lseek(fd, 0, os.SEEK_SET)
        with Path(text).open("wb") as file, open(fd, "rb", closefd=False) as memory:
            shutil.copyfileobj(memory, file, 1024 * 1024)
    finally:
        os.close(fd)


def _columns(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    found = connection.execute(f"SELECT * FROM {_quoted(table)} LIMIT 0").description  # noqa: S608
    return {name: str(kind) for name, kind, *_ in found or ()}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
