"""A DuckDB connection that leaves no trace: in memory, no file of its own but encrypted spill, no network (P7).

What does not fit into its memory is spilled to a folder of its own, encrypted with AES-256 under a key that only this
process has, and the folder is gone at the end; that of a process that was killed goes with the next session. DuckDB can do
so only with OpenSSL, which its ``httpfs`` extension brings; that one is loaded from its Python package, and what else it can
do (HTTP) is off before anything of a client's is read.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.places import spill_folder, spill_limit

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["lock", "own_folder", "session", "work_with"]

_PREFIX = "backoffice-spill-"
_SECONDS_TO_LOCK = 60
"""A younger folder may be one that its maker is about to lock."""
_FOLDERS = ["/proc/self/fd/", "/dev/fd/"]
"""The only files that SQL may open: those that this process has open already."""


@contextmanager
def session(
    *, memory_limit: str, threads: int, spill: Path | None = None, locked: bool = True
) -> Iterator[DuckDBPyConnection]:
    """Open a connection, close it at the end.

    :param memory_limit: as DuckDB writes it, ``"600MB"``.
    :param locked: whether no setting can be changed any more. If not, call :func:`lock` before SQL of anybody else's runs.
    :param spill: where encrypted spill goes; left out: :func:`backoffice.places.spill_folder`.
    """
    import duckdb

    limit = spill_limit()
    with own_folder(spill or spill_folder()) as held:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "threads": threads,
                "temp_directory": str(held),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "preserve_insertion_order": True,
            },
        )
        try:
            connection.load_extension(str(_openssl()))
            connection.execute("SET temp_file_encryption = true")
            connection.execute("SET enable_progress_bar = false")  # it would be in the logs of every longer job
            if limit:  # of no effect in `config`
                connection.execute("SET max_temp_directory_size = $1", [limit])
            connection.execute(f"SET allowed_directories = {_FOLDERS}")
            connection.execute("SET python_enable_replacements = false")  # an unknown table is no variable of ours
            connection.execute("SET enable_external_access = false")
            if locked:
                lock(connection)
            yield connection
        finally:
            connection.close()


def work_with(connection: DuckDBPyConnection, *, threads: int) -> None:
    """Set how many threads work for a connection that is not locked yet.

    Where only one of them can work (a list is read through a pipe, its rows are numbered), DuckDB's client waits for it
    without resting, and the processor does twice the work.
    """
    connection.execute(f"SET threads = {int(threads)}")


def lock(connection: DuckDBPyConnection) -> None:
    """From now on no setting of a connection can be changed."""
    connection.execute("SET lock_configuration = true")


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A new folder, locked while it is ours: what is not locked was left by a process that was killed."""
    for left in parent.glob(f"{_PREFIX}*"):
        _remove_left(left)
    held = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    lock = os.open(held, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield held
    finally:
        shutil.rmtree(held, ignore_errors=True)
        os.close(lock)


def _remove_left(folder: Path) -> None:
    """Nobody has the key any more, but it takes room."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # gone by now, or another user's
        return
    try:
        if time.time() - os.fstat(opened).st_ctime > _SECONDS_TO_LOCK:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(opened)


def _openssl() -> Path:
    import duckdb
    import duckdb_extension_httpfs

    package = Path(str(duckdb_extension_httpfs.__file__)).parent
    return package / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
