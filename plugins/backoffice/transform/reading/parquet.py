"""Reading a client's Parquet file. Another process parses it: see ``parquet_child``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backoffice.child import Child
from backoffice.contract import ParquetInput
from backoffice.errors import DropRejected
from backoffice.transform.figures import InputProfile
from backoffice.transform.reading.apart import Said, refuse_if_it_failed
from backoffice.transform.reading.loading import load_batches, wanted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["read_parquet"]

_CODE = "backoffice.transform.reading.parquet_child"


def read_parquet(connection: DuckDBPyConnection, spec: ParquetInput, descriptor: int, *, into: str) -> InputProfile:
    """Read an open file into the table ``into``: ``_row`` and the columns of ``spec``, all text, in the file's order.

    :raises DropRejected: ``format``, ``protected``, ``columns``, ``encoding``, ``line-too-long``, ``too-large``, ``empty``.
    """
    columns = [[one.name, one.header, one.required] for one in wanted(spec)]
    order = {"descriptor": descriptor, "columns": columns, "drop_others": spec.extra_columns == "drop"}
    rows, places, width = 0, {}, 0
    with Child(_CODE, order, descriptors=[descriptor]) as child:
        said = Said(child.answers)
        start = said.next_line()
        if not said.fault:
            places, width = start["places"], start["columns"]
            rows = load_batches(connection, spec, places, _pieces(said), into=into)
        refuse_if_it_failed(child, said, "Parquet file")
    if rows == 0:
        raise DropRejected("empty", "The file has no rows.", hint="Send one with rows.")
    missing = sum(place is None for place in places.values())
    return InputProfile(
        format=spec.format,
        rows=rows,
        bytes=os.fstat(descriptor).st_size,
        columns=width,
        dropped_columns=width - len(places) + missing,
        missing_columns=missing,
    )


def _pieces(said: Said) -> Iterator[tuple[int, list[pa.Array]]]:
    import pyarrow as pa

    while "rows" in said.next_line() and not said.fault:
        data = said.buffer(said.line["size"])
        if said.fault:
            return
        arrays: list[pa.Array] = []
        if data:
            schema = pa.schema([(str(index), pa.string()) for index in range(said.line["columns"])])
            arrays = pa.ipc.read_record_batch(pa.py_buffer(data), schema).columns
        yield said.line["rows"], arrays
