"""A job's intermediate: its result as Parquet under ``work/``, encrypted with the job's own data key.

Stages do not hand data to each other; they leave it here. When the job's key is destroyed, nobody reads it again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.duck import session

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.deployment import Deployment
    from backoffice.ledger import Job

__all__ = ["RESULT", "open_result", "save_result", "work_prefix"]

RESULT = "result"
"""The name of the table, and of the view over its Parquet."""


def work_prefix(job: UUID) -> str:
    """Everything that lies here for a job starts with this."""
    return f"work/{job}/"


def save_result(deployment: Deployment, job: Job, connection: DuckDBPyConnection) -> None:
    """Store the table ``result`` of a connection, in place of one stored before."""
    from backoffice.vault.parquet import write_encrypted

    key = deployment.keys.unwrap(job.project, job.id)
    with write_encrypted(connection, RESULT, key, binding=job.id) as sealed:
        deployment.store.put(job.bucket, f"{work_prefix(job.id)}{RESULT}.parquet", sealed)


@contextmanager
def open_result(deployment: Deployment, job: Job) -> Iterator[DuckDBPyConnection]:
    """A fresh connection with the view ``result`` over what was stored.

    :raises StorageError: it is not there, or the store is away.
    :raises VaultError: it is not this job's, or was changed.
    """
    from backoffice.vault.memory import memory
    from backoffice.vault.parquet import read_encrypted

    key, have = deployment.keys.unwrap(job.project, job.id), deployment.settings
    with (
        deployment.store.open(job.bucket, f"{work_prefix(job.id)}{RESULT}.parquet") as source,
        memory("work") as file,
        session(memory_limit=have.engine_memory, threads=have.engine_threads) as connection,
    ):
        shutil.copyfileobj(source, file)
        file.flush()
        with read_encrypted(connection, file, key, RESULT, binding=job.id):
            yield connection
