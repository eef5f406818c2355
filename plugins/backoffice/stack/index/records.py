"""LevelDB's smallest forms: numbers of variable length, masked checksums, and files made of records.

As LevelDB's own ``doc/log_format.md`` has them. Its write-ahead logs and its manifests are both such files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import google_crc32c

from backoffice.errors import StackError

__all__ = ["Damaged", "checksum", "number", "numbered", "read", "sized", "write"]

_BLOCK = 32768
_HEADER = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class Damaged(StackError):
    """A file of the index is not what LevelDB writes. Nothing was changed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The object store's index: {what}.", hint="It is left as it is, and so are names in it.")


def checksum(data: bytes) -> int:
    """CRC-32C, masked as LevelDB does, so that checksums of data with checksums in it stay good."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def number(data: bytes, place: int) -> tuple[int, int]:
    """The number at a place, seven bits a byte, and where it ends.

    :raises IndexError: it is cut off.
    """
    value = data[place]
    if value < 128:
        return value, place + 1
    value, shift = value & 127, 7
    while True:
        place += 1
        byte = data[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place + 1
        shift += 7


def numbered(value: int) -> bytes:
    """A number, seven bits a byte."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def sized(data: bytes, place: int) -> tuple[bytes, int]:
    """The bytes at a place that say first how many they are, and where they end.

    :raises IndexError: they are cut off.
    """
    size, place = number(data, place)
    if place + size > len(data):
        raise IndexError
    return data[place : place + size], place + size


def read(file: BinaryIO) -> Iterator[bytes]:
    """Every record. One that was being written when its process was killed has no end, was never answered for, and is left out.

    :raises Damaged: a checksum does not fit, or parts are in the wrong order.
    """
    parts: list[bytes] = []
    while block := file.read(_BLOCK):
        place = 0
        while len(block) - place >= _HEADER.size:
            expected, size, kind = _HEADER.unpack_from(block, place)
            end = place + _HEADER.size + size
            if not (expected or size or kind):
                break  # room that was set aside and never written
            if end > len(block):
                if len(block) < _BLOCK:
                    return
                raise Damaged("a record is longer than its block")
            if checksum(block[place + 6 : end]) != expected:
                raise Damaged("the checksum of a record does not fit")
            if (kind in (_FULL, _FIRST)) == bool(parts) or kind > _LAST:
                raise Damaged("the parts of a record are not in order")
            parts.append(block[place + _HEADER.size : end])
            if kind in (_FULL, _LAST):
                yield b"".join(parts)
                parts = []
            place = end


def write(file: BinaryIO, records: Iterable[bytes]) -> None:
    """Write records into a file that is empty."""
    room = _BLOCK
    for record in records:
        place, begun = 0, False
        while True:
            if room < _HEADER.size:
                file.write(b"\0" * room)
                room = _BLOCK
            piece = record[place : place + room - _HEADER.size]
            place += len(piece)
            done = place == len(record)
            kind = bytes([(_LAST if begun else _FULL) if done else (_MIDDLE if begun else _FIRST)])
            file.write(_HEADER.pack(checksum(kind + piece), len(piece), kind[0]) + piece)
            room -= _HEADER.size + len(piece)
            begun = True
            if done:
                break
