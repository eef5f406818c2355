"""Airflow's LocalExecutor, with the heavy libraries imported once, before it forks its workers.

Each task is a fork of a worker, which is a fork of the scheduler. What the scheduler has imported is there at once and
shares its memory. Great Expectations alone takes four CPU seconds to import.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Timer

import psutil
from airflow.executors.local_executor import LocalExecutor
from sqlalchemy import update

__all__ = ["WarmLocalExecutor"]

_GRACE_SECONDS = 3.0


class WarmLocalExecutor(LocalExecutor):
    """A LocalExecutor whose workers have imported what stages need. Importing starts no thread and opens no file."""

    def start(self) -> None:
        """Import, then fork the workers."""
        from backoffice.orchestration.warm import warm

        warm()
        self._bury_predecessors()
        super().start()

    def end(self) -> None:
        """Tell what runs to end, break it off after three seconds, then end.

        LocalExecutor waits for its tasks: a scheduler that has lost its database would neither work nor die. Intake ends
        when it is told. Every other task of ours may be broken off at any line; its retry goes on from there.
        """
        workers = [psutil.Process(worker.pid) for worker in self.workers.values() if worker.is_alive()]
        for worker in workers:
            for task in _children(worker):
                _unless_gone(task.terminate)
        late = Timer(_GRACE_SECONDS, _break_off, [workers])
        late.start()
        super().end()
        late.cancel()

    def _bury_predecessors(self) -> None:
        """Say that earlier schedulers are dead, so that their tasks, which went with them, are tried again at once.

        There is one scheduler here. Airflow, which allows for several, waits until its heartbeat is 30 seconds late, and
        looks every 30 seconds.
        """
        from airflow.jobs.job import Job, JobState
        from airflow.utils.session import create_session

        earlier = update(Job).where(
            Job.job_type == "SchedulerJob", Job.state == JobState.RUNNING, Job.id != int(self.job_id or 0)
        )
        with create_session() as session:
            session.execute(earlier.values(state=JobState.FAILED))


def _break_off(workers: list[psutil.Process]) -> None:
    for worker in workers:
        for process in [*_children(worker, recursive=True), worker]:
            _unless_gone(process.kill)


def _children(process: psutil.Process, *, recursive: bool = False) -> list[psutil.Process]:
    try:
        return process.children(recursive=recursive)
    except psutil.NoSuchProcess:
        return []


def _unless_gone(act: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        act()
