"""A ZIP whose bytes depend on its content alone: no clock, no user, no machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

__all__ = ["Archive"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 4
"""Deflate: most of what 6 saves, in half of its time (measured on sheets)."""


class Archive:
    """Writes files one behind the other into ``file``. A context manager.

    :param streamed: nothing is gone back to: each file's length and sum stand behind it. Everything is deflated then, for
        who reads such a ZIP from start to end cannot tell where a file ends that is not.
    """

    def __init__(self, file: BinaryIO, *, streamed: bool = False) -> None:
        self._streamed = streamed
        self._file = _Forward(file) if streamed else file
        self._zip = zipfile.ZipFile(cast("BinaryIO", self._file), "w", compresslevel=_LEVEL)

    @property
    def size(self) -> int:
        """Bytes of it, once it is closed."""
        return self._file.tell()

    def __enter__(self) -> Archive:
        """Use it in a ``with``: the end of it writes the list of what is in it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write the list of what is in it."""
        self._zip.close()

    def add(self, name: str, data: bytes | str, *, stored: bool = False) -> None:
        """A small file as a whole.

        :param stored: not compressed: it is so already, or has to be readable as it is.
        """
        self._zip.writestr(_entry(name, stored=stored and not self._streamed), data)

    @contextmanager
    def open(self, name: str, *, large: bool = False, stored: bool = False, level: int = _LEVEL) -> Iterator[IO[bytes]]:
        """A file to be written piece by piece.

        :param large: it may exceed 2 GiB before it is compressed; older programs do not like the sign for that.
        :param level: of deflate.
        """
        entry = _entry(name, stored=stored and not self._streamed, level=level)
        with self._zip.open(entry, "w", force_zip64=large) as file:
            yield file


class _Forward:
    """A file that is written from start to end, whatever else it can do."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._at = file, 0

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._at += len(data)
        return len(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        self._file.flush()

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("it is written from start to end")


def _entry(name: str, *, stored: bool, level: int = _LEVEL) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry._compresslevel = level  # type: ignore[attr-defined] # `compress_level` from Python 3.13 on
    return entry
