"""The judge of a signature, at work while the plaintext is still being decrypted: nothing is read twice for it.

The library judges a signature that it has before the content, or an inline-signed message. A one-pass signature packet says
before the content that a signature will follow: so the message is put together again, without encryption and compression, and
given through a pipe to the library in a process of its own (it holds Python's lock while it reads). That process is forked from
the confined child, and can do no more than that. All of the judgement is the library's.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import NoReturn

import pysequoia

from backoffice.child import keep_freed_memory
from backoffice.vault.packets import Tag, framed

__all__ = ["PIPE", "Judge"]

PIPE = 1 << 20
"""Bytes that a pipe may hold: fewer switches between its two ends."""

_FIRST_PART = 512  # octets at least (RFC 9580, 4.2.1.4)
_LITERAL = b"b" + bytes(5)  # binary, without a name or a date: none of them is signed


class Judge:
    """Hears what was signed, then the signature.

    :param one_pass: the body of the one-pass signature packet.
    :param signers: who may have signed.
    :param nowhere: a descriptor that swallows what the library writes.
    """

    def __init__(self, one_pass: bytes, signers: list[pysequoia.Cert], *, nowhere: int) -> None:
        reading, self._told = os.pipe()
        self._answer, answering = os.pipe()
        with suppress(OSError):  # not everyone may have so much
            fcntl.fcntl(self._told, fcntl.F_SETPIPE_SZ, PIPE)
        self._process = os.fork()
        if self._process == 0:
            os.close(self._told)
            _judge(reading, answering, signers, nowhere)
        os.close(reading)
        os.close(answering)
        self._known = {certificate.fingerprint for certificate in signers}
        self._start = _LITERAL
        self._gone = False
        self._tell(framed(Tag.ONE_PASS, one_pass) + bytes((0xC0 | Tag.LITERAL,)))

    def hear(self, piece: bytes) -> None:
        """The next bytes of the content; as parts of a packet, each a power of two long."""
        left = memoryview(self._start + piece if self._start else piece)
        if self._start and len(left) < _FIRST_PART:
            self._start = bytes(left)
            return
        self._start = b""
        while left:
            power = len(left).bit_length() - 1
            self._tell(bytes((0xE0 | power,)), left[: 1 << power])
            left = left[1 << power :]

    def verdict(self, signature: bytes) -> str | None:
        """The fingerprint of the certificate whose valid signature this is; None: it is not, or could not be judged here."""
        self._tell(b"\xff", len(self._start).to_bytes(4, "big"), self._start, framed(Tag.SIGNATURE, signature))
        os.close(self._told)
        with os.fdopen(self._answer, "rb") as answer:
            said = answer.read(1024).decode("ascii", "replace")
        _, status = os.waitpid(self._process, 0)
        return said if status == 0 and not self._gone and said in self._known else None

    def _tell(self, *parts: bytes | memoryview) -> None:
        if self._gone:
            return
        try:
            written = os.writev(self._told, parts)
            if written < sum(map(len, parts)):
                left = memoryview(b"".join(parts))[written:]
                while left:
                    left = left[os.write(self._told, left) :]
        except BrokenPipeError:  # it has given up
            self._gone = True


def _judge(reading: int, answering: int, signers: list[pysequoia.Cert], nowhere: int) -> NoReturn:
    """In the process of its own: the library's only way to read such a message from a pipe is one that could decrypt it too.
    There is nothing to decrypt, so the password is nobody's.
    """
    code = 1
    try:
        keep_freed_memory(of_any_size=True)  # the library holds back 25 MiB, again and again
        place, target = (f"/proc/self/fd/{descriptor}" for descriptor in (reading, nowhere))
        found = pysequoia.decrypt_file(place, target, store=lambda _: signers, passwords=["nobody's"]).valid_sigs
        known = {certificate.fingerprint for certificate in signers}
        os.write(answering, next((one.certificate for one in found if one.certificate in known), "").encode())
        code = 0
    finally:
        os._exit(code)
