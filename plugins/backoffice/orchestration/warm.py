"""What a worker process imports before it forks tasks. Only imports: no connection, no thread, no file."""

from __future__ import annotations

import importlib
import logging

__all__ = ["warm"]

_MODULES = (
    "duckdb",
    "pyarrow.dataset",
    "pyarrow.parquet.encryption",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "backoffice.orchestration",
    "backoffice.deployment",
    "backoffice.transform.engine",
    "backoffice.transform.stage",
    "backoffice.quality.stage",
    "backoffice.delivery.stage",
    "backoffice.delivery.writing",
    "backoffice.erasure.stage",
    "backoffice.erasure.due",
    "backoffice.intake.watch",
    "backoffice.vault.openpgp",
    "backoffice.vault.parquet",
    "backoffice.vault.signing",
    "airflow.sdk.execution_time.task_runner",
)
_LIGHT = (
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "backoffice.orchestration",
    "backoffice.deployment",
    "backoffice.erasure.stage",
    "backoffice.erasure.due",
    "backoffice.intake.watch",
    "backoffice.vault.signing",
    "airflow.sdk.execution_time.task_runner",
)


def warm(*, processes: bool = True) -> None:
    """Import everything a stage needs. A module that fails here fails again, and is seen, in the task that needs it.

    :param processes: whether tasks of this process work on clients' data; a process where none does receives or erases.
    """
    for name in _MODULES if processes else _LIGHT:
        importlib.import_module(name)
    if not processes:
        return
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # hundreds of lines at import otherwise
    from backoffice.quality import preload

    preload()
