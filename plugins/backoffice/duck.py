"""A DuckDB connection that leaves no trace: in memory, no file of its own but encrypted spill, no network (P7).

What does not fit into its memory is spilled to a folder of its own, encrypted with AES-256 under a key that only this
process has, and the folder is gone at the end. DuckDB can do so only with OpenSSL, which its ``httpfs`` extension brings;
that one is loaded from its Python package, and what else it can do (HTTP) is off before anything of a client's is read.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["session"]

_FOLDERS = ["/proc/self/fd/", "/dev/fd/"]
"""The only files that SQL may open: those that this process has open already."""


@contextmanager
def session(*, memory_limit: str, threads: int, spill: Path | None = None) -> Iterator[DuckDBPyConnection]:
    """Open a connection, close it at the end.

    :param memory_limit: as DuckDB writes it, ``"600MB"``.
    :param spill: where encrypted spill goes; left out: the system's temporary folder.
    """
    import duckdb

    held = Path(tempfile.mkdtemp(prefix="backoffice-spill-", dir=spill))
    try:
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
            connection.execute(f"SET allowed_directories = {_FOLDERS}")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection
        finally:
            connection.close()
    finally:
        shutil.rmtree(held, ignore_errors=True)


def _openssl() -> Path:
    import duckdb
    import duckdb_extension_httpfs

    package = Path(str(duckdb_extension_httpfs.__file__)).parent
    return package / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
