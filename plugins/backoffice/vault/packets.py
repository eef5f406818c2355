"""Reading an OpenPGP message as a stream: armour and packets (RFC 9580). What is in them, :mod:`.layers` opens.

Why here: the OpenPGP library refuses what GnuPG writes by default, a message that is signed, then compressed, then
encrypted. So the layers are peeled off here, on the ciphers of ``cryptography``; keys and signatures stay the library's
business. What a stream gives is to be believed only after it was read to its end: then its integrity has been checked.

Runs in the decrypting child: standard library and ``cryptography`` only.
"""

from __future__ import annotations

import binascii
import os
from collections.abc import Iterator
from enum import IntEnum

__all__ = [
    "CHUNK",
    "Body",
    "Descriptor",
    "Malformed",
    "NotOpenPgp",
    "Stream",
    "Tag",
    "Unsupported",
    "dearmoured",
    "exactly",
    "framed",
    "packets",
]

CHUNK = 1 << 16  # fits a processor's cache, through all the layers

_BEGIN = b"-----BEGIN PGP "
_ARMOUR_LOOK = 16 * 1024
_LONGEST = 5  # octets of a length


class Malformed(Exception):
    """The message breaks the format, is cut off, or was changed."""


class NotOpenPgp(Exception):
    """This is not an OpenPGP message at all."""


class Unsupported(Exception):
    """A method of OpenPGP that is not accepted here; the argument names it."""


class Tag(IntEnum):
    """Packet types that are looked at."""

    PKESK = 1
    SIGNATURE = 2
    SKESK = 3
    ONE_PASS = 4
    COMPRESSED = 8
    SED = 9
    MARKER = 10
    LITERAL = 11
    SEIPD = 18
    MDC = 19
    AED = 20
    PADDING = 21


class Stream:
    """Bytes on demand. ``read`` gives up to ``size``, less only at the end, and nothing after it."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0  # how much of what is held was given: a view would be as good, a copy per read would not

    def _more(self) -> bytes:
        """The next bytes, however many are at hand; none at the end."""
        raise NotImplementedError

    def read(self, size: int = CHUNK) -> bytes:
        """Up to ``size`` bytes."""
        end = self._at + size
        if len(self._held) >= end:
            given = self._held[self._at : end]
            self._at = end
            return given
        parts = [self._held[self._at :]] if self._at < len(self._held) else []
        have = sum(map(len, parts))
        self._held, self._at = b"", 0
        while have < size:
            more = self._more()
            if not more:
                break
            parts.append(more)
            have += len(more)
        if have > size:
            self._held, self._at = parts[-1], len(parts[-1]) - (have - size)
            parts[-1] = parts[-1][: self._at]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def peek(self, size: int) -> bytes:
        """The next bytes, left where they are."""
        found = self.read(size)
        self.give_back(found)
        return found

    def give_back(self, found: bytes) -> None:
        """What was read last is read again."""
        self._held, self._at = found + self._held[self._at :], 0

    def drain(self) -> int:
        """Read to the end, so that every integrity check below has been made; gives how many bytes there were."""
        count = 0
        while found := self.read():
            count += len(found)
        return count


def exactly(stream: Stream, size: int) -> bytes:
    """``size`` bytes, or :class:`Malformed`."""
    found = stream.read(size)
    if len(found) != size:
        raise Malformed
    return found


class Descriptor(Stream):
    """A file, pipe or memfd."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def _more(self) -> bytes:
        return os.read(self._descriptor, CHUNK)


# ---------------------------------------------------------------------- armour


def dearmoured(stream: Stream) -> Stream:
    """The binary message, whether it came in ASCII armour or not.

    :raises NotOpenPgp: neither.
    """
    start = stream.peek(_ARMOUR_LOOK)
    if start[:1] and start[0] & 0x80 and not start.startswith(b"\xef\xbb\xbf"):
        return stream
    at = start.find(_BEGIN)
    if at < 0 or (at > 0 and start[at - 1 : at] not in (b"\n", b"\xbf", b"\r")):
        raise NotOpenPgp
    stream.read(at)
    return _Armour(stream)


class _Armour(Stream):
    def __init__(self, source: Stream) -> None:
        super().__init__()
        self._source = source
        self._text = b""
        self._rest = b""
        self._ended = False
        if not self._line().startswith(_BEGIN + b"MESSAGE"):
            raise NotOpenPgp
        while self._line().strip():
            pass

    def _line(self) -> bytes:
        while b"\n" not in self._text:
            more = self._source.read()
            if not more or len(self._text) > _ARMOUR_LOOK:
                raise Malformed
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        return line

    def _more(self) -> bytes:
        while not self._ended:
            text, self._text = self._text or self._source.read(), b""
            if not text:
                raise Malformed  # the closing line never came
            end = text.find(b"-")
            if end >= 0:
                text, self._ended = text[:end], True
            plain = self._rest + text.translate(None, b" \t\r\n")
            data, checksum, _ = plain.partition(b"=") if self._ended else (plain, b"", b"")
            if not self._ended and b"=" in plain:  # padding and checksum: the closing line follows
                self._rest = plain
                if len(plain) > 2 * CHUNK:
                    raise Malformed
                continue
            whole = len(data) if self._ended else len(data) - len(data) % 4
            self._rest = data[whole:]
            found = _base64(data[:whole], padded=bool(checksum) or self._ended)
            if found:
                return found
        return b""


def _base64(text: bytes, *, padded: bool) -> bytes:
    failed = False
    found = b""
    try:
        found = binascii.a2b_base64(text + b"=" * (-len(text) % 4 if padded else 0), strict_mode=True)
    except binascii.Error:
        failed = True
    if failed:
        raise Malformed
    return found


# ---------------------------------------------------------------------- packets


class Body(Stream):
    """One packet's body, whose length is known, given in parts, or open to the end (RFC 9580, 4.2)."""

    def __init__(self, source: Stream, left: int | None, *, partial: bool = False) -> None:
        super().__init__()
        self._source = source
        self._left = left
        self._partial = partial

    def _more(self) -> bytes:
        if self._left is None:
            return self._source.read()
        while self._left == 0 and self._partial:
            self._left, self._partial = _new_length(self._source)
        if self._left == 0:
            return b""
        found = self._source.read(CHUNK if self._partial else min(self._left, CHUNK))
        if not found:
            raise Malformed
        if self._partial:
            return self._parts(found, self._left)
        self._left -= len(found)
        return found

    def _parts(self, block: bytes, left: int) -> bytes:
        """What a block holds of this body; the lengths between its parts are left out. GnuPG's parts are of 8 KB."""
        parts, at = [], 0
        while left < len(block) - at:
            parts.append(block[at : at + left])
            at += left
            left = 0
            if not self._partial or len(block) - at < _LONGEST:
                self._source.give_back(block[at:])
                at = len(block)
                break
            left, self._partial, size = _length(block[at : at + _LONGEST])
            at += size
        parts.append(block[at:])
        self._left = left - len(parts[-1])
        return b"".join(parts)


def packets(stream: Stream) -> Iterator[tuple[int, Body]]:
    """The packets of a stream; each body is read to its end before the next one is asked for, or is drained here."""
    while first := stream.read(1):
        octet = first[0]
        if not octet & 0x80:
            raise Malformed
        if octet & 0x40:
            tag = octet & 0x3F
            length, partial = _new_length(stream)
            body = Body(stream, length, partial=partial)
        else:
            tag, kind = (octet >> 2) & 0x0F, octet & 0x03
            body = Body(stream, None if kind == 3 else int.from_bytes(exactly(stream, 1 << kind), "big"))
        yield tag, body
        body.drain()


def framed(tag: Tag, body: bytes) -> bytes:
    """A packet of its own: header and body."""
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


def _new_length(stream: Stream) -> tuple[int, bool]:
    length, partial, size = _length(stream.peek(_LONGEST))
    stream.read(size)
    return length, partial


def _length(octets: bytes) -> tuple[int, bool, int]:
    """A length, whether it is of a part only, and the octets that say so (RFC 9580, 4.2.1)."""
    first = octets[0] if octets else 0
    size = 1 if first < 192 or 224 <= first < 255 else 2 if first < 224 else 5
    if len(octets) < size:
        raise Malformed
    if size == 2:
        return ((first - 192) << 8) + octets[1] + 192, False, size
    if size == 5:
        return int.from_bytes(octets[1:5], "big"), False, size
    return (first, False, size) if first < 192 else (1 << (first & 0x1F), True, size)
