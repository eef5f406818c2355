"""A first look at a file's bytes: is it text, in which encoding, and does every line end before its limit?

One pass, in pieces; nothing of the content is kept. What is not UTF-8, or
lies on a disk, is rewritten as UTF-8 into memory, never to disk.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from backoffice.contract import CsvInput
from backoffice.errors import DropRejected
from backoffice.transform.reading.content import kind_of, refuse_other_than

__all__ = ["Survey", "survey", "unify_line_ends"]

_PIECE = 1024 * 1024
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Survey:
    """A file that can be read as text."""

    path: str
    """Where its UTF-8 stands: the file itself, or a file descriptor of this process."""
    bytes: int
    """Of the client's file."""
    encoding: str
    mixed_line_ends: bool
    """The engine wants one kind in a file: see :func:`unify_line_ends`."""


@contextmanager
def survey(path: Path, spec: CsvInput) -> Iterator[Survey]:
    """Look at ``path``. What was opened for it is closed at the end.

    :raises DropRejected: ``empty``, ``too-large``, ``format``, ``encoding``, ``line-too-long``.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > spec.max_bytes:
            message = f"The file has {size:,} bytes; {spec.max_bytes:,} are agreed."
            raise DropRejected("too-large", message, hint="Send it in parts, or agree on more.")
        head = file.read(64)
        refuse_other_than("csv", kind_of(file))
        file.seek(len(head))
        mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
        encoding = _encoding(spec, mark)
        file.seek(len(mark) if encoding == "utf-8" else 0)
        if encoding == "utf-16":
            with _rewritten(file, encoding, spec) as (fd, mixed):
                yield Survey(f"/proc/self/fd/{fd}", size, encoding, mixed)
            return
        lines = _Lines(spec.max_line_bytes)
        legacy = _look(file, lines, utf8=encoding == "utf-8")
        if legacy:
            encoding = _legacy(spec, marked=bool(mark), mixed=legacy == "mixed")
        if encoding == "utf-8" and _in_memory(file):
            yield Survey(f"/proc/self/fd/{file.fileno()}", size, encoding, lines.mixed)
            return
        file.seek(0)
        with _rewritten(file, encoding, spec) as (fd, mixed):
            yield Survey(f"/proc/self/fd/{fd}", size, encoding, mixed)


def _in_memory(file: BinaryIO) -> bool:
    """Whether it is a memfd. The engine may open nothing that has a name on a disk."""
    return str(Path(f"/proc/self/fd/{file.fileno()}").readlink()).startswith("/memfd:")


def _encoding(spec: CsvInput, mark: bytes) -> str:
    marked = _MARKS.get(mark)
    if spec.encoding == "auto":
        return marked or "utf-8"
    if marked is not None and marked != spec.encoding:
        message = f"The file is marked as {marked.upper()}; {spec.encoding} is agreed."
        raise DropRejected("encoding", message, hint="Export it as agreed, or agree on the other.")
    if spec.encoding == "utf-16" and marked is None:
        raise DropRejected("encoding", "A UTF-16 file needs a byte-order mark.", hint="Export it as UTF-8.")
    return spec.encoding


def _legacy(spec: CsvInput, *, marked: bool, mixed: bool) -> str:
    if spec.encoding == "auto" and not marked and not mixed:
        return "cp1252"
    what = "It is UTF-8 in part" if mixed or marked else "It is not UTF-8"
    raise DropRejected("encoding", f"{what}, and some of it cannot be read.", hint="Export it as UTF-8 again.")


def _look(file: BinaryIO, lines: _Lines, *, utf8: bool) -> str:
    """Read on to the end. Gives ``""`` for what was hoped for, else ``legacy`` or ``mixed``."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    other, seen_utf8 = "", False
    while piece := file.read(min(_PIECE, lines.limit)):
        if b"\0" in piece:
            hint = "Export it as CSV; UTF-16 needs a byte-order mark."
            raise DropRejected("format", "The file is not CSV: it holds NUL bytes.", hint=hint)
        lines.feed(piece)
        if utf8 and not other:
            start = _decodable(decoder, piece)
            if start < 0:
                seen_utf8 = seen_utf8 or not piece.isascii()
            else:
                other = "mixed" if seen_utf8 or not piece[:start].isascii() else "legacy"
    if utf8 and not other and _decodable(decoder, b"", final=True) >= 0:
        other = "mixed" if seen_utf8 else "legacy"
    return other


def _decodable(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> int:
    """Where ``piece`` stops being UTF-8; -1 if it does not."""
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError as error:
        return max(0, error.start)
    return -1


class _Lines:
    """Follows the lines of a file that is read in pieces: how long the open one is, and how they end."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.open = 0
        self.breaks = self.feeds = self.returns = 0
        self.last = b""

    def feed(self, piece: bytes) -> None:
        """Look at the next piece, which is no longer than a line may be.

        :raises DropRejected: ``line-too-long``.
        """
        first = _break(piece.find(b"\n"), piece.find(b"\r"), min)
        if self.open + (first if first >= 0 else len(piece)) > self.limit:
            message = f"A line of the file is longer than the agreed {self.limit:,} bytes."
            raise DropRejected("line-too-long", message, hint="Are the line ends missing? Export it again.")
        if first < 0:
            self.open += len(piece)
        else:
            self.open = len(piece) - 1 - _break(piece.rfind(b"\n"), piece.rfind(b"\r"), max)
        self.breaks += piece.count(b"\r\n") + (self.last == b"\r" and piece.startswith(b"\n"))
        self.feeds += piece.count(b"\n")
        self.returns += piece.count(b"\r")
        self.last = piece[-1:]

    @property
    def mixed(self) -> bool:
        """Whether lines end in more than one way."""
        return sum((self.breaks > 0, self.feeds > self.breaks, self.returns > self.breaks)) > 1


def _break(one: int, other: int, choose: Callable[[list[int]], int]) -> int:
    found = [place for place in (one, other) if place >= 0]
    return choose(found) if found else -1


@contextmanager
def _rewritten(file: BinaryIO, encoding: str, spec: CsvInput) -> Iterator[tuple[int, bool]]:
    """The rest of ``file`` as UTF-8 in a memfd, and whether its line ends are mixed."""
    fd = os.memfd_create("text", os.MFD_CLOEXEC)
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        lines = _Lines(spec.max_line_bytes)
        readable = True
        while readable:
            piece = file.read(min(_PIECE, spec.max_line_bytes))
            text = _decoded(decoder, piece)
            readable = text is not None
            if text is None:
                break
            if "\0" in text:
                raise DropRejected("format", "The file is not CSV: it holds NUL characters.", hint="Export it as CSV.")
            for start in range(0, len(text), spec.max_line_bytes // 4):
                part = text[start : start + spec.max_line_bytes // 4].encode()
                lines.feed(part)
                _write(fd, part)
            if not piece:
                break
        if not readable:
            message = f"The file is not {encoding.upper()} throughout."
            raise DropRejected("encoding", message, hint="Export it as UTF-8.")
        yield fd, lines.mixed
    finally:
        os.close(fd)


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes) -> str | None:
    try:
        return decoder.decode(piece, not piece)
    except UnicodeError:
        return None


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


@contextmanager
def unify_line_ends(path: str) -> Iterator[str]:
    """A copy of ``path`` in memory in which every line ends in LF, also those within cells."""
    fd = os.memfd_create("text", os.MFD_CLOEXEC)
    try:
        with Path(path).open("rb") as file:
            held = b""
            while piece := file.read(_PIECE):
                piece = held + piece
                held = b"\r" if piece.endswith(b"\r") else b""
                piece = piece[: len(piece) - len(held)]
                _write(fd, piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
            _write(fd, b"\n" if held else b"")
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
