"""Parquet with the kinds of the SOW."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from backoffice.contract import Kind
from backoffice.contract.outputs import ParquetOutput
from backoffice.delivery.writing.cells import columns_of, quoted
from backoffice.delivery.writing.written import Written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["write"]

_GROUP_ROWS = 122_880


def write(connection: DuckDBPyConnection, output: ParquetOutput, file: BinaryIO) -> Written:
    """Write one table as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        Kind.TEXT: pa.string(), Kind.INTEGER: pa.int64(), Kind.NUMBER: pa.decimal128(18, 6), Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us"), Kind.BOOLEAN: pa.bool_(),
    }  # fmt: skip
    kinds = columns_of(connection, output)
    schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
    query = f"SELECT {', '.join(map(quoted, kinds))} FROM {quoted(output.table)}"  # noqa: S608
    rows = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in connection.sql(query).to_arrow_reader(_GROUP_ROWS):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            rows += batch.num_rows
    return Written(rows=rows, bytes=file.tell())
