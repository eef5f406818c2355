"""Bytes on their way into the store and out of it."""

from __future__ import annotations

import hashlib
import io
import os
from types import TracebackType
from typing import IO, Any

from backoffice.errors import StorageError
from backoffice.storage.failures import LIBRARY_ERRORS, StoreAway, explain

__all__ = ["CHUNK", "ObjectStream", "measure", "opened"]

CHUNK = 1 << 20


class ObjectStream(io.RawIOBase):
    """The bytes of one object version, read once. Raises ``StoreAway`` when the store breaks off early."""

    def __init__(self, body: Any, size: int, version_id: str) -> None:
        super().__init__()
        self._body = body
        self._left = size
        self.size = size
        self.version_id = version_id

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill ``buffer`` as far as the object goes; gives the number of bytes."""
        chunk = self._next(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._body.close()
        super().close()

    def __enter__(self) -> ObjectStream:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, amount: int) -> bytes:
        if self._left <= 0 or amount <= 0:
            return b""
        failure: StorageError | None = None
        chunk = b""
        try:
            chunk = self._body.read(min(amount, self._left))
        except LIBRARY_ERRORS as error:
            failure = explain("read an object", error)
        if failure:
            raise failure
        if not chunk:
            raise StoreAway("The store broke off in the middle of an object.", hint="Try again.")
        self._left -= len(chunk)
        return chunk


def opened(source: bytes | IO[bytes] | int) -> IO[bytes]:
    """A stream that may be closed without closing the caller's own."""
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    descriptor = source if isinstance(source, int) else _descriptor(source)
    if descriptor is None:
        return _Borrowed(source)  # pyright: ignore[reportArgumentType, reportReturnType]
    return os.fdopen(os.dup(descriptor), "rb")


def _descriptor(source: IO[bytes]) -> int | None:
    # A Python file may hold bytes that its descriptor does not have yet.
    if source.writable():
        source.flush()
    try:
        return source.fileno()
    except (OSError, AttributeError):
        return None


class _Borrowed(io.RawIOBase):
    def __init__(self, source: IO[bytes]) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        chunk = self._source.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()


def measure(body: IO[bytes]) -> tuple[bytes, int]:
    """The SHA-256 and the size of all of ``body``, in bytes."""
    body.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := body.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.digest(), size
