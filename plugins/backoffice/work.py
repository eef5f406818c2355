"""A job's intermediates: every table that it delivers, as Parquet under ``work/``, encrypted with the job's own data key.

Stages do not hand data to each other; they leave it here. When the job's key is destroyed, nobody reads it again. Each
table's SHA-256 stands in the ledger, so that what is checked and what is delivered is what was prepared, to the byte: a
preparation that broke off half-way leaves tables which nothing reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.duck import session

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.deployment import Deployment
    from backoffice.ledger import Job

__all__ = ["SAVED", "open_tables", "save_tables", "work_prefix"]

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
            deployment.store.put(job.bucket, _place(job, table), sealed, sha256=sealed.sha256)
            digests[table] = sealed.sha256
    return {SAVED: digests}


@contextmanager
def open_tables(deployment: Deployment, job: Job, tables: Iterable[str]) -> Iterator[DuckDBPyConnection]:
    """A fresh connection with a view over each of these tables.

    :raises StorageError: one is not there, or the store is away.
    :raises VaultError: one is not this job's, was changed, or is not the one that the ledger knows.
    """
    from backoffice.vault.memory import Unnamed
    from backoffice.vault.parquet import read_encrypted

    key, have = deployment.keys.unwrap(job.project, job.id), deployment.settings
    known = job.figures.get(SAVED, {})
    with ExitStack() as open_:
        files = []
        for table in tables:
            file = open_.enter_context(Unnamed("work"))
            with deployment.store.open(job.bucket, _place(job, table)) as source:
                shutil.copyfileobj(source, file)
            file.flush()
            files.append((table, file))
        connection = open_.enter_context(session(memory_limit=have.engine_memory, threads=have.engine_threads))
        for table, file in files:
            view = read_encrypted(connection, file, key, table, binding=job.id, sha256=known.get(table))
            open_.enter_context(view)
        yield connection


def _place(job: Job, table: str) -> str:
    return f"{work_prefix(job.id)}{table}.parquet"
