"""The stream under the decrypting child: packets however they are cut, and AES-CFB the fast way and the slow one alike."""

from __future__ import annotations

import bz2
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backoffice.vault.layers import Compressed, Feedback
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
    large=st.integers(0, 4 * CHUNK),
    told=st.booleans(),
)
@example(blocks=[CHUNK // 16] * 3, rest=1, large=CHUNK, told=False)
@example(blocks=[CHUNK // 16] * 3, rest=1, large=CHUNK, told=True)
@example(blocks=[], rest=17, large=0, told=True)
def test_a_large_message_is_decrypted_as_a_small_one_is(blocks: list[int], rest: int, large: int, told: bool):
    class Early(Feedback):
        LARGE = large

    key, pieces = os.urandom(32), [os.urandom(16 * one) for one in blocks] + [os.urandom(rest)]
    expected = Cipher(algorithms.AES(key), CFB(bytes(16))).decryptor().update(b"".join(pieces))
    fast = Early(key, expected=16 * sum(blocks) + rest if told else 0)
    assert b"".join(fast.decrypt(piece) for piece in pieces) == expected


def compressed(method: int, content: bytes, level: int) -> bytes:
    """The body of a compressed packet: RFC 9580, 5.6, by the libraries that others use."""
    if method == 3:
        return b"\x03" + bz2.compress(content, max(level, 1))
    engine = zlib.compressobj(level, zlib.DEFLATED, -15 if method == 1 else 15)
    return bytes((method,)) + engine.compress(content) + engine.flush()


def content_of(size: int, alphabet: int) -> bytes:
    """Few different bytes fold to little, 256 to nothing."""
    return bytes(byte % alphabet for byte in os.urandom(size))


@settings(max_examples=150, deadline=None)
@given(
    method=st.integers(1, 3),
    size=st.one_of(
        st.integers(0, 300), st.integers(0, 4 * CHUNK), st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
    ),
    alphabet=st.sampled_from([1, 2, 40, 256]),
    level=st.sampled_from([0, 1, 6, 9]),
    pieces=st.sampled_from([1, 7, 1000, CHUNK]),
)
@example(method=1, size=2 * CHUNK, alphabet=1, level=9, pieces=1)
@example(method=1, size=2 * CHUNK, alphabet=256, level=0, pieces=CHUNK)
@example(method=2, size=CHUNK, alphabet=2, level=6, pieces=7)
def test_what_others_compress_unfolds_however_it_is_cut(method: int, size: int, alphabet: int, level: int, pieces: int):
    content = content_of(size, alphabet)
    unfolded = Compressed(Given(compressed(method, content, level), pieces))
    found = []
    while piece := unfolded._more():
        assert len(piece) <= CHUNK
        found.append(piece)
    assert b"".join(found) == content


@settings(max_examples=100, deadline=None)
@given(
    method=st.integers(1, 3),
    size=st.integers(0, 2 * CHUNK),
    alphabet=st.sampled_from([1, 40, 256]),
    left=st.floats(0, 1),
)
@example(method=1, size=CHUNK, alphabet=1, left=1.0)
@example(method=2, size=CHUNK, alphabet=256, left=1.0)
def test_what_is_compressed_and_cut_off_is_told(method: int, size: int, alphabet: int, left: float):
    body = compressed(method, content_of(size, alphabet), 6)
    with pytest.raises(Malformed):
        Compressed(Given(body[: 1 + int((len(body) - 2) * left)], CHUNK)).drain()


@settings(max_examples=150, deadline=None)
@given(method=st.integers(1, 3), size=st.integers(1, 2 * CHUNK), at=st.floats(0, 1), bit=st.integers(0, 7))
def test_what_is_compressed_and_changed_is_told_or_stays_within_bounds(method: int, size: int, at: float, bit: int):
    """Deflate by itself has no checksum: the layer around it has. Where there is one, a change is never believed."""
    content = content_of(size, 40)
    body = bytearray(compressed(method, content, 6))
    body[1 + int((len(body) - 2) * at)] ^= 1 << bit
    unfolded, found = Compressed(Given(bytes(body), CHUNK)), []
    try:
        while piece := unfolded._more():
            assert len(piece) <= CHUNK
            found.append(piece)
    except Malformed:
        return
    assert method == 1 or b"".join(found) == content


def test_a_compressed_body_that_asks_for_a_dictionary_is_told():
    engine = zlib.compressobj(zdict=b"known to both")
    with pytest.raises(Malformed):
        Compressed(Given(b"\x02" + engine.compress(b"known to both" * 9) + engine.flush(), CHUNK)).drain()


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
    assert 0 < child < 200e6  # who judges the signature holds 25 MiB back, several times over
    assert in_memory <= 64 << 20
