"""The engine on Spark. Files are read as ever, into DuckDB; the rows go on to Spark, and come back when all is done."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from typing_extensions import override

from backoffice.contract import Sow
from backoffice.duck import session as duckdb_session
from backoffice.password import AskPassword
from backoffice.spark.session import OpenSpark
from backoffice.spark.session import session as spark_session
from backoffice.spark.shadow import Shadow
from backoffice.spool import Spool
from backoffice.transform.compiling import Plan
from backoffice.transform.engine import Engine
from backoffice.transform.figures import InputProfile, RunFigures
from backoffice.transform.spark.functions import every_function
from backoffice.transform.spark.tables import SparkTables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.transform.chain import Ahead

__all__ = ["SparkEngine"]


class SparkEngine(Engine):
    """Reads and transforms one drop, with the result that :class:`Engine` has: for data that outgrows it.

    :param memory_limit: DuckDB's, which reads what comes in and hands out the result.
    :param spark_memory: of Spark's Java process.
    :param spark: a running one; left out: one is started, and ended with this.
    """

    def __init__(
        self,
        *,
        memory_limit: str = "600MB",
        threads: int = 2,
        secret: bytes | None = None,
        password: AskPassword | None = None,
        spark_memory: str = "1g",
        spark: OpenSpark | None = None,
    ) -> None:
        super().__init__(memory_limit=memory_limit, threads=threads, secret=secret, password=password)
        self._spark, self._spark_memory = spark, spark_memory
        self._beside: DuckDBPyConnection | None = None
        self._given_beside: set[str] = set()

    @override
    def __enter__(self) -> Self:
        """Start Spark, and open the connection."""
        try:
            spark = self._spark or self._open.enter_context(
                spark_session(memory=self._spark_memory, threads=self._threads)
            )
            opened = duckdb_session(memory_limit=self._memory_limit, threads=1, locked=False)  # as the other one begins
            connection = self._open.enter_context(opened)
            self._beside = self._open.enter_context(duckdb_session(memory_limit="200MB", threads=1))
            self._tables = SparkTables(connection, spark, Shadow(self._beside), secret=self._secret)
            self._open.callback(self._tables.close)
        except BaseException:
            self._open.close()
            raise
        return self

    @override
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End both; nothing of theirs is left."""
        super().__exit__(kind, error, trace)
        self._beside = None
        self._given_beside.clear()

    @property
    def left_to_duckdb(self) -> list[str]:
        """The tables that Spark had no words for, so that DuckDB made them."""
        return self._on_spark.left_to_duckdb

    @property
    def _on_spark(self) -> SparkTables:
        found = self._ready
        assert isinstance(found, SparkTables)  # noqa: S101 - made above
        return found

    @override
    def process(self, sow: Sow, source: Path | str | Spool) -> tuple[dict[str, InputProfile], RunFigures]:
        """As :meth:`load` and :meth:`run`."""
        return self.load(sow, source), self.run(sow)

    @override
    def _loaded(self, sow: Sow, source: Path | str | Spool, ahead: Ahead) -> dict[str, InputProfile]:
        profiles = super()._loaded(sow, source, ahead)
        for name in sow.bases:
            self._on_spark.take(name)
        self._on_spark.sized(sum(profile.rows for profile in profiles.values()))
        return profiles

    @override
    def _compiled(self, sow: Sow) -> Plan:
        compiled = super()._compiled(sow)
        assert self._beside is not None  # noqa: S101 - within the block
        every_function().give(self._beside, self._given_beside)
        return compiled
