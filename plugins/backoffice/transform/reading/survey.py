"""A first look at a file's bytes: is it text, in which encoding, and does every line end before its limit?

One pass, in pieces; nothing of the content is kept. What is UTF-8 in memory already is read as it stands; everything
else is turned into UTF-8 with one kind of line ends while it is read, through a pipe: it is never there a second time.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO

from backoffice.contract import CsvInput
from backoffice.errors import DropRejected
from backoffice.spool import Spool, piped
from backoffice.transform.reading.content import kind_of, refuse_other_than

__all__ = ["Binary", "Part", "Survey", "survey"]

Binary = IO[bytes] | RawIOBase
"""A file that can be read again from the start."""

_PIECE = 1024 * 1024
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Part:
    """Whole lines of a file: where they begin and end, and how many lines are before them."""

    start: int
    stop: int | None
    lines: int


@dataclass(frozen=True)
class Survey:
    """A file that can be read as text."""

    bytes: int
    """Of the client's file."""
    encoding: str
    mixed_line_ends: bool
    first_line: str
    """The header's row, its line breaks as blanks."""
    several_lines: bool
    """Whether it had some. After a byte-order mark the engine would take them for line ends."""
    line_end: bytes
    file: Binary
    starts: tuple[tuple[int, int], ...] = ()
    """Where some of its lines begin, and how many are before each; none, where a cell may hold line ends."""

    def parts(self, count: int) -> tuple[Part, ...]:
        """So many parts, about equally long, that can be read at once with :meth:`piped`; none, where that cannot be."""
        if self.encoding != "utf-8" or not isinstance(self.file, Spool) or count < 2:
            return ()
        middle = [
            next((one for one in self.starts if one[0] >= self.bytes * n // count), None) for n in range(1, count)
        ]
        begins = [(0, 0), *(one for one in dict.fromkeys(middle) if one is not None)]
        if len(begins) < 2:
            return ()
        ends = [*(start for start, _ in begins[1:]), None]
        return tuple(Part(start, stop, lines) for (start, lines), stop in zip(begins, ends, strict=True))

    @contextmanager
    def piped(self, part: Part) -> Iterator[str]:
        """A path under which the engine can read one part, once. Other threads may read others meanwhile."""
        file = self.file
        assert isinstance(file, Spool)  # noqa: S101 - or it has no parts

        def pieces() -> Iterator[bytes]:
            first = part.start == 0
            for piece in file.pieces(part.start, part.stop):
                yield piece.removeprefix(codecs.BOM_UTF8) if first else piece
                first = False

        with piped(pieces) as path:
            yield path

    @property
    def standing(self) -> str | None:
        """The path under which the engine can read it as it is; ``None``: only what :meth:`rewritten` gives."""
        again = self.encoding != "utf-8" or self.mixed_line_ends or self.several_lines
        return None if again else _in_memory(self.file)

    @contextmanager
    def rewritten(self, last: str) -> Iterator[str]:
        """A path under which the engine can read it once, from start to end, as UTF-8.

        :param last: a line that follows the file's own. The engine does not notice in a pipe that it ends within a
            quoted cell, and leaves that row out without a word; then this line is missing too.
        """

        def pieces() -> Iterator[bytes]:
            end = b""
            for piece in self._pieces():
                end = piece[-1:] or end
                yield piece
            line_end = b"\n" if self.mixed_line_ends else self.line_end
            yield (b"" if end in (b"\n", b"\r") else line_end) + last.encode() + line_end

        with piped(pieces) as path:
            yield path

    def _pieces(self) -> Iterator[bytes]:
        """All of it as UTF-8; if lines end in more than one way, every line in LF, also those within cells."""
        held = b""
        for piece in _utf8(self.file, self.encoding):
            if not self.mixed_line_ends:
                yield piece
                continue
            whole = held + piece
            held = b"\r" if whole.endswith(b"\r") else b""
            yield whole[: len(whole) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if held:
            yield b"\n"


def survey(file: Binary, spec: CsvInput) -> Survey:
    """Look at a file; it must stay open for as long as the survey is used.

    :raises DropRejected: ``empty``, ``too-large``, ``format``, ``encoding``, ``line-too-long``.
    """
    size = file.seek(0, os.SEEK_END)
    if size > spec.max_bytes:
        message = f"The file has {size:,} bytes; {spec.max_bytes:,} are agreed."
        raise DropRejected("too-large", message, hint="Send it in parts, or agree on more.")
    refuse_other_than("csv", kind_of(file))
    file.seek(0)
    head = file.read(64) or b""
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    encoding = _encoding(spec, mark)
    lines = _Lines(spec.max_line_bytes)
    legacy = ""
    if encoding != "utf-16":
        lines.fed = len(mark) if encoding == "utf-8" else 0
        file.seek(lines.fed)
        legacy = _look(file, lines, utf8=encoding == "utf-8")
    if legacy:
        encoding = _legacy(spec, marked=bool(mark), mixed=legacy == "mixed")
    if encoding != "utf-8":
        lines = _try(file, encoding, spec)
    first, *more = _first_row(file, encoding, spec)
    starts = () if lines.mixed or lines.quoted or lines.end == b"\r" else tuple(lines.starts)
    return Survey(size, encoding, lines.mixed, " ".join([first, *more]), bool(more), lines.end, file, starts)


def _in_memory(file: Binary) -> str | None:
    """Its path if it is a memfd, and only then. The engine may open nothing that has a name on a disk."""
    if isinstance(path := getattr(file, "path", None), str):
        return path
    try:
        path = f"/proc/self/fd/{file.fileno()}"
    except OSError:  # a spool on disk
        return None
    return path if str(Path(path).readlink()).startswith("/memfd:") else None


def _utf8(file: Binary, encoding: str, *, size: int = _PIECE) -> Iterator[bytes]:
    """A file's content as UTF-8, without a byte-order mark.

    :raises DropRejected: ``encoding``: it is not what it seemed.
    """
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    first = True
    while True:
        piece = file.read(size) or b""
        if decoder is not None:
            text = _decoded(decoder, piece)
            if text is None:
                message = f"The file is not {encoding.upper()} throughout."
                raise DropRejected("encoding", message, hint="Export it as UTF-8.")
            yield text.encode()
        elif piece:
            yield piece.removeprefix(codecs.BOM_UTF8) if first else piece
        first = False
        if not piece:
            return


def _first_row(file: Binary, encoding: str, spec: CsvInput) -> list[str]:
    """The header's row: one line, or several where a quoted cell of it has line breaks."""
    found = b""
    for piece in _utf8(file, encoding, size=64 * 1024):
        found += piece
        if _end_of_row(found) is not None or len(found) > spec.max_line_bytes:
            break
    plain = min(len(found.split(b"\n")[0]), len(found.split(b"\r")[0]))  # a quote that nobody closes: the first line
    end = _end_of_row(found)
    row = found[: plain if end is None else end].decode("utf-8", "ignore").removeprefix("\ufeff")
    return re.split("\r\n|\r|\n", row)


_QUOTED = re.compile(rb'(?:\A(?:\xef\xbb\xbf)?|(?<=[,;\t|]))"[^"]*(?:""[^"]*)*"|[\r\n]')


def _end_of_row(text: bytes) -> int | None:
    """Where the first line end is that stands in no quoted cell."""
    return next((one.start() for one in _QUOTED.finditer(text) if one[0] in b"\r\n"), None)


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


def _look(file: Binary, lines: _Lines, *, utf8: bool) -> str:
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
    if piece.isascii() and not decoder.getstate()[0]:  # no sign is open: a tenth of the work of decoding
        return -1
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
        self.fed = 0
        """Bytes of the file up to here."""
        self.quoted = False
        """Whether there is a double quote: then a line end may stand within a cell."""
        self.starts: list[tuple[int, int]] = []
        """Where the first line of each piece begins, and how many line feeds are before it."""

    def feed(self, piece: bytes) -> None:
        """Look at the next piece, which is no longer than a line may be.

        :raises DropRejected: ``line-too-long``.
        """
        returns = piece.count(b"\r")  # most files have none: then this is the only look for one
        first = _break(piece.find(b"\n"), piece.find(b"\r") if returns else -1, min)
        if self.open + (first if first >= 0 else len(piece)) > self.limit:
            message = f"A line of the file is longer than the agreed {self.limit:,} bytes."
            raise DropRejected("line-too-long", message, hint="Are the line ends missing? Export it again.")
        if first < 0:
            self.open += len(piece)
        else:
            self.open = len(piece) - 1 - _break(piece.rfind(b"\n"), piece.rfind(b"\r") if returns else -1, max)
        self.breaks += piece.count(b"\r\n") if returns else 0
        self.breaks += self.last == b"\r" and piece.startswith(b"\n")
        self.quoted = self.quoted or b'"' in piece
        if (feed := piece.find(b"\n")) >= 0:
            self.starts.append((self.fed + feed + 1, self.feeds + 1))
            self.feeds += piece.count(b"\n")
        self.returns += returns
        self.fed += len(piece)
        self.last = piece[-1:]

    @property
    def end(self) -> bytes:
        """How they end; where they do so in more than one way, as one of them."""
        return b"\r\n" if self.breaks else b"\r" if self.returns and not self.feeds else b"\n"

    @property
    def mixed(self) -> bool:
        """Whether lines end in more than one way."""
        return sum((self.breaks > 0, self.feeds > self.breaks, self.returns > self.breaks)) > 1


def _break(one: int, other: int, choose: Callable[[list[int]], int]) -> int:
    found = [place for place in (one, other) if place >= 0]
    return choose(found) if found else -1


def _try(file: Binary, encoding: str, spec: CsvInput) -> _Lines:
    """Go through a file that is not UTF-8, to see that it can be read to its end.

    :raises DropRejected: ``format``, ``encoding``, ``line-too-long``.
    """
    lines = _Lines(spec.max_line_bytes)
    for piece in _utf8(file, encoding, size=min(_PIECE, spec.max_line_bytes)):
        if b"\0" in piece:
            raise DropRejected("format", "The file is not CSV: it holds NUL characters.", hint="Export it as CSV.")
        for start in range(0, len(piece), spec.max_line_bytes):
            lines.feed(piece[start : start + spec.max_line_bytes])
    return lines


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes) -> str | None:
    try:
        return decoder.decode(piece, not piece)
    except UnicodeError:
        return None
