"""The master key: 32 bytes in a file that only its owner can read. It wraps every project's key-encryption key."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NoReturn

from backoffice.errors import VaultError
from backoffice.vault import wrapping

__all__ = ["MasterKey", "read_private", "write_private"]


class MasterKey:
    """Wraps and unwraps; never shows itself. ``id`` names it without telling anything about it."""

    __slots__ = ("__key", "id")

    def __init__(self, key: bytes) -> None:
        if len(key) != wrapping.KEY_BYTES:
            raise VaultError(
                f"The master key has {len(key)} bytes, not {wrapping.KEY_BYTES}.",
                hint="It is raw bytes, not text; `backoffice stack up` makes one for the embedded stack.",
            )
        self.__key = key
        self.id = hashlib.sha256(b"backoffice/master-key-id/1" + key).hexdigest()[:16]

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        """Read it.

        :raises VaultError: it is missing, not 32 bytes, or others than its owner may read it.
        """
        return cls(read_private(path, what="master key"))

    @classmethod
    def create(cls, path: Path) -> MasterKey:
        """Make a new one and write it, mode 0600.

        :raises VaultError: there is one already; replacing it would make every wrapped key unreadable.
        """
        key = wrapping.new_key()
        write_private(path, key, what="master key")
        return cls(key)

    def wrap(self, data: bytes, *context: str | int) -> bytes:
        """See :func:`backoffice.vault.wrapping.wrap`."""
        return wrapping.wrap(self.__key, data, *context)

    def unwrap(self, wrapped: bytes, *context: str | int) -> bytes:
        """See :func:`backoffice.vault.wrapping.unwrap`."""
        return wrapping.unwrap(self.__key, wrapped, *context)

    def __repr__(self) -> str:
        return f"MasterKey({self.id})"

    def __reduce__(self) -> NoReturn:
        raise VaultError("A master key is not copied into another process or a file.")


def read_private(path: Path, *, what: str) -> bytes:
    """The bytes of a key file.

    :raises VaultError: it cannot be read, or group or others may read or write it.
    """
    problem = ""
    data = b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        problem = error.strerror or "it cannot be opened"
    else:
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                problem = "it is not a regular file"
            elif mode & 0o077:
                problem = f"its mode is {stat.S_IMODE(mode):04o}"
            else:
                data = file.read(1 << 20)
    if problem:
        raise VaultError(
            f"The {what} in {path} is not used: {problem}.",
            hint=f"It must be a file of its owner alone: `chmod 0600 {path}`.",
        )
    return data


def write_private(path: Path, data: bytes, *, what: str) -> None:
    """Write a new key file, mode 0600, whole or not at all, and on disk when this returns.

    :raises VaultError: it exists already, or cannot be written.
    """
    problem = ""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, path)  # fails where the target exists; a rename would replace it
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        problem = error.strerror or "it cannot be written"
    if problem:
        raise VaultError(
            f"The {what} was not written to {path}: {problem}.",
            hint="A key file is never replaced: move it away first.",
        )


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
