"""Rows and functions on their way into Spark, and its answers on their way out."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from backoffice.spark.faults import spark_errors
from backoffice.spark.plain import held
from backoffice.spark.types import spark_type
from backoffice.vault.parquet import Opening

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from backoffice.spark.cells import Worked
    from backoffice.spark.session import OpenSpark

__all__ = ["as_duckdb", "frame_of", "provide", "quoted", "sealed_rows"]

_PIECES_A_THREAD = 4
"""Of a file that is read: so many that no thread waits long for the last one."""


@dataclass(frozen=True)
class _Groups:
    """Reads row groups in Spark's Python processes."""

    opening: Opening
    columns: tuple[str, ...]

    def __call__(self, numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """For ``mapInArrow``."""
        found = (number for batch in numbers for number in batch.column(0).to_pylist())
        yield from self.opening.batches(found, self.columns)


def frame_of(
    spark: OpenSpark, opening: Opening, columns: Mapping[str, exp.DataType], *, groups: int, pieces: int
) -> DataFrame:
    """The rows of an encrypted file, read anew by each query, and by Spark's Python processes.

    :param columns: those that are read, and what they hold.
    :param groups: the file's row groups.
    :param pieces: so many are read one beside the other at most.
    """
    said = ", ".join(f"{quoted(name)} {spark_type(kind)}" for name, kind in columns.items())
    with spark_errors():
        numbers = spark.session.range(0, groups, 1, max(1, min(groups, pieces)))
        return numbers.mapInArrow(_Groups(opening, tuple(columns)), said)


def sealed_rows(spark: OpenSpark, opening: Opening, columns: Mapping[str, exp.DataType]) -> DataFrame:
    """The rows of an encrypted file: these of its columns."""
    return frame_of(spark, opening, columns, groups=opening.row_groups, pieces=_PIECES_A_THREAD * spark.threads)


def provide(spark: OpenSpark, worked: Worked, gives: str) -> str:
    """Give Spark a function; what it is called there.

    :param gives: the type that it answers, in Spark's word.
    """
    from pyspark.sql.functions import arrow_udf
    from pyspark.util import PythonEvalType

    name = f"duckdb_{spark.next_number()}"
    with spark_errors():
        spark.session.udf.register(name, arrow_udf(worked, gives, PythonEvalType.SQL_SCALAR_ARROW_UDF))
    return name


def as_duckdb(value: Any, kind: exp.DataType) -> Any:
    """A value that Spark answered, as DuckDB would have."""
    return int(value) if isinstance(value, Decimal) and held(kind) in ("huge", "other") else value


def quoted(name: str) -> str:
    """A name in Spark's SQL."""
    return exp.to_identifier(name, quoted=True).sql(dialect="spark")
