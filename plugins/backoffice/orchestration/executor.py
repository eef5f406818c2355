"""Airflow's LocalExecutor, with the heavy libraries imported once, before it forks its workers.

Each task is a fork of a worker, which is a fork of the scheduler. What the scheduler has imported is there at once and
shares its memory. Great Expectations alone takes four CPU seconds to import.
"""

from __future__ import annotations

import psutil
from airflow.executors.local_executor import LocalExecutor

__all__ = ["WarmLocalExecutor"]


class WarmLocalExecutor(LocalExecutor):
    """A LocalExecutor whose workers have imported what stages need. Importing starts no thread and opens no file."""

    def start(self) -> None:
        """Import, then fork the workers."""
        from backoffice.orchestration.warm import warm

        warm()
        super().start()

    def end(self) -> None:
        """Break off what runs, then end.

        LocalExecutor waits for its tasks, and intake runs for an hour: a scheduler that has lost its database would
        neither work nor die. Every task of ours may be broken off at any line; its retry goes on from there.
        """
        for worker in self.workers.values():
            if worker.is_alive() and worker.pid:
                for process in [*psutil.Process(worker.pid).children(recursive=True), psutil.Process(worker.pid)]:
                    process.kill()
                worker.join()
        super().end()
