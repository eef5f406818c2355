"""The decrypting child: opens one message in a process that can do nothing else, and dies with what it knew.

Started by :func:`backoffice.vault.openpgp.open_message`. Descriptor 0 is the message, another, named by its argument, a
pipe with the order (JSON: keys, certificates, limits, and the spool for the plaintext, which is lent to it). Its exit
code is its answer; the words to it are the parent's. It prints one JSON line (sizes and fingerprints), and its stderr
goes nowhere. It imports little: every drop waits for it to start.
"""

from __future__ import annotations

import binascii
import fcntl
import json
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Any

import pysequoia
from pysequoia.packet import PacketPile

from backoffice.child import confine, keep_freed_memory, limit
from backoffice.spool import Spool
from backoffice.vault import packets as pgp
from backoffice.vault.judge import PIPE, Judge
from backoffice.vault.layers import CIPHERS, Compressed, Integrity1, Integrity2
from backoffice.vault.session_key import Recipient, WrongKey, recipients, session_key

__all__ = ["Answer", "main"]

_MEMORY = 768 << 20
_OF_BINARY = b"\0"  # the type of a signature over bytes as they are


class Answer(IntEnum):
    """Exit codes. What is not among them is a fault of ours."""

    OPENED = 0
    NOT_ENCRYPTED = 10
    WRONG_KEY = 11
    NOT_SIGNED = 12
    UNKNOWN_SIGNER = 13
    DAMAGED = 14
    TOO_LARGE = 15
    EMPTY = 16
    UNSUPPORTED = 17
    BAD_SECRET = 18


class _Rejected(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.name)
        self.answer = answer


class _Content:
    """What the message held: signatures as packets, and the plaintext, which is in the spool."""

    def __init__(self, target: Spool, limit: int, signers: list[pysequoia.Cert], nowhere: int) -> None:
        self.target = target
        self.limit = limit
        self.signers, self.nowhere = signers, nowhere
        self.signatures: list[bytes] = []
        self.one_pass: list[bytes] = []
        self.literals = 0
        self.judge: Judge | None = None

    def write(self, literal: pgp.Stream) -> None:
        if [one[1:2] for one in self.one_pass] == [_OF_BINARY] and not self.signatures:
            self.judge = Judge(self.one_pass[0], self.signers, nowhere=self.nowhere)
        while piece := literal.read():
            if self.target.size + len(piece) > self.limit:
                raise _Rejected(Answer.TOO_LARGE)
            if self.judge is not None:
                self.judge.hear(piece)
            self.target.write(piece)


def main() -> None:
    """Run one order; never returns."""
    order_descriptor = int(sys.argv[-1])
    nowhere = os.open(os.devnull, os.O_WRONLY)
    confine()
    keep_freed_memory()
    with os.fdopen(order_descriptor, "rb") as pipe:
        order = json.loads(pipe.read())
    size = order["limit"]
    target = Spool.borrowed(order["spool"])
    # What is checked at the end may be mapped into memory whole, as far as it is in memory.
    most = min(size, order["spool"]["limit"])
    limit(memory=_MEMORY, more_memory=most, cpu_seconds=order["cpu_seconds"], written=Spool.on_disk_size(size) + 1)
    answer, told = Answer.DAMAGED, {}
    try:
        told = _open(order, target, nowhere)
        answer = Answer.OPENED
    except _Rejected as rejected:
        answer = rejected.answer
    except (pgp.Malformed, EOFError):
        answer = Answer.DAMAGED
    except pgp.NotOpenPgp:
        answer = Answer.NOT_ENCRYPTED
    except pgp.Unsupported:
        answer = Answer.UNSUPPORTED
    except WrongKey:
        answer = Answer.WRONG_KEY
    except (MemoryError, OverflowError):
        answer = Answer.TOO_LARGE
    os.write(1, json.dumps(told | {"on_disk": target.on_disk}).encode())
    os._exit(answer)


def _open(order: dict[str, Any], target: Spool, nowhere: int) -> dict[str, Any]:
    signers = [pysequoia.Cert.from_bytes(text.encode()) for text in order["signers"]]
    source = pgp.Descriptor(0)
    start = source.peek(64)
    if not start:
        raise _Rejected(Answer.EMPTY)
    if not order["encrypted"] and start.lstrip().startswith(b"-----BEGIN PGP SIGNED MESSAGE-----"):
        return _clear_signed(source, signers, target, order["limit"])
    content = _Content(target, order["limit"], signers, nowhere)
    cipher = None
    message = pgp.dearmoured(source)
    if order["encrypted"]:
        keys = recipients(PacketPile.from_bytes(binascii.a2b_base64(order["secret"])))
        if not keys:
            raise _Rejected(Answer.BAD_SECRET)
        cipher, inside = _decrypted(message, keys)
        try:
            _read(inside, content)
        except (pgp.Malformed, pgp.Unsupported):
            inside.drain()  # a changed byte is told as damage, whatever the garble looked like
            raise
        inside.drain()
        if message.drain():
            raise pgp.Malformed
    else:
        _read(message, content)
    if not content.literals:
        raise pgp.Malformed
    target.finish()
    signer = _signer(content)
    if not target.size:
        raise _Rejected(Answer.EMPTY)
    return {"size": target.size, "signer": signer, "cipher": cipher}


# ---------------------------------------------------------------------- layers


def _decrypted(message: pgp.Stream, keys: list[Recipient]) -> tuple[str, pgp.Stream]:
    """The encryption layer: its cipher, and what is inside."""
    wrapped: list[bytes] = []
    first = True
    for tag, body in pgp.packets(message):
        if tag in (pgp.Tag.MARKER, pgp.Tag.PADDING):
            continue
        if tag == pgp.Tag.PKESK:
            wrapped.append(_small(body))
        elif tag == pgp.Tag.SKESK:
            _small(body)
        elif tag == pgp.Tag.SEIPD:
            return _integrity_protected(body, wrapped, keys)
        elif tag in (pgp.Tag.SED, pgp.Tag.AED):
            raise pgp.Unsupported("container")
        elif first:
            raise _Rejected(Answer.NOT_ENCRYPTED)
        else:
            raise pgp.Malformed
        first = False
    raise pgp.Malformed


def _integrity_protected(body: pgp.Body, wrapped: list[bytes], keys: list[Recipient]) -> tuple[str, pgp.Stream]:
    version = pgp.exactly(body, 1)[0]
    if version == 1:
        cipher, key = session_key(wrapped, keys, version=3)
        if cipher not in CIPHERS:
            raise pgp.Unsupported("cipher")
        if len(key) != CIPHERS[cipher]:
            raise pgp.Malformed
        return _name(cipher), Integrity1(body, key, expected=os.fstat(0).st_size)  # a pipe has none
    if version == 2:
        cipher = body.peek(1)[:1]
        _, key = session_key(wrapped, keys, version=6)
        return _name(cipher[0] if cipher else 0), Integrity2(body, key)
    raise pgp.Unsupported("container")


def _read(message: pgp.Stream, content: _Content, depth: int = 0) -> None:
    """Signatures, literal data, and at most two layers of compression around them."""
    for tag, body in pgp.packets(message):
        if tag in (pgp.Tag.MARKER, pgp.Tag.PADDING):
            continue
        if tag == pgp.Tag.COMPRESSED and depth < 2:
            _read(Compressed(body), content, depth + 1)
        elif tag == pgp.Tag.ONE_PASS and len(content.one_pass) < 16:
            content.one_pass.append(_small(body))
        elif tag == pgp.Tag.SIGNATURE and len(content.signatures) < 16:
            content.signatures.append(_small(body))
        elif tag == pgp.Tag.LITERAL and not content.literals:
            content.literals += 1
            pgp.exactly(body, 1)
            pgp.exactly(body, pgp.exactly(body, 1)[0] + 4)
            content.write(body)
        elif depth == 0 and tag in (pgp.Tag.PKESK, pgp.Tag.SKESK, pgp.Tag.SEIPD):
            raise pgp.Unsupported("encrypted twice")
        else:
            raise pgp.Malformed


def _small(body: pgp.Body) -> bytes:
    found = body.read(64 * 1024)
    if body.read(1):
        raise pgp.Malformed
    return found


def _name(cipher: int) -> str:
    return f"AES-{CIPHERS.get(cipher, 0) * 8}"


# ---------------------------------------------------------------------- signatures


def _signer(content: _Content) -> str:
    """The fingerprint of a given certificate that validly signed the plaintext."""
    if not content.signatures:
        raise _Rejected(Answer.DAMAGED if content.one_pass else Answer.NOT_SIGNED)
    if content.judge is not None and len(content.signatures) == 1:
        found = content.judge.verdict(content.signatures[0])
        if found is not None:
            return found
    return _signer_of_spooled(content)


def _signer_of_spooled(content: _Content) -> str:
    """The same, from the plaintext once more: what stands before the content, or signs text, or together with others."""
    signers, target = content.signers, content.target
    known = {certificate.fingerprint for certificate in signers}
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for packet in (pgp.framed(pgp.Tag.SIGNATURE, body) for body in content.signatures):
        with _again(target) as path:
            try:
                result = pysequoia.verify(
                    file=path, store=lambda _: signers, signature=pysequoia.Sig.from_bytes(packet)
                )
            except Exception:  # noqa: BLE001, S112 - it raises many; each means that this signature does not hold
                continue
        for found in result.valid_sigs:
            if found.certificate in known:
                return found.certificate
    raise _Rejected(Answer.UNKNOWN_SIGNER)


@contextmanager
def _again(target: Spool) -> Iterator[str]:
    """The plaintext once more, as a path. From disk it comes through a pipe, from a process of its own: the library
    holds Python's lock while it reads, so a thread could give it nothing.
    """
    if target.path is not None:
        yield target.path
        return
    reading, writing = os.pipe()
    _widen(writing)
    feeder = os.fork()
    if feeder == 0:
        try:
            os.close(reading)
            for piece in target.pieces():
                view = memoryview(piece)
                while view:
                    view = view[os.write(writing, view) :]
        finally:
            os._exit(0)
    os.close(writing)
    try:
        yield f"/proc/self/fd/{reading}"
    finally:
        os.close(reading)
        os.waitpid(feeder, 0)


def _widen(pipe: int) -> None:
    """Fewer switches between its two ends; not everyone may have so much."""
    with suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def _clear_signed(source: pgp.Stream, signers: list[pysequoia.Cert], target: Spool, limit: int) -> dict[str, Any]:
    text = source.read(limit * 2 + 64 * 1024)
    if source.read(1):
        raise _Rejected(Answer.TOO_LARGE)
    known = {certificate.fingerprint for certificate in signers}
    result = None
    try:
        result = pysequoia.verify(text, lambda _: signers)
    except Exception:  # noqa: BLE001 - as above
        result = None
    found = [one.certificate for one in result.valid_sigs if one.certificate in known] if result is not None else []
    if result is None or result.bytes is None or not found:
        raise _Rejected(Answer.UNKNOWN_SIGNER)
    if len(result.bytes) > limit:
        raise _Rejected(Answer.TOO_LARGE)
    target.write(result.bytes)
    target.finish()
    return {"size": len(result.bytes), "signer": found[0], "cipher": None}
