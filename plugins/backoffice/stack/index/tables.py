"""LevelDB's sorted tables (``doc/table_format.md``): every entry of one, in order."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from backoffice.stack.index.records import Damaged, checksum, number, sized

__all__ = ["Entry", "batch", "entries"]

_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_FOOTER = 48
_TAIL = 5
"""Behind each block: how it is compressed, and its checksum."""


class Entry(NamedTuple):
    """What was once written under a key. They sort by key, the newest first."""

    key: bytes
    age: int
    """The sequence number, negative."""
    value: bytes | None
    """``None``: the key was deleted."""


def entries(path: Path) -> Iterator[Entry]:
    """Every entry of a table, what is outdated too.

    :raises Damaged: it is none, or a checksum does not fit.
    """
    try:
        data = path.read_bytes()
        if len(data) < _FOOTER or data[-8:] != _MAGIC:
            raise Damaged("a table has no end")
        place = len(data) - _FOOTER
        for _ in range(2):  # past where the filters are, which are not asked
            _, place = number(data, place)
        for _, handle in _pairs(_block(data, *_handle(data, place))):
            for key, value in _pairs(_block(data, *_handle(handle, 0))):
                yield _entry(key, value)
    except (IndexError, struct.error):
        cut = True
    else:
        cut = False
    if cut:
        raise Damaged("a table is cut off")


def _entry(key: bytes, value: bytes) -> Entry:
    """From a key as it is stored: with sequence number and kind behind it."""
    (trailer,) = struct.unpack_from("<Q", key, len(key) - 8)
    return Entry(key[:-8], -(trailer >> 8), value if trailer & 0xFF else None)


def _handle(data: bytes, place: int) -> tuple[int, int]:
    offset, place = number(data, place)
    size, _ = number(data, place)
    return offset, size


def _block(data: bytes, offset: int, size: int) -> bytes:
    end = offset + size
    packed, (expected,) = data[end], struct.unpack_from("<I", data, end + 1)
    if checksum(data[offset : end + 1]) != expected:
        raise Damaged("the checksum of a block does not fit")
    block = data[offset:end]
    if not packed:
        return block
    if packed != 1:
        raise Damaged("a block is compressed in a way that LevelDB does not know")
    import pyarrow as pa  # heavy, and only the upkeep needs it

    whole, _ = number(block, 0)
    return pa.decompress(block, decompressed_size=whole, codec="snappy", asbytes=True)


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The pairs of a block: each key says how much of it is that of the one before."""
    (restarts,) = struct.unpack_from("<I", block, len(block) - 4)
    end, place, key = len(block) - 4 * (restarts + 1), 0, b""
    while place < end:
        shared, place = number(block, place)
        own, place = number(block, place)
        size, place = number(block, place)
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + size]
        place += size


def batch(record: bytes) -> Iterator[Entry]:
    """The entries of a record in the write-ahead log.

    :raises Damaged: it is none.
    """
    try:
        first, count = struct.unpack_from("<QI", record)
        place = 12
        for age in range(first, first + count):
            kind = record[place]
            key, place = sized(record, place + 1)
            value, place = sized(record, place) if kind else (None, place)
            yield Entry(key, -age, value)
        whole = place == len(record)
    except (IndexError, struct.error):
        whole = False
    if not whole:
        raise Damaged("a record of the write-ahead log is none")
