"""The stream under the decrypting child: packets however they are cut, and AES-CFB the fast way and the slow one alike."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backoffice.vault.layers import Feedback
from backoffice.vault.packets import CHUNK, Malformed, Stream, packets


class Given(Stream):
    """Bytes as they come: pieces of one size."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__()
        self._file, self._size = io.BytesIO(data), size

    def _more(self) -> bytes:
        return self._file.read(self._size)


def cut(body: bytes, parts: list[int], last: int) -> bytes:
    """A literal packet in parts of powers of two, its last length in ``last`` octets."""
    found, at = b"\xcb", 0
    for power in parts:
        if at + (1 << power) > len(body):
            break
        found += bytes((0xE0 | power,)) + body[at : at + (1 << power)]
        at += 1 << power
    rest = body[at:]
    if len(rest) < 192 and last == 1:
        return found + bytes((len(rest),)) + rest
    if 192 <= len(rest) < 8384 and last == 2:
        return found + bytes((((len(rest) - 192) >> 8) + 192, (len(rest) - 192) & 0xFF)) + rest
    return found + b"\xff" + len(rest).to_bytes(4, "big") + rest


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(0, 3 * CHUNK),
    parts=st.lists(st.integers(0, 17), max_size=60),
    last=st.sampled_from([1, 2, 5]),
    pieces=st.sampled_from([1000, CHUNK, 1 << 20]),
)
@example(size=CHUNK - 1, parts=[13] * 7, last=2, pieces=CHUNK)
@example(size=3 * 8192, parts=[13, 13, 13], last=1, pieces=CHUNK)
@example(size=70, parts=[0] * 60, last=5, pieces=CHUNK)
def test_a_body_in_parts_is_read_whole_and_what_follows_stays(size: int, parts: list[int], last: int, pieces: int):
    body = os.urandom(size)
    source = Given(cut(body, parts, last) + b"\xca\x03PGP" + b"\xd5\x02ab", pieces)
    found = []
    for tag, one in packets(source):
        content = b""
        while piece := one.read():
            content += piece
        found.append((tag, content))
    assert found == [(11, body), (10, b"PGP"), (21, b"ab")]


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(1, 2 * CHUNK), parts=st.lists(st.integers(0, 16), min_size=1, max_size=20), left=st.floats(0, 1)
)
def test_a_body_in_parts_that_is_cut_off_is_told(size: int, parts: list[int], left: float):
    message = cut(os.urandom(size), parts, 5)
    with pytest.raises(Malformed):
        for _, body in packets(Given(message[: 1 + int((len(message) - 2) * left)], CHUNK)):
            body.drain()


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.lists(st.integers(1, CHUNK // 16), max_size=6),
    rest=st.integers(1, CHUNK),
    small=st.integers(0, 4 * CHUNK),
)
@example(blocks=[CHUNK // 16] * 3, rest=1, small=CHUNK)
@example(blocks=[], rest=17, small=0)
def test_a_large_message_is_decrypted_as_a_small_one_is(blocks: list[int], rest: int, small: int):
    class Early(Feedback):
        SMALL = small

    key, pieces = os.urandom(32), [os.urandom(16 * one) for one in blocks] + [os.urandom(rest)]
    expected = Cipher(algorithms.AES(key), CFB(bytes(16))).decryptor().update(b"".join(pieces))
    fast = Early(key)
    assert b"".join(fast.decrypt(piece) for piece in pieces) == expected


MEGABYTES = 300


def test_a_large_message_takes_little_memory_of_the_child_and_little_more_of_the_job(
    tmp_path: Path, most_held: Callable[[Callable[[], None]], tuple[int, int]]
):
    """The file lies encrypted on disk, in both forms; in memory are the first 64 MiB of it at most."""
    from backoffice.vault.openpgp import encrypt, open_message
    from tests.vault.messages import CLIENT, PROJECT

    plain, drop = tmp_path / "plain", tmp_path / "drop"
    with plain.open("wb") as file:
        for _ in range(MEGABYTES):
            file.write(os.urandom(1_000_000))
    encrypt(plain, drop, recipients=[PROJECT.certificate], signer=CLIENT.secret)

    def run() -> None:
        wanted = {"secret": PROJECT.secret, "signers": [CLIENT.certificate], "limit_bytes": 1 << 40}
        with open_message(drop, **wanted) as opened:
            assert opened.size == MEGABYTES * 1_000_000
            assert opened.path is None

    child, in_memory = most_held(run)
    assert 0 < child < 100e6
    assert in_memory <= 64 << 20
