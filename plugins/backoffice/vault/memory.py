"""Files without a name: in memory only for plaintext, which never touches a disk (P7); on disk for what is encrypted."""

from __future__ import annotations

import errno
import fcntl
import io
import os
from typing import Any, Self

from backoffice.errors import VaultError

__all__ = ["Memory", "Unnamed", "memory", "no_room"]


class Memory(io.FileIO):
    """An open memfd: an ordinary binary file for this process and its children, and gone when it is closed.

    ``path`` (``/proc/self/fd/N``) opens it again in this process, at its start: DuckDB, pyarrow and OpenPGP read it so.
    """

    def __init__(self, name: str) -> None:
        super().__init__(self._opened(name), "rb+")

    def _opened(self, name: str) -> int:
        return os.memfd_create(f"backoffice-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)

    @property
    def path(self) -> str:
        """Where this process can open it by name."""
        return f"/proc/self/fd/{self.fileno()}"

    @property
    def size(self) -> int:
        """Bytes in it."""
        return os.fstat(self.fileno()).st_size

    @property
    def sealed(self) -> bool:
        """Whether nobody can change it any more."""
        return bool(fcntl.fcntl(self.fileno(), fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE)

    def seal(self) -> Self:
        """Make it unchangeable, also for this process and its children; then rewind it."""
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(self.fileno(), fcntl.F_ADD_SEALS, seals)
        self.seek(0)
        return self


class Unnamed(Memory):
    """The same for what is encrypted already, and may be larger than memory: a file on disk that has no name from its first
    moment on, so that nothing is left of it whatever ends the process.
    """

    def _opened(self, name: str) -> int:  # noqa: ARG002 - it has none
        from backoffice.spool import unnamed

        return unnamed()

    def write(self, data: Any, /) -> int:
        """Append all of it.

        :raises VaultError: the disk is full.
        """
        view, full = memoryview(data).cast("B"), False
        try:
            written = 0
            while written < len(view):
                written += super().write(view[written:]) or 0
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            full = True
        if full:
            raise no_room()
        return len(view)

    @property
    def sealed(self) -> bool:
        """Whether it cannot be written through this any more."""
        return fcntl.fcntl(self.fileno(), fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY

    def seal(self) -> Self:
        """Take away the right to write to it; then rewind it."""
        readable = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(readable, self.fileno(), inheritable=False)
        os.close(readable)
        self.seek(0)
        return self


def no_room() -> VaultError:
    """What is said where the disk is full."""
    hint = "Make room in the temporary folder, or point BACKOFFICE_SPILL to another."
    return VaultError("There is no room on disk for encrypted working data.", hint=hint)


def memory(name: str) -> Memory:
    """A new, empty, writable file in memory; close it, or use it in a ``with``.

    :param name: a word for our own eyes (it shows under /proc): never anything of a client's.
    """
    return Memory(name)
