"""Airflow's LocalExecutor, with the heavy libraries imported once, before it forks its workers.

Each task is a fork of a worker, which is a fork of the scheduler. What the scheduler has imported is there at once and
shares its memory. Great Expectations alone takes four CPU seconds to import.
"""

from __future__ import annotations

from airflow.executors.local_executor import LocalExecutor

__all__ = ["WarmLocalExecutor"]


class WarmLocalExecutor(LocalExecutor):
    """A LocalExecutor whose workers have imported what stages need. Importing starts no thread and opens no file."""

    def start(self) -> None:
        """Import, then fork the workers."""
        from backoffice.orchestration.warm import warm

        warm()
        super().start()
