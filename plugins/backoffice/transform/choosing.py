"""Which engine carries a SOW out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backoffice.contract import Sow
from backoffice.password import AskPassword

if TYPE_CHECKING:
    from backoffice.transform.engine import Engine

__all__ = ["engine_for"]


def engine_for(
    sow: Sow,
    *,
    memory_limit: str = "600MB",
    threads: int = 2,
    secret: bytes | None = None,
    password: AskPassword | None = None,
    spark_memory: str = "1g",
) -> Engine:
    """The engine that the SOW asks for; open it with ``with``. The result is the same with either.

    :param memory_limit: of DuckDB, as it writes it; it reads and hands out on Spark too.
    :param threads: of either.
    :param secret: the project's key for pseudonyms; left out: a trial.
    :param password: asked for if a workbook is protected with one; left out: such a workbook is refused.
    :param spark_memory: of Spark's Java process, as Java writes it.
    :raises EngineError: on opening: Spark cannot run here.
    """
    if sow.engine == "spark":
        from backoffice.transform.spark.engine import SparkEngine

        return SparkEngine(
            memory_limit=memory_limit, threads=threads, secret=secret, password=password, spark_memory=spark_memory
        )
    from backoffice.transform.engine import Engine

    return Engine(memory_limit=memory_limit, threads=threads, secret=secret, password=password)
