"""Running SQL so that no cell can leave by way of an error: DuckDB's messages show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backoffice.errors import EngineError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["rows_of"]


def rows_of(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Run ``sql``, which is ours, and give its rows.

    :raises EngineError: out of memory, or a fault of ours.
    """
    import duckdb

    fault = ""
    try:
        return connection.execute(sql).fetchall()
    except duckdb.OutOfMemoryException:
        fault = "memory"
    except duckdb.Error as error:
        fault = type(error).__name__
    # Raised here, after the block: so not even the context of our error holds DuckDB's.
    if fault == "memory":
        hint = "Give the engine more (`BACKOFFICE_ENGINE_MEMORY`); it never spills to disk."
        raise EngineError("The job does not fit into the engine's memory.", hint=hint)
    raise EngineError(f"The engine failed ({fault}).", hint="Try the SOW on a test file with `backoffice sow run`.")
