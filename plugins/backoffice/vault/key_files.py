"""Key files: private to their owner, written whole or not at all, and never replaced by accident."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex

from backoffice.errors import VaultError

__all__ = ["read_private", "replace_private", "sync_folder", "write_private"]


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
    problem = _write(path, data, take=lambda fresh: os.link(fresh, path))  # fails where the target exists
    if problem:
        raise VaultError(
            f"The {what} was not written to {path}: {problem}.",
            hint="A key file is never replaced: move it away first.",
        )


def replace_private(path: Path, data: bytes, *, what: str) -> None:
    """Put other bytes into a key file: whoever opens it sees the old ones or the new, whole.

    :raises VaultError: it cannot be written.
    """
    problem = _write(path, data, take=lambda fresh: fresh.replace(path))
    if problem:
        raise VaultError(
            f"The {what} in {path} was not replaced: {problem}.",
            hint="A file that is mounted into a container is replaced where it comes from.",
        )


def _write(path: Path, data: bytes, *, take: Callable[[Path], object]) -> str:
    """Write beside the place, and let ``take`` put it there; gives what was in the way, in words."""
    # Not by the process: in a container the next one may have the id of one that was killed here, and left its own.
    temporary = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            take(temporary)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        return error.strerror or "it cannot be written"
    return ""


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
