"""The tables of a run on Spark: what a SOW's queries are asked of."""

# pyright: reportMissingImports=false
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from typing_extensions import override

from backoffice.errors import EngineError
from backoffice.spark.asking import Asked, asked_of_spark
from backoffice.spark.dialect import Dialect
from backoffice.spark.faults import spark_errors
from backoffice.spark.frames import as_duckdb, frame_of, provide, quoted
from backoffice.spark.parts import Parts, new_key, new_parts
from backoffice.spark.types import Untranslatable, arrow_type, spark_type
from backoffice.transform.faults import rows_of
from backoffice.transform.fragment import ROW, Batches, Source
from backoffice.transform.spark.functions import functions_in
from backoffice.transform.sql import col
from backoffice.transform.tables import Tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyspark.sql import DataFrame

    from backoffice.spark.session import OpenSpark
    from backoffice.spark.shadow import Shadow

__all__ = ["SparkTables"]

_SMALL_ROWS = 200_000
"""Rows of one partition, about."""


@dataclass
class _Frame:
    """One table."""

    frame: DataFrame
    columns: Mapping[str, exp.DataType]
    stored: set[int] = field(default_factory=set)
    """What Spark keeps of it."""
    parts: Parts | None = None
    """What we keep of it."""
    rows: int | None = None


class SparkTables(Tables):
    """Tables as Spark's, each worked out once and kept, in memory or encrypted on disk.

    Spark is asked in its own words. What it has none for, DuckDB does in this process, within its memory limit: it is
    given the tables that it needs as encrypted Parquet, and its answer becomes a table of Spark's.

    :param connection: DuckDB's, for that.
    :param shadow: the same tables without rows.
    """

    def __init__(
        self, connection: DuckDBPyConnection, spark: OpenSpark, shadow: Shadow, *, secret: bytes | None = None
    ) -> None:
        super().__init__(connection)
        self._spark, self._shadow = spark, shadow
        self._key = new_key()
        self._frames: dict[str, _Frame] = {}
        self._shown: dict[str, tuple[str, Parts]] = {}
        """What is shown: of which table, and its files."""
        self._dialect = Dialect(shadow, partial(provide, spark), partial(functions_in, secret=secret))
        self.left_to_duckdb: list[str] = []
        """What Spark had no words for, and what of it."""

    # ------------------------------------------------------------------ tables made by queries

    @override
    def create(self, name: str, query: exp.Query) -> None:
        columns = self._shadow.create(name, query)
        try:
            self._hold(name, self._asked(query, columns), columns)
        except Untranslatable as reason:
            self.left_to_duckdb.append(f"{name}: {reason}")
            with self._brought(query):
                self._push(name, query.sql(dialect="duckdb"), columns)

    @override
    def append(self, name: str, query: exp.Query) -> None:
        there = self._frames[name]
        try:
            frame = self._asked(query, there.columns)
        except Untranslatable:
            more = f"{name}_more"
            self.create(more, query)
            frame = self._frames[more].frame.toDF(*there.columns)
        with spark_errors():
            self._hold(name, there.frame.union(frame), there.columns)
        self.drop_all([f"{name}_more"])

    @override
    def delete(self, name: str, rows: exp.Select) -> None:
        there, gone = self._frames[name], f"{name}_gone"
        self.create(gone, rows)
        with spark_errors():
            left = there.frame.join(self._frames[gone].frame, on=ROW, how="left_anti").select(
                *map(quoted, there.columns)
            )
            self._hold(name, left, there.columns)
        self.drop_all([gone])

    @override
    def rename(self, name: str, new: str) -> None:
        self.drop_all([new])
        self._frames[new] = self._frames.pop(name)
        self._shadow.rename(name, new)
        with spark_errors():
            self._spark.session.catalog.dropTempView(name)
            self._frames[new].frame.createOrReplaceTempView(new)

    @override
    def keep_columns(self, name: str, columns: Iterable[str]) -> None:
        there, kept = self._frames[name], set(columns)
        chosen = {one: kind for one, kind in there.columns.items() if one in kept}
        if len(chosen) == len(there.columns):
            return
        with spark_errors():
            there.frame = there.frame.select(*map(quoted, chosen))
            there.frame.createOrReplaceTempView(name)
        there.columns = chosen
        self._shadow.declare(name, chosen)

    @override
    def columns(self, name: str) -> list[str]:
        return list(self._frames[name].columns)

    @override
    def drop_all(self, names: Iterable[str]) -> None:
        for name in list(names):
            there = self._frames.pop(name, None)
            if there is None:
                continue
            self._shadow.drop(name)
            with spark_errors():
                self._spark.session.catalog.dropTempView(name)
                self._let_go(there)

    # ------------------------------------------------------------------ what is asked of them

    @override
    def count(self, name: str) -> int:
        there = self._frames.get(name)
        if there is None:
            return 0
        with spark_errors():
            return self._rows_of(there)

    @staticmethod
    def _rows_of(there: _Frame) -> int:
        rows = there.rows
        if rows is None:
            rows = there.rows = int(there.frame.count())
        return rows

    @override
    def one(self, query: exp.Query) -> tuple[Any, ...]:
        kinds = self._shadow.answers(query)
        try:
            text = self._dialect.text(query)
            with spark_errors(asking=True):
                found = self._spark.session.sql(text).collect()[0]
        except Untranslatable as reason:
            self.left_to_duckdb.append(f"a figure: {reason}")
            with self._brought(query):
                return rows_of(self.connection, query.sql(dialect="duckdb"))[0]
        return tuple(as_duckdb(value, kind) for value, kind in zip(found, kinds, strict=True))

    @override
    def in_order(self, name: str) -> bool:
        return False

    @override
    def execute(self, text: str) -> list[tuple[Any, ...]]:
        """SQL of ours for DuckDB, over what was brought to it.

        :raises EngineError: out of memory, or a fault of ours; with no value in it.
        """
        return rows_of(self.connection, text)

    # ------------------------------------------------------------------ between DuckDB and Spark

    @override
    def show(self, name: str, of: str, columns: Sequence[str]) -> None:
        there = self._frames[of]
        parts, numbers = self._parts_of(there)
        self._shown[name] = of, parts
        self._view(name, parts, numbers, {column: there.columns[column] for column in columns})

    @override
    def hide(self, name: str) -> None:
        if name in self._shown:
            _, parts = self._shown.pop(name)
            self._unview(name)
            parts.remove()

    @override
    def asked(self, names: Iterable[str]) -> AbstractContextManager[Asked]:
        rows = {name: partial(self._chosen, self._shown[name][0]) for name in names}
        return asked_of_spark(self.connection, self._spark, rows)

    def _chosen(self, name: str, columns: Iterable[str]) -> DataFrame:
        with spark_errors():
            return self._frames[name].frame.select(*map(quoted, columns))

    @override
    def batches(self, fragment: Batches, source: Source, into: str) -> None:
        read = exp.select(col(ROW)).from_(exp.Table(this=exp.to_identifier(source.table, quoted=True)))
        given = self.quoted(f"_given_{source.table}")
        with self._brought(read):  # a table: the function reads it beside the connection, which sees no views of ours
            self.execute(f"CREATE TABLE {given} AS SELECT * FROM {self.quoted(source.table)}")  # noqa: S608
        self.execute(f"ALTER TABLE {given} RENAME TO {self.quoted(source.table)}")
        try:
            super().batches(fragment, source, into)
        finally:
            self.execute(f"DROP TABLE IF EXISTS {self.quoted(source.table)}")
        self.take(into)

    def take(self, name: str) -> None:
        """Make a table of DuckDB's one of Spark's; DuckDB's is gone then."""
        described = self.connection.execute(f"DESCRIBE {self.quoted(name)}").fetchall()
        columns = {one: exp.DataType.build(kind, dialect="duckdb") for one, kind, *_ in described}
        self._shadow.declare(name, columns)
        self._push(name, f"SELECT * FROM {self.quoted(name)}", columns)  # noqa: S608
        self.execute(f"DROP TABLE {self.quoted(name)}")

    def sized(self, rows: int) -> None:
        """Say how many rows there are, about: so many pieces are made of them."""
        pieces = min(2000, max(self._spark.threads, rows // _SMALL_ROWS)) if rows > _SMALL_ROWS else 1
        with spark_errors():
            self._spark.session.conf.set("spark.sql.shuffle.partitions", str(pieces))

    def close(self) -> None:
        """Let go of all tables: they, and all that Spark was given for them, are gone."""
        for name in list(self._shown):
            self.hide(name)
        with suppress(EngineError):  # Spark may be gone already
            self.drop_all(list(self._frames))

    def _push(self, name: str, text: str, columns: Mapping[str, exp.DataType]) -> None:
        """A table of Spark's out of a query of DuckDB's."""
        import pyarrow as pa

        schema = pa.schema([(one, arrow_type(kind)) for one, kind in columns.items()])
        parts, fault, groups, rows = new_parts(self._spark.folder, self._key), "", 0, 0
        try:
            reader = self.connection.execute(text).to_arrow_reader(20_000)
            groups, rows = parts.write((_cast(batch, schema) for batch in reader), schema)
        except Exception as error:  # noqa: BLE001 - DuckDB's and Arrow's messages show cells
            fault = type(error).__name__
        if fault:
            parts.remove()
            raise EngineError(f"The engine failed ({fault}).", hint="Is there room on the disk for what is spilled?")
        frame = frame_of(self._spark, parts.opening(), columns, groups=groups, pieces=groups)
        with spark_errors():
            self._replace(name, _Frame(frame, dict(columns), parts=parts, rows=rows))

    @contextmanager
    def _brought(self, query: exp.Query) -> Iterator[None]:
        """The tables that a query reads, as views of DuckDB's."""
        names = {one.name for one in query.find_all(exp.Table)} & set(self._frames)
        brought: list[tuple[str, Parts]] = []
        try:
            for name in sorted(names):
                parts, numbers = self._parts_of(self._frames[name])
                brought.append((name, parts))
                self._view(name, parts, numbers, self._frames[name].columns)
            yield
        finally:
            for name, parts in brought:
                self._unview(name)
                parts.remove()

    def _parts_of(self, there: _Frame) -> tuple[Parts, list[int]]:
        """A table's rows in their order, as files."""
        parts = new_parts(self._spark.folder, self._key)
        with spark_errors():
            few = self._rows_of(there) <= _SMALL_ROWS
            ordered = there.frame.coalesce(1) if few else there.frame
            if ROW in there.columns:
                ordered = ordered.sortWithinPartitions(ROW) if few else ordered.orderBy(ROW)
            kept = ordered.mapInArrow(parts.keep, "part BIGINT, rows BIGINT").collect()
        return parts, sorted(one["part"] for one in kept)

    def _view(self, name: str, parts: Parts, numbers: Sequence[int], columns: Mapping[str, exp.DataType]) -> None:
        import pyarrow as pa

        schema = pa.schema([(one, arrow_type(kind)) for one, kind in columns.items()])
        self.connection.register(f"_of_{name}", parts.dataset(numbers, schema))
        chosen = [exp.alias_(exp.cast(col(one), kind.copy()), one, quoted=True) for one, kind in columns.items()]
        query = exp.select(*chosen).from_(exp.Table(this=exp.to_identifier(f"_of_{name}", quoted=True)))
        self.execute(f"CREATE OR REPLACE VIEW {self.quoted(name)} AS {query.sql(dialect='duckdb')}")

    def _unview(self, name: str) -> None:
        self.execute(f"DROP VIEW IF EXISTS {self.quoted(name)}")
        self.connection.unregister(f"_of_{name}")

    # ------------------------------------------------------------------ Spark's own

    def _asked(self, query: exp.Query, columns: Mapping[str, exp.DataType]) -> DataFrame:
        """What a query gives, with these columns.

        :raises Untranslatable: Spark cannot do it.
        """
        text = self._dialect.text(query)
        said = [f"CAST({quoted(one)} AS {spark_type(kind)}) AS {quoted(one)}" for one, kind in columns.items()]
        with spark_errors(asking=True):  # it looks at the query, at no row
            return self._spark.session.sql(text).toDF(*columns).selectExpr(*said)

    def _hold(self, name: str, frame: DataFrame, columns: Mapping[str, exp.DataType]) -> None:
        """Work it out and keep it."""
        from pyspark import StorageLevel

        before, done = self._stored(), False
        try:
            with spark_errors(asking=True):  # some things it says no to only when it is about to begin
                kept = frame.localCheckpoint(eager=True, storageLevel=StorageLevel.MEMORY_AND_DISK)
                self._replace(name, _Frame(kept, dict(columns), stored=self._stored() - before))
            done = True
        finally:
            if not done:
                with suppress(Exception):  # it may have ended
                    self._forget(self._stored() - before)

    def _replace(self, name: str, made: _Frame) -> None:
        old = self._frames.pop(name, None)
        made.frame.createOrReplaceTempView(name)
        self._frames[name] = made
        if old is not None:
            self._let_go(old)

    def _let_go(self, there: _Frame) -> None:
        self._forget(there.stored)
        if there.parts is not None:
            there.parts.remove()

    def _forget(self, stored: set[int]) -> None:
        persistent = self._spark.kept()
        for number in stored:
            if persistent.containsKey(number):
                persistent.get(number).unpersist(False)

    def _stored(self) -> set[int]:
        return set(self._spark.kept().keySet())


def _cast(batch: Any, schema: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(
        [array.cast(field_.type) for array, field_ in zip(batch.columns, schema, strict=True)], schema=schema
    )
