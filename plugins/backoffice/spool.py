"""A file that may be larger than memory: in memory while it is small, then on disk, encrypted (P7).

The key is made for one file, lives in this process only, and dies with it. The file on disk has no name from its first
moment (``O_TMPFILE``): nothing is left behind, whatever kills the process. It is written once, from start to end, then
read in any order and any number of times: AES-256-GCM over pieces of one MiB, each bound to its place.
"""

from __future__ import annotations

import fcntl
import io
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from backoffice.errors import BackofficeError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["PIECE", "Spool", "piped", "unnamed"]

PIECE = 1 << 20
"""Bytes of plaintext in one sealed piece."""
_TAG = 16
_IN_MEMORY = 64 << 20


class Spool(io.RawIOBase):
    """A binary file: ``write`` until ``finish``, then ``read``, ``seek`` and :meth:`pieces`. Close it.

    :param in_memory: bytes that it may hold before it goes to disk; left out: 64 MiB.
    :param folder: where on disk; left out: :func:`backoffice.places.spill_folder`.
    """

    def __init__(self, *, in_memory: int | None = None, folder: str | None = None) -> None:
        super().__init__()
        self._limit, self._folder = _IN_MEMORY if in_memory is None else in_memory, folder
        self._memory = os.memfd_create("backoffice-spool", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._disk = -1
        self._key = os.urandom(32)
        self._cipher: AESGCM | None = None
        self._begin()

    @property
    def size(self) -> int:
        """Bytes of plaintext in it."""
        return self._size

    @property
    def path(self) -> str | None:
        """Where this process can open it by name, while it is in memory; ``None`` once it is on disk."""
        return None if self.on_disk else f"/proc/self/fd/{self._memory}"

    @property
    def on_disk(self) -> bool:
        """Whether it is on disk, encrypted."""
        return self._cipher is not None

    # ------------------------------------------------------------------ written by a child

    def lend(self) -> dict[str, Any]:
        """What a child needs to write it with :meth:`borrowed`: two descriptors to pass on, limits, and the key."""
        if self._disk < 0:
            self._disk = unnamed(self._folder)
        return {"memory": self._memory, "disk": self._disk, "limit": self._limit, "key": self._key.hex()}

    @classmethod
    def borrowed(cls, lent: Mapping[str, Any]) -> Self:
        """In the child: the file, to be written. It says :attr:`size` and :attr:`on_disk` to its parent afterwards."""
        spool = cls.__new__(cls)
        io.RawIOBase.__init__(spool)
        spool._limit, spool._folder, spool._key = lent["limit"], None, bytes.fromhex(lent["key"])
        spool._memory, spool._disk, spool._cipher = lent["memory"], lent["disk"], None
        spool._begin()
        return spool

    def _begin(self) -> None:
        self._open = bytearray()
        """The piece that is being filled, and room to seal it in: made once, for memory of that size is dear to get."""
        self._sealed = bytearray()
        self._filled = self._pieces = 0
        self._size = self._at = 0
        self._done = False
        self._last: tuple[int, bytes] = (-1, b"")

    def returned(self, *, size: int, on_disk: bool) -> None:
        """The child has written it, and ended well.

        :raises BackofficeError: it is not as long as the child says.
        """
        there = os.fstat(self._disk if on_disk else self._memory).st_size
        if there != (self.on_disk_size(size) if on_disk else size):
            raise BackofficeError("A file has another size than the child that wrote it says.", hint="Try again.")
        self._size = size
        if on_disk:
            self._cipher = _cipher(self._key)
        self._done, self._at = True, 0

    @staticmethod
    def on_disk_size(size: int) -> int:
        """The bytes on disk of so many bytes of plaintext."""
        return size + -(-size // PIECE) * _TAG

    # ------------------------------------------------------------------ writing

    def writable(self) -> bool:
        """Until it is finished."""
        return not self._done

    def write(self, data: Any) -> int:
        """Append.

        :raises BackofficeError: the disk is full.
        """
        if self._done:
            raise io.UnsupportedOperation("it is finished")
        view = memoryview(data).cast("B")
        if not self.on_disk and self._size + len(view) > self._limit:
            self._go_to_disk()
        if self.on_disk:
            self._fill(view)
        else:
            _write_all(self._memory, view)
        self._size += len(view)
        return len(view)

    def finish(self) -> None:
        """No more is written, by nobody; reading starts at the beginning."""
        if self.on_disk and self._filled:
            self._put()
        if not self.on_disk:
            seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
            fcntl.fcntl(self._memory, fcntl.F_ADD_SEALS, seals)
        self._done, self._at = True, 0

    def _go_to_disk(self) -> None:
        self._cipher = _cipher(self._key)
        if self._disk < 0:
            self._disk = unnamed(self._folder)
        self._open, self._sealed = bytearray(PIECE), bytearray(PIECE + _TAG)
        for at in range(0, self._size, PIECE):
            self._fill(memoryview(os.pread(self._memory, PIECE, at)))
        os.ftruncate(self._memory, 0)

    def _fill(self, view: memoryview) -> None:
        while view:
            some = view[: PIECE - self._filled]
            memoryview(self._open)[self._filled : self._filled + len(some)] = some
            self._filled += len(some)
            view = view[len(some) :]
            if self._filled == PIECE:
                self._put()

    def _put(self) -> None:
        assert self._cipher is not None  # noqa: S101 - asked by the callers
        plain, sealed = memoryview(self._open)[: self._filled], memoryview(self._sealed)[: self._filled + _TAG]
        self._cipher.encrypt_into(_nonce(self._pieces), plain, None, sealed)
        full = False
        try:
            _write_all(self._disk, sealed)
        except OSError:
            full = True
        if full:
            hint = "Make room in the temporary folder, or point BACKOFFICE_SPILL to another."
            raise BackofficeError("There is no room on disk for encrypted working data.", hint=hint)
        self._pieces += 1
        self._filled = 0

    # ------------------------------------------------------------------ reading

    def readable(self) -> bool:
        """Once it is finished."""
        return self._done

    def seekable(self) -> bool:
        """Once it is finished."""
        return self._done

    def tell(self) -> int:
        """Where the next ``read`` starts, or ``write``."""
        return self._at if self._done else self._size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place, once it is finished."""
        if not self._done:
            raise io.UnsupportedOperation("it is still being written")
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes, less at the end of a piece; left out: all that follows.

        :raises BackofficeError: what lies on disk was changed.
        """
        if size is None or size < 0:
            return self.readall()
        if not self.on_disk:
            found = os.pread(self._memory, size, self._at)
        else:
            number, start = divmod(self._at, PIECE)
            piece = self._piece(number)
            found = piece if not start and len(piece) <= size else piece[start : start + size]
        self._at += len(found)
        return found

    def readinto(self, buffer: Any, /) -> int:
        """The same, into a buffer."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    @contextmanager
    def named(self) -> Iterator[str]:
        """A path that opens it by name, for as long as the block runs: all of it is in memory then."""
        if self.path is not None:
            yield self.path
            return
        with Spool(in_memory=self._size) as copy:
            for piece in self.pieces():
                copy.write(piece)
            copy.finish()
            yield str(copy.path)

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """All of it, or what is between two places, piece by piece. Several threads may do so at once.

        :raises BackofficeError: what lies on disk was changed.
        """
        end = self._size if stop is None else min(stop, self._size)
        for number in range(start // PIECE, -(-end // PIECE)):
            piece = self._opened(number) if self.on_disk else os.pread(self._memory, PIECE, number * PIECE)
            first, last = start - number * PIECE, end - number * PIECE
            yield piece if first <= 0 and last >= len(piece) else piece[max(0, first) : last]

    def _piece(self, number: int) -> bytes:
        if self._last[0] == number:
            return self._last[1]
        if number * PIECE >= self._size:
            return b""
        plain = self._opened(number)
        self._last = (number, plain)
        return plain

    def _opened(self, number: int) -> bytes:
        assert self._cipher is not None  # noqa: S101 - asked by the callers
        sealed = os.pread(self._disk, PIECE + _TAG, number * (PIECE + _TAG))
        plain, whole = b"", False
        with suppress(Exception):
            plain = self._cipher.decrypt(_nonce(number), sealed, None)
            whole = True
        if not whole:
            raise BackofficeError("Encrypted working data was changed on disk.", hint="Run the job again.")
        return plain

    def close(self) -> None:
        """Forget it: the key first."""
        self._cipher, self._key = None, b""
        self._last = (-1, b"")
        self._open.clear()
        self._sealed.clear()
        for fd in (self._memory, self._disk):
            if fd >= 0:
                with suppress(OSError):
                    os.close(fd)
        self._memory = self._disk = -1
        super().close()


@contextmanager
def piped(pieces: Callable[[], Iterable[bytes]]) -> Iterator[str]:
    """A path that can be read once, from start to end, and gives these bytes; they are made as they are read.

    What ``pieces`` raises is raised at the end of the ``with`` block, unless the block raises itself.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    with suppress(OSError):  # fewer switches between the two; not everyone may have so much
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIECE)
    failed: list[BaseException] = []

    def feed() -> None:
        try:
            for piece in pieces():
                _write_all(writing, memoryview(piece))
        except BrokenPipeError:
            pass  # the reader has had enough
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread that asked
            failed.append(error)
        finally:
            os.close(writing)

    feeder = threading.Thread(target=feed, name="backoffice-pipe", daemon=True)
    feeder.start()
    try:
        yield f"/proc/self/fd/{reading}"
    finally:
        os.close(reading)
        feeder.join()
    if failed:
        raise failed[0]


def _cipher(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def unnamed(folder: str | None = None) -> int:
    """A new file on disk that has no name, or has none any more; its descriptor.

    :param folder: left out: :func:`backoffice.places.spill_folder`.
    """
    from backoffice.places import spill_folder

    place = folder or str(spill_folder())
    with suppress(OSError):
        return os.open(place, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fd, path = tempfile.mkstemp(prefix="backoffice-spool-", dir=place)  # a file system that cannot do so
    os.unlink(path)  # noqa: PTH108
    return fd


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _write_all(fd: int, view: memoryview) -> None:
    while view:
        view = view[os.write(fd, view) :]
