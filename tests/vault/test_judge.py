"""The judge of a signature, given the content in pieces as they are decrypted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pysequoia
import pytest

from backoffice.vault.judge import Judge
from backoffice.vault.openpgp import OpenPgpKey
from backoffice.vault.packets import CHUNK, Stream, Tag, packets
from tests.vault.messages import CLIENT, PROJECT, STRANGER

Make = Callable[..., Judge]


class Bytes(Stream):
    """A stream of bytes at hand."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def _more(self) -> bytes:
        given, self._data = self._data, b""
        return given


def signed(content: bytes, by: OpenPgpKey = CLIENT) -> tuple[bytes, bytes]:
    """The one-pass signature and the signature of an inline-signed message."""
    message = bytes(pysequoia.sign(pysequoia.Tsk.from_bytes(by.secret).signer(), content, armor=False))
    found = {tag: body.read(1 << 20) for tag, body in packets(Bytes(message))}
    return found[Tag.ONE_PASS], found[Tag.SIGNATURE]


@pytest.fixture
def judge() -> Iterator[Make]:
    nowhere = os.open(os.devnull, os.O_WRONLY)

    def make(one_pass: bytes, *signers: OpenPgpKey) -> Judge:
        known = [pysequoia.Cert.from_bytes(one.certificate.encode()) for one in signers or (CLIENT,)]
        return Judge(one_pass, known, nowhere=nowhere)

    yield make
    os.close(nowhere)


def told(judge: Judge, content: bytes, signature: bytes) -> str | None:
    for at in range(0, len(content), CHUNK):
        judge.hear(content[at : at + CHUNK])
    return judge.verdict(signature)


FINGERPRINT = pysequoia.Cert.from_bytes(CLIENT.certificate.encode()).fingerprint


@pytest.mark.parametrize("size", [0, 1, 505, 506, 507, 1018, CHUNK - 1, CHUNK, CHUNK + 1, 40 * CHUNK + 77])
def test_content_of_any_length_is_judged_as_it_was_signed(judge: Make, size: int):
    content = os.urandom(size)
    one_pass, signature = signed(content)
    assert told(judge(one_pass, STRANGER, CLIENT), content, signature) == FINGERPRINT


def test_content_in_uneven_pieces_is_judged_too(judge: Make):
    content = os.urandom(100_000)
    one_pass, signature = signed(content)
    hearing = judge(one_pass)
    for start, end in ((0, 3), (3, 500), (500, 505), (505, 70_001), (70_001, 100_000)):
        hearing.hear(content[start:end])
    assert hearing.verdict(signature) == FINGERPRINT


@pytest.mark.parametrize("at", [0, 600, 99_999])
def test_one_changed_byte_of_content_is_no_signature(judge: Make, at: int):
    content = bytearray(os.urandom(100_000))
    one_pass, signature = signed(bytes(content))
    content[at] ^= 1
    assert told(judge(one_pass), bytes(content), signature) is None


def test_a_signature_that_is_cut_off_or_of_other_content_or_a_strangers_is_none(judge: Make):
    content = os.urandom(100_000)
    one_pass, signature = signed(content)
    _, of_other = signed(content[1:])
    by_stranger = signed(content, by=STRANGER)
    assert told(judge(one_pass), content, signature[:-1]) is None
    assert told(judge(one_pass), content, of_other) is None
    assert told(judge(by_stranger[0]), content, by_stranger[1]) is None
    assert told(judge(one_pass, PROJECT), content, signature) is None


def test_a_judge_that_dies_has_found_nothing_and_holds_nobody_up(judge: Make):
    content = os.urandom(4 << 20)
    one_pass, signature = signed(content)
    hearing = judge(one_pass)
    os.kill(hearing._process, signal.SIGKILL)
    assert told(hearing, content, signature) is None


def test_a_one_pass_signature_that_is_none_holds_nobody_up(judge: Make):
    content = os.urandom(4 << 20)
    _, signature = signed(content)
    assert told(judge(b"\xff\x00"), content, signature) is None
