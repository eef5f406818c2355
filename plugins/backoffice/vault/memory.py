"""A file that exists in memory only: plaintext never touches a disk (P7)."""

from __future__ import annotations

import fcntl
import io
import os
from typing import Self

__all__ = ["Memory", "memory"]


class Memory(io.FileIO):
    """An open memfd: an ordinary binary file for this process and its children, and gone when it is closed.

    ``path`` (``/proc/self/fd/N``) opens it again in this process, at its start: DuckDB, pyarrow and OpenPGP read it so.
    """

    def __init__(self, name: str) -> None:
        super().__init__(os.memfd_create(f"backoffice-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "rb+")

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


def memory(name: str) -> Memory:
    """A new, empty, writable file in memory; close it, or use it in a ``with``.

    :param name: a word for our own eyes (it shows under /proc): never anything of a client's.
    """
    return Memory(name)
