"""From cells that were read to a table: ``_row`` and the agreed columns, all text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from backoffice.contract import Input
from backoffice.discretion import kind_of
from backoffice.errors import DropRejected, EngineError
from backoffice.transform.faults import rows_of
from backoffice.transform.fragment import ROW
from backoffice.transform.reading.columns import Wanted
from backoffice.transform.sql import call, col

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["cells", "create", "load_arrow", "load_batches", "quoted", "texts", "wanted"]


def wanted(spec: Input) -> list[Wanted]:
    """The agreed columns, as they are found in a file."""
    return [Wanted(name, one.header or name, one.need == "required") for name, one in spec.columns.items()]


def cells(spec: Input, places: Mapping[str, int | None]) -> list[exp.Expr]:
    """What is selected of columns ``c0``, ``c1``, … : the agreed ones by name, what means "nothing" empty."""
    markers = sorted({marker.lower() for marker in spec.null_markers})
    chosen: list[exp.Expr] = []
    for name, place in places.items():
        cell: exp.Expr = exp.cast(exp.null(), "varchar")
        if place is not None:
            cell = col(f"c{place}")
        if place is not None and markers:
            known = call("lower", call("trim", col(f"c{place}"))).isin(*markers)
            cell = exp.Case().when(exp.not_(exp.func("coalesce", known, exp.false())), cell)
        chosen.append(exp.alias_(cell, name, quoted=True))
    return chosen


def quoted(name: str) -> str:
    """A table's name in SQL."""
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def create(connection: DuckDBPyConnection, sql: str) -> bool:
    """Run SQL that makes a table of a client's file.

    :return: whether the file could be read.
    :raises DropRejected: ``too-large``: it does not fit into the job's memory.
    :raises EngineError: a fault of ours.
    """
    import duckdb

    fault = ""
    try:
        connection.execute(sql)
        return True
    except duckdb.OutOfMemoryException:
        fault = "memory"
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    except duckdb.Error as error:
        fault = kind_of(error)
    # Raised here, after the block: DuckDB's own error shows cells.
    if fault == "memory":
        message = "The file does not fit into the memory that one job may use."
        raise DropRejected("too-large", message, hint="Send it in parts, or ask us to raise the limit.")
    raise EngineError(f"The file could not be read ({fault}).", hint="This is a fault of ours, not of the file.")


def load_batches(
    connection: DuckDBPyConnection,
    spec: Input,
    places: Mapping[str, int | None],
    batches: Iterator[tuple[int, list[pa.Array]]],
    into: str,
) -> int:
    """Make the table ``into`` of pieces of text columns, in their order: rows, and those of ``places`` that are there.

    :param batches: must not raise, but end.
    :return: its rows.
    """
    import numpy as np
    import pyarrow as pa

    there = [place for place in places.values() if place is not None]
    schema = pa.schema([(ROW, pa.int64()), *((f"c{place}", pa.string()) for place in there)])

    def numbered() -> Iterator[pa.RecordBatch]:
        first = 1
        for rows, arrays in batches:
            numbers = pa.array(np.arange(first, first + rows))
            yield pa.RecordBatch.from_arrays([numbers, *arrays], schema=schema)
            first += rows

    load_arrow(
        connection, pa.RecordBatchReader.from_batches(schema, numbered()), [col(ROW), *cells(spec, places)], into
    )
    return rows_of(connection, f"SELECT count(*) FROM {quoted(into)}")[0][0]  # noqa: S608


def load_arrow(
    connection: DuckDBPyConnection, read: pa.Table | pa.RecordBatchReader, chosen: Sequence[exp.Expr], into: str
) -> None:
    """Make the table ``into`` of what was read, by what is chosen of its columns.

    :raises DropRejected: ``too-large``.
    :raises EngineError: a fault of ours.
    """
    select = ", ".join(one.sql(dialect="duckdb") for one in chosen)
    connection.register("_read", read)
    try:
        done = create(connection, f"CREATE OR REPLACE TABLE {quoted(into)} AS SELECT {select} FROM _read")  # noqa: S608
    finally:
        connection.unregister("_read")
    if not done:
        raise EngineError("The file could not be read.", hint="This is a fault of ours, not of the file.")


def texts(data: bytes, rows: int) -> pa.Array:
    """Cells that have a NUL after each, UTF-8; one without signs is empty."""
    import numpy as np
    import pyarrow as pa

    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)
    offsets = np.zeros(rows + 1, np.int32)
    offsets[1:] = ends - np.arange(rows)
    filled = np.packbits(offsets[1:] != offsets[:-1], bitorder="little")
    buffers = [pa.py_buffer(filled), pa.py_buffer(offsets), pa.py_buffer(data.translate(None, b"\0"))]
    return pa.Array.from_buffers(pa.string(), rows, buffers)
