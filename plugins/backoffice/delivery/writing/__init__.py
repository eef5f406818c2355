"""Writing what was agreed: one module per format, each with a ``write`` of the same shape.

All of them read the tables of a live DuckDB connection and write into memory, batch by batch; no file of theirs ever has a
name on a disk (P7). The same tables give the same bytes: no clock, no random id, no machine's name is in them.
"""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from backoffice.delivery.writing.written import Written
from backoffice.discretion import kind_of
from backoffice.errors import BackofficeError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.contract import Output
    from backoffice.originals import Original

__all__ = ["Written", "write", "write_into"]

_FROM_START_TO_END = ("csv", "jsonl", "parquet")
"""The others go back to what they wrote; a workbook holds a million rows at most."""


def write(
    connection: DuckDBPyConnection, output: Output, path: Path | str, *, originals: Iterable[Original] = ()
) -> Written:
    """Write ``output`` from the tables that it names, to ``path`` (a memfd's ``/proc/self/fd/N`` as well).

    :param originals: the documents that go back with them, where ``output`` says so.
    :raises BackofficeError: the format cannot hold the tables, a column is not there, or nothing more can be written; no
        value is in the message.
    """
    with _opened(path) as file:
        return write_into(connection, output, file, originals=originals)


def write_into(
    connection: DuckDBPyConnection,
    output: Output,
    file: BinaryIO | RawIOBase,
    *,
    originals: Iterable[Original] = (),
) -> Written:
    """Write ``output`` into a file, in place of what it holds; or into one that can only be written from start to end.

    :raises BackofficeError: as :func:`write`.
    """
    more: dict[str, Iterable[Original]] = {}
    if getattr(output, "documents", None) is not None:  # they may be larger than memory
        more = {"originals": originals}
    elif not file.seekable() and _format(output) not in _FROM_START_TO_END:
        with open(os.memfd_create("result", os.MFD_CLOEXEC), "rb+") as whole:  # noqa: PTH123 - a descriptor
            done = _written(connection, output, whole)
            whole.seek(0)
            shutil.copyfileobj(whole, cast("BinaryIO", file), 1024 * 1024)
            return done
    if file.seekable():
        file.seek(0)
        file.truncate()
    return _written(connection, output, cast("BinaryIO", file), **more)


def _format(output: Output) -> str:
    return getattr(output, "format")  # noqa: B009 - each format has its own model


def _written(connection: DuckDBPyConnection, output: Output, file: BinaryIO, **more: Iterable[Original]) -> Written:
    module = importlib.import_module(f"{__name__}.{_format(output)}")
    fault, hint = "", "Is there room for it?"
    try:
        done: Written = module.write(connection, output, file, **more)
        file.flush()
        return done
    except BackofficeError as error:  # ours, with no value in it
        fault, hint = error.message, error.hint
    except Exception as error:  # noqa: BLE001 - DuckDB, pyarrow and typst print cells in their errors
        fault = f"The result could not be written ({kind_of(error)})."
    # Raised here, after the block: the error may show cells.
    raise BackofficeError(fault, hint=hint)


@contextmanager
def _opened(path: Path | str) -> Iterator[BinaryIO]:
    """A file in memory: the one that ``path`` is, else one whose content is put at ``path`` in the end."""
    text = str(path)
    if text.startswith("/proc/self/fd/"):
        with open(os.dup(int(text.rpartition("/")[2])), "rb+") as file:  # noqa: PTH123 - a descriptor
            yield file
        return
    with open(os.memfd_create("result", os.MFD_CLOEXEC), "rb+") as file:  # noqa: PTH123
        yield file
        file.seek(0)
        with Path(text).open("wb") as target:
            shutil.copyfileobj(file, target, 1024 * 1024)
