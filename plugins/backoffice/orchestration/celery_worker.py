"""Celery in production: a worker imports what stages need before it forks, and beats into a file for its health check.

Named by ``[celery] celery_config_options``, so both the scheduler and the worker load it: light, but for what a worker's own
signals start.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG
from celery.signals import heartbeat_sent, worker_init, worker_shutting_down

__all__ = ["CONFIG", "HEARTBEAT"]

HEARTBEAT = Path("/tmp/worker-heartbeat")  # noqa: S108 (in the container's own memory)
"""Touched every two seconds while the worker is connected to its broker."""

CONFIG: dict[str, Any] = {
    **DEFAULT_CELERY_CONFIG,
    # On shutdown, a job of a few seconds is let finish; what takes longer is given back and tried again by Airflow.
    "worker_soft_shutdown_timeout": 10.0,
    "result_expires": 86_400,
}


@worker_init.connect
def _before_the_fork(**_: Any) -> None:
    """Each task is a fork of a pool process, which is a fork of this one: what is imported here costs a task nothing."""
    from backoffice.orchestration.warm import warm
    from backoffice.settings import settings

    have = settings()
    warm(processes=have.keystore_url is not None and have.store_intake_access_key is None)
    gc.collect()
    gc.freeze()  # pages that no collection touches stay shared with the forks


@worker_shutting_down.connect
def _tell_tasks(**_: Any) -> None:
    """Intake ends when it is told; given up only when its heartbeat is late, it would keep the next start waiting."""
    for pool in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            for task in pool.children():
                task.terminate()


@heartbeat_sent.connect
def _beat(**_: Any) -> None:
    HEARTBEAT.touch()
