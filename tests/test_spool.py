"""Working data that may outgrow memory: the same bytes back, and none of them on disk."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import BackofficeError
from backoffice.spool import PIECE, Spool, piped


def on_disk(spool: Spool) -> bytes:
    """What lies on disk: the file has no name, but a descriptor."""
    assert spool._disk >= 0
    return os.pread(spool._disk, spool.size * 2, 0)


@given(parts=st.lists(st.binary(max_size=3000), max_size=8), limit=st.sampled_from([0, 1, 1000, 10**9]))
@settings(max_examples=50, deadline=None)
def test_what_was_written_is_read_whatever_the_pieces(parts, limit):
    with Spool(in_memory=limit) as spool:
        for part in parts:
            spool.write(part)
        spool.finish()
        whole = b"".join(parts)
        assert spool.size == len(whole)
        assert b"".join(spool.pieces()) == whole
        assert spool.read() == whole
        assert spool.seek(-min(5, len(whole)), os.SEEK_END) == max(0, len(whole) - 5)
        assert spool.read() == whole[-5:]


def test_beyond_its_limit_it_is_on_disk_without_a_name_and_without_plaintext(tmp_path):
    secret = b"qzxcanary" * 500_000
    with Spool(in_memory=PIECE, folder=str(tmp_path)) as spool:
        for start in range(0, len(secret), 77_777):
            spool.write(secret[start : start + 77_777])
        spool.finish()
        assert spool.path is None
        assert not list(tmp_path.iterdir())
        stored = on_disk(spool)
        assert len(stored) > len(secret)
        assert b"canary" not in stored
        spool.seek(3 * PIECE - 4)
        assert spool.read(4) + spool.read(5) == secret[3 * PIECE - 4 : 3 * PIECE + 5]


def test_a_small_one_never_touches_a_disk_and_can_be_opened_by_name():
    with Spool() as spool:
        spool.write(b"abc")
        spool.finish()
        assert spool._disk == -1
        assert Path(str(spool.path)).read_bytes() == b"abc"


@pytest.mark.parametrize("place", [0, PIECE + 20, -1])
def test_a_byte_that_was_changed_on_disk_is_noticed(place):
    with Spool(in_memory=0) as spool:
        spool.write(b"x" * (2 * PIECE + 5))
        spool.finish()
        at = place if place >= 0 else 2 * (PIECE + 16) + 3
        byte = os.pread(spool._disk, 1, at)
        os.pwrite(spool._disk, bytes([byte[0] ^ 1]), at)
        with pytest.raises(BackofficeError, match="changed on disk") as caught:
            list(spool.pieces())
        assert caught.value.__context__ is None


def test_two_pieces_that_change_places_are_noticed():
    with Spool(in_memory=0) as spool:
        spool.write(b"x" * PIECE + b"y" * PIECE)
        spool.finish()
        first, second = (os.pread(spool._disk, PIECE + 16, number * (PIECE + 16)) for number in (0, 1))
        os.pwrite(spool._disk, second + first, 0)
        with pytest.raises(BackofficeError):
            list(spool.pieces())


@pytest.mark.parametrize("limit", [10**9, 1000])
def test_a_child_may_write_it(limit):
    with Spool(in_memory=limit) as spool:
        lent = spool.lend()
        if (child := os.fork()) == 0:
            own = Spool.borrowed(lent)
            own.write(b"abc" * PIECE)
            own.finish()
            os._exit(7 if own.on_disk else 0)
        on_disk_ = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert on_disk_ is (limit == 1000)
        spool.returned(size=3 * PIECE, on_disk=on_disk_)
        assert spool.read(6) == b"abcabc"
        assert b"".join(spool.pieces()) == b"abc" * PIECE
        with pytest.raises(BackofficeError, match="another size"):
            spool.returned(size=3 * PIECE + 1, on_disk=on_disk_)


def test_a_zip_can_be_read_from_it():
    with Spool(in_memory=0) as spool:
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_DEFLATED) as archive:  # pyright: ignore[reportArgumentType]
            archive.writestr("a.csv", "id\n" * 500_000)
        spool.finish()
        with zipfile.ZipFile(spool) as archive:  # pyright: ignore[reportArgumentType]
            assert archive.read("a.csv") == b"id\n" * 500_000


def test_a_disk_without_room_is_said_plainly(tmp_path):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * PIECE, before[1]))
    try:
        with Spool(in_memory=0, folder=str(tmp_path)) as spool, pytest.raises(BackofficeError, match="no room on disk"):
            spool.write(b"x" * 10 * PIECE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_pipe_gives_what_is_made_while_it_is_read():
    with piped(lambda: (bytes([number]) * 100_000 for number in range(50))) as path:
        assert Path(path).read_bytes() == b"".join(bytes([number]) * 100_000 for number in range(50))


def test_a_reader_that_stops_early_ends_the_pipe():
    with piped(lambda: (b"x" * PIECE for _ in range(10_000))) as path, Path(path).open("rb") as file:
        assert file.read(10) == b"x" * 10


def test_what_fails_while_it_is_made_is_raised():
    def broken():
        yield b"x"
        raise BackofficeError("made on purpose")

    with pytest.raises(BackofficeError, match="on purpose"), piped(broken) as path:
        Path(path).read_bytes()
