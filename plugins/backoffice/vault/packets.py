"""Reading an OpenPGP message as a stream: armour, packets, decryption, decompression (RFC 9580, RFC 4880).

Why here: the OpenPGP library refuses what GnuPG writes by default, a message that is signed, then compressed, then
encrypted. So these layers are peeled off here, on the ciphers of ``cryptography``; keys and signatures stay the library's
business. What a layer gives is to be believed only after it was read to its end: then its integrity has been checked.

Runs in the decrypting child: standard library and ``cryptography`` only.
"""

from __future__ import annotations

import binascii
import bz2
import hashlib
import os
import zlib
from collections.abc import Iterator
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = [
    "CIPHERS", "Body", "Compressed", "Descriptor", "Integrity1", "Integrity2", "Malformed", "NotOpenPgp", "Stream", "Tag",
    "Unsupported", "dearmoured", "exactly", "packets",
]  # fmt: skip

CHUNK = 1 << 16
CIPHERS = {7: 16, 8: 24, 9: 32}
"""OpenPGP's numbers of AES-128, AES-192 and AES-256, and the bytes of their keys. No other cipher is opened."""

_BEGIN = b"-----BEGIN PGP "
_ARMOUR_LOOK = 16 * 1024


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
        self._held, self._at = found + self._held[self._at :], 0
        return found

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
        found = self._source.read(min(self._left, CHUNK))
        if not found:
            raise Malformed
        self._left -= len(found)
        return found


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


def _new_length(stream: Stream) -> tuple[int, bool]:
    first = exactly(stream, 1)[0]
    if first < 192:
        return first, False
    if first < 224:
        return ((first - 192) << 8) + exactly(stream, 1)[0] + 192, False
    if first == 255:
        return int.from_bytes(exactly(stream, 4), "big"), False
    return 1 << (first & 0x1F), True


# ---------------------------------------------------------------------- decryption


class Integrity1(Stream):
    """A version 1 integrity-protected body (AES-CFB, then SHA-1 over all of it), without its version octet."""

    _TAIL = 22  # the modification detection code: two octets of header and a SHA-1

    def __init__(self, source: Stream, cipher: int, key: bytes) -> None:
        super().__init__()
        self._source = source
        self._decryptor = Cipher(algorithms.AES(key), CFB(bytes(16))).decryptor()
        self._digest = hashlib.sha1(usedforsecurity=False)  # the format's own; the signature is what is relied on
        self._tail = b""
        self._ended = False
        start = self._decryptor.update(exactly(source, 18))
        self._digest.update(start)

    def _more(self) -> bytes:
        while not self._ended:
            sealed = self._source.read()
            plain = self._tail + (self._decryptor.update(sealed) if sealed else self._decryptor.finalize())
            given, self._tail = (plain[: -self._TAIL], plain[-self._TAIL :]) if len(plain) > self._TAIL else (b"", plain)
            self._digest.update(given)
            if not sealed:
                self._ended = True
                self._digest.update(self._tail[:2])
                if self._tail[:2] != b"\xd3\x14" or self._tail[2:] != self._digest.digest():
                    raise Malformed
            if given:
                return given
        return b""


class Integrity2(Stream):
    """A version 2 integrity-protected body (AEAD in chunks), from its cipher octet on."""

    _TAG = 16

    def __init__(self, source: Stream, key: bytes) -> None:
        super().__init__()
        self._source = source
        head = exactly(source, 3)
        cipher, mode, size = head
        nonces = {2: 15, 3: 12}
        if cipher not in CIPHERS or mode not in nonces:
            raise Unsupported("cipher" if cipher not in CIPHERS else "mode")
        if size > 16 or len(key) != CIPHERS[cipher]:
            raise Malformed
        self._bound = bytes((0xC0 | Tag.SEIPD, 2, *head))
        salt = exactly(source, 32)
        wanted = len(key) + nonces[mode] - 8
        derived = HKDF(algorithm=SHA256(), length=wanted, salt=salt, info=self._bound).derive(key)
        self._cipher = (AESOCB3 if mode == 2 else AESGCM)(derived[: len(key)])
        self._prefix = derived[len(key) :]
        self._chunk = (1 << (size + 6)) + self._TAG
        self._index = 0
        self._total = 0
        self._ended = False

    def _more(self) -> bytes:
        if self._ended:
            return b""
        count = max(1, CHUNK // self._chunk)
        sealed = self._source.read(count * self._chunk)
        if not self._source.peek(self._TAG + 1)[self._TAG :]:  # what follows is at most the closing tag
            sealed += self._source.read(self._TAG)
            self._ended = True
            sealed, closing = sealed[: -self._TAG], sealed[-self._TAG :]
        else:
            closing = b""
        plain = [self._open(sealed[at : at + self._chunk]) for at in range(0, len(sealed), self._chunk)]
        if self._ended:
            self._open(closing, self._total.to_bytes(8, "big"))
        return b"".join(plain)

    def _open(self, sealed: bytes, total: bytes = b"") -> bytes:
        failed = False
        plain = b""
        try:
            plain = self._cipher.decrypt(self._prefix + self._index.to_bytes(8, "big"), sealed, self._bound + total)
        except (InvalidTag, ValueError):
            failed = True
        if failed:
            raise Malformed
        self._index += 1
        self._total += len(plain)
        return plain


class Compressed(Stream):
    """A compressed packet's content. It unfolds piece by piece: what it might become is never in memory at once."""

    def __init__(self, source: Stream) -> None:
        super().__init__()
        method = exactly(source, 1)[0]
        self._source = source
        self._pending = b""
        if method == 0:
            self._engine = None
        elif method in (1, 2):
            self._engine = zlib.decompressobj(-15 if method == 1 else 15)
        elif method == 3:
            self._engine = bz2.BZ2Decompressor()
        else:
            raise Unsupported("compression")

    def _more(self) -> bytes:
        engine = self._engine
        if engine is None:
            return self._source.read()
        while not engine.eof:
            starved = engine.needs_input if isinstance(engine, bz2.BZ2Decompressor) else not engine.unconsumed_tail
            fed = self._source.read(CHUNK // 4) if starved else b""
            if isinstance(engine, bz2.BZ2Decompressor):
                given = self._unfold(engine, fed)
            else:
                given = self._unfold(engine, fed if starved else engine.unconsumed_tail)
            if given:
                return given
            if starved and not fed and not engine.eof:
                raise Malformed
        return b""

    @staticmethod
    def _unfold(engine: zlib._Decompress | bz2.BZ2Decompressor, data: bytes) -> bytes:  # pyright: ignore[reportPrivateUsage]
        failed = False
        given = b""
        try:
            given = engine.decompress(data, CHUNK)
        except (zlib.error, OSError, EOFError):
            failed = True
        if failed:
            raise Malformed
        return given
