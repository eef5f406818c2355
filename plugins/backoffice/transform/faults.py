"""Running SQL so that no cell can leave by way of an error: DuckDB's messages show them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from backoffice.discretion import kind_of
from backoffice.errors import EngineError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.contract import Columns
    from backoffice.transform.fragment import Batches, Source

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
        fault = kind_of(error)
    # Raised here, after the block: so not even the context of our error holds DuckDB's.
    if fault == "memory":
        hint = "Give the engine more (`BACKOFFICE_ENGINE_MEMORY`)."
        raise EngineError("The job does not fit into the engine's memory.", hint=hint)
    raise EngineError(f"The engine failed ({fault}).", hint="Try the SOW on a test file with `backoffice sow run`.")


def batches_into(
    connection: DuckDBPyConnection, fragment: Batches, source: Source, into: str, *, size: int = 50_000
) -> None:
    """Make the table ``into`` by giving the batches of ``source``, in order, to the function of a Python step: its columns,
    without the hidden ones.

    :raises EngineError: the function failed, or answers with other columns. What it raised is never shown.
    """
    import duckdb
    import pyarrow as pa

    fault = ""
    before, after = _listed(source.columns), _listed(source.after)
    reading = connection.cursor()
    try:
        found = reading.execute(f'SELECT {before} FROM "{source.table}" ORDER BY _row')  # noqa: S608
        batches = iter(fragment.run(found.to_arrow_reader(size)))
        first = next(batches, None)
        if first is None:
            fault = "it gave no batch, not even an empty one"
        else:
            answered = pa.RecordBatchReader.from_batches(first.schema, chain((first,), batches))
            connection.register("_answered", answered)
            connection.execute(
                f'CREATE OR REPLACE TABLE "{into}" AS SELECT row_number() OVER () AS _row, {after} FROM _answered'  # noqa: S608
            )
            connection.unregister("_answered")
    except duckdb.BinderException:
        fault = f"it answered with other columns than {', '.join(source.after)}"
    except Exception as error:  # noqa: BLE001 - whatever it raised may show cells
        fault = kind_of(error)
    finally:
        reading.close()
    if fault:
        fault = fragment.fault() or fault
        raise EngineError(f"A step of Python failed ({fault}).", hint="Try it with `backoffice sow test`.")


def _listed(columns: Columns) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
