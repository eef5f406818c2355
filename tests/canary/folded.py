"""What is in a file that was packed: logs that were compressed, archives, workbooks, PDFs."""

from __future__ import annotations

import bz2
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

__all__ = ["is_folded", "unfolded"]

_MOST = 256 << 20
"""Bytes that one packed piece is unfolded to, at most."""
_DEEPEST = 3
_STREAM = re.compile(rb"stream\r?\n")


def is_folded(head: bytes) -> bool:
    """Whether a file that begins so may hold more than is seen."""
    return head.startswith((b"\x1f\x8b", b"PK", b"BZh", b"\xfd7zXZ", b"%PDF")) or _is_zlib(head)


def unfolded(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Everything inside, and inside of that; what is no archive, or a broken one, gives what can be had of it."""
    for piece in _inside(data):
        yield piece
        if depth < _DEEPEST and is_folded(piece[:8]):
            yield from unfolded(piece, depth + 1)


def _inside(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"PK"):
        with suppress(zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, zlib.error, EOFError):
            archive = zipfile.ZipFile(io.BytesIO(data))
            for member in archive.infolist():
                with archive.open(member) as file:
                    yield file.read(_MOST)
    elif data.startswith(b"%PDF"):
        for stream in _STREAM.finditer(data):
            if _is_zlib(data[stream.end() : stream.end() + 2]):
                yield _until_it_breaks(zlib.decompressobj(), data[stream.end() :])
    elif data.startswith(b"\x1f\x8b"):
        yield _until_it_breaks(zlib.decompressobj(wbits=31), data)
    elif data.startswith(b"BZh"):
        yield _until_it_breaks(bz2.BZ2Decompressor(), data)
    elif data.startswith(b"\xfd7zXZ"):
        yield _until_it_breaks(lzma.LZMADecompressor(), data)
    elif _is_zlib(data[:2]):
        yield _until_it_breaks(zlib.decompressobj(), data)


def _until_it_breaks(machine: zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor, data: bytes) -> bytes:
    out = bytearray()
    decompress: Callable[[bytes], bytes] = machine.decompress
    with suppress(zlib.error, OSError, lzma.LZMAError, EOFError):
        for start in range(0, len(data), 1 << 16):
            out += decompress(data[start : start + (1 << 16)])
            if machine.eof or len(out) > _MOST:
                break
    return bytes(out)


def _is_zlib(head: bytes) -> bool:
    """A stream's two first bytes (RFC 1950): the method, and a check of both."""
    return len(head) >= 2 and head[0] == 0x78 and int.from_bytes(head[:2], "big") % 31 == 0
