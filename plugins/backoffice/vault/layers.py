"""The layers of an OpenPGP message: encryption with integrity protection, and compression (RFC 9580, 5.6 and 5.13).

Runs in the decrypting child, see :mod:`.packets`.
"""

from __future__ import annotations

import hashlib
import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESOCB3
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backoffice.vault.packets import CHUNK, Malformed, Stream, Tag, Unsupported, exactly

__all__ = ["CIPHERS", "Compressed", "Feedback", "Integrity1", "Integrity2"]

CIPHERS = {7: 16, 8: 24, 9: 32}
"""OpenPGP's numbers of AES-128, AES-192 and AES-256, and the bytes of their keys. No other cipher is opened."""


class Integrity1(Stream):
    """A version 1 integrity-protected body (AES-CFB, then SHA-1 over all of it), without its version octet.

    :param expected: its size in bytes, roughly, for speed alone; 0: unknown.
    """

    _HEAD = 18  # a block of noise, and its last two octets again
    _TAIL = 22  # the modification detection code: two octets of header and a SHA-1

    def __init__(self, source: Stream, key: bytes, *, expected: int = 0) -> None:
        super().__init__()
        self._source = source
        self._cipher = Feedback(key, expected=expected)
        self._digest = hashlib.sha1(usedforsecurity=False)  # the format's own; the signature is what is relied on
        self._tail = b""
        self._head_left = self._HEAD
        self._ended = False

    def _more(self) -> bytes:
        while not self._ended:
            sealed = self._source.read()
            plain = self._tail + (self._cipher.decrypt(sealed) if sealed else b"")
            given, self._tail = (
                (plain[: -self._TAIL], plain[-self._TAIL :]) if len(plain) > self._TAIL else (b"", plain)
            )
            self._digest.update(given)
            if not sealed:
                self._ended = True
                self._digest.update(self._tail[:2])
                if self._tail[:2] != b"\xd3\x14" or self._tail[2:] != self._digest.digest():
                    raise Malformed
            if self._head_left:
                skipped = min(self._head_left, len(given))
                given, self._head_left = given[skipped:], self._head_left - skipped
            if given:
                return given
        return b""


class Feedback:
    """AES in OpenPGP's CFB mode, decrypting, from the start; every piece but the last is of whole blocks.

    OpenSSL decrypts it a block after the other, half a gigabyte a second. Yet a block of plaintext needs no other plaintext: a
    whole piece of ciphertext is encrypted at once (ECB), and XORed to itself a block further on. That is eight times as fast.
    NumPy, which XORs, takes as long to import as decrypting 85 MB the slow way: only a large message asks for it, from
    its start if it is known to be one.
    """

    LARGE = 80 << 20
    """Bytes from which a message counts as large."""

    def __init__(self, key: bytes, *, expected: int = 0) -> None:
        self._one_by_one = Cipher(algorithms.AES(key), CFB(bytes(16))).decryptor()
        self._at_once = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - a part of CFB
        self._register = b""
        self._slow_left = 0 if expected > self.LARGE else self.LARGE
        self._room = bytearray(CHUNK + 15)  # as much as OpenSSL may ask for

    def decrypt(self, sealed: bytes) -> bytes:
        """The plaintext of the next piece, at most ``CHUNK`` bytes."""
        before, self._register = self._register, sealed[-16:]
        self._slow_left -= len(sealed)
        if self._slow_left >= 0 or not before:
            return self._one_by_one.update(sealed)
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # else it makes room for more
        import numpy as np

        padded = before + sealed + bytes(-len(sealed) % 16)
        self._at_once.update_into(padded[:-16], self._room)
        stream = np.frombuffer(self._room, np.uint8, len(sealed))
        return np.bitwise_xor(stream, np.frombuffer(sealed, np.uint8)).tobytes()


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


class _Engine(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Compressed(Stream):
    """A compressed packet's content. It unfolds piece by piece: what it might become is never in memory at once."""

    def __init__(self, source: Stream) -> None:
        super().__init__()
        method = exactly(source, 1)[0]
        self._source = source
        self._engine: _Engine | None = None
        self._failures: tuple[type[Exception], ...] = ()
        if method == 0:
            pass
        elif method in (1, 2):
            from isal import isal_zlib  # more than twice as fast as zlib, which was the largest part of the work

            self._engine = isal_zlib.decompressobj(-15 if method == 1 else 15)
            self._failures = (isal_zlib.error,)  # pyright: ignore[reportAttributeAccessIssue] - its stubs call a class an instance
        elif method == 3:
            import bz2

            self._engine, self._failures = bz2.BZ2Decompressor(), (OSError, EOFError)
        else:
            raise Unsupported("compression")

    def _more(self) -> bytes:
        engine = self._engine
        if engine is None:
            return self._source.read()
        while not engine.eof:
            left = getattr(engine, "unconsumed_tail", b"")  # zlib gives back what it had no room for, bz2 keeps it
            starved = getattr(engine, "needs_input", not left)
            fed = self._source.read() if starved else left
            given = self._unfold(engine, fed)
            if given:
                return given
            if starved and not fed and not engine.eof:
                raise Malformed
        return b""

    def _unfold(self, engine: _Engine, data: bytes) -> bytes:
        failed = False
        given = b""
        try:
            given = engine.decompress(data, CHUNK)
        except self._failures:
            failed = True
        if failed:
            raise Malformed
        return given
