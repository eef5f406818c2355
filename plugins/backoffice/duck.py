"""A DuckDB connection that cannot leave a trace: in memory, no spill to disk, no extension, no other settings (P7).

DuckDB spills plaintext to disk by default, so it may not spill at all: a query that outgrows its memory fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["session"]


@contextmanager
def session(*, memory_limit: str, threads: int) -> Iterator[DuckDBPyConnection]:
    """Open a connection, close it at the end.

    :param memory_limit: as DuckDB writes it, ``"600MB"``.
    """
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": "",
            "max_temp_directory_size": "0KiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "preserve_insertion_order": True,
        },
    )
    try:
        yield connection
    finally:
        connection.close()
