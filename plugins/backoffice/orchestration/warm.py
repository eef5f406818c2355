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


def warm() -> None:
    """Import everything a stage needs. A module that fails here fails again, and is seen, in the task that needs it."""
    for name in _MODULES:
        importlib.import_module(name)
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # hundreds of lines at import otherwise
    from backoffice.quality import preload

    preload()
