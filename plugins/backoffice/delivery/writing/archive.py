"""A ZIP whose bytes depend on its content alone: no clock, no user, no machine."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

__all__ = ["Archive"]

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 4
"""Deflate: most of what 6 saves, in half of its time (measured on sheets)."""


class Archive:
    """Writes files one behind the other into ``file``, in memory. A context manager."""

    def __init__(self, file: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(file, "w", compresslevel=_LEVEL)

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
        self._zip.writestr(_entry(name, stored=stored), data)

    @contextmanager
    def open(self, name: str, *, large: bool = False, stored: bool = False) -> Iterator[IO[bytes]]:
        """A file to be written piece by piece.

        :param large: it may exceed 2 GiB before it is compressed; older programs do not like the sign for that.
        """
        with self._zip.open(_entry(name, stored=stored), "w", force_zip64=large) as file:
            yield file


def _entry(name: str, *, stored: bool) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry._compresslevel = _LEVEL  # type: ignore[attr-defined] # `compress_level` from Python 3.13 on
    return entry
