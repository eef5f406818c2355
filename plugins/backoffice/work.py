"""A job's intermediates: every table that it delivers, as Parquet under ``work/``, encrypted with the job's own data key.

Stages do not hand data to each other; they leave it here. When the job's key is destroyed, nobody reads it again. Each
table's SHA-256 stands in the ledger, so that what is checked and what is delivered is what was prepared, to the byte: a
preparation that broke off half-way leaves tables which nothing reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from backoffice.duck import session

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.deployment import Deployment
    from backoffice.ledger import Job
    from backoffice.spark.asking import Asked
    from backoffice.vault.memory import Unnamed

__all__ = ["SAVED", "ask_tables", "open_tables", "save_tables", "work_prefix"]

SAVED = "saved"
"""Where a job's figures hold the digests."""


def work_prefix(job: UUID) -> str:
    """Everything that lies here for a job starts with this."""
    return f"work/{job}/"


def save_tables(
    deployment: Deployment, job: Job, connection: DuckDBPyConnection, tables: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Store some tables of a connection, in place of those stored before.

    Gives what the ledger has to keep with the job's figures, once the job is ``prepared``: the digest of each.
    """
    from backoffice.vault.parquet import write_encrypted

    key = deployment.keys.unwrap(job.project, job.id)
    digests = {}
    for table in tables:
        with write_encrypted(connection, table, key, binding=job.id) as sealed:
            deployment.store_of(job).put(job.bucket, _place(job, table), sealed, sha256=sealed.sha256)
            digests[table] = sealed.sha256
    return {SAVED: digests}


@contextmanager
def open_tables(deployment: Deployment, job: Job, tables: Iterable[str]) -> Iterator[DuckDBPyConnection]:
    """A fresh connection with a view over each of these tables.

    :raises StorageError: one is not there, or the store is away.
    :raises VaultError: one is not this job's, was changed, or is not the one that the ledger knows.
    """
    key = deployment.keys.unwrap(job.project, job.id)
    with _fetched(deployment, job, tables) as files, _viewed(deployment, job, files, key) as connection:
        yield connection


@contextmanager
def ask_tables(
    deployment: Deployment, job: Job, tables: Iterable[str], *, engine: Literal["duckdb", "spark"]
) -> Iterator[DuckDBPyConnection | Asked]:
    """These tables, to be asked in SQL with one engine or the other; the answers are the same.

    :raises StorageError, VaultError: as :func:`open_tables`.
    :raises EngineError: Spark cannot run here.
    """
    if engine == "duckdb":
        with open_tables(deployment, job, tables) as connection:
            yield connection
        return
    from backoffice.spark.asking import asked_of_spark
    from backoffice.spark.frames import sealed_rows
    from backoffice.spark.session import session as spark_session
    from backoffice.vault.parquet import opening_of

    have, key = deployment.settings, deployment.keys.unwrap(job.project, job.id)
    with (
        spark_session(memory=have.spark_memory, threads=have.engine_threads) as spark,  # first: it may not run here
        _fetched(deployment, job, tables) as files,
        _viewed(deployment, job, files, key) as connection,
    ):
        rows = {
            table: partial(sealed_rows, spark, opening_of(file, key, binding=job.id)) for table, file in files.items()
        }
        with asked_of_spark(connection, spark, rows) as asked:
            yield asked


@contextmanager
def _fetched(deployment: Deployment, job: Job, tables: Iterable[str]) -> Iterator[dict[str, Unnamed]]:
    """Their files, as they lie in the store."""
    from backoffice.vault.memory import Unnamed

    with ExitStack() as open_:
        files: dict[str, Unnamed] = {}
        for table in tables:
            file = files[table] = open_.enter_context(Unnamed("work"))
            with deployment.store_of(job).open(job.bucket, _place(job, table)) as source:
                shutil.copyfileobj(source, file)
            file.flush()
        yield files


@contextmanager
def _viewed(deployment: Deployment, job: Job, files: Mapping[str, Unnamed], key: bytes) -> Iterator[DuckDBPyConnection]:
    """A connection with a view over each file."""
    from backoffice.vault.parquet import read_encrypted

    have, known = deployment.settings, job.figures.get(SAVED, {})
    with ExitStack() as open_:
        connection = open_.enter_context(session(memory_limit=have.engine_memory, threads=have.engine_threads))
        for table, file in files.items():
            view = read_encrypted(connection, file, key, table, binding=job.id, sha256=known.get(table))
            open_.enter_context(view)
        yield connection


def _place(job: Job, table: str) -> str:
    return f"{work_prefix(job.id)}{table}.parquet"
