"""Looking while jobs run, and breaking what runs them."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import text

from tests.canary.search import Search, Searched
from tests.system.house import House

__all__ = ["Watch", "kill_decrypting", "kill_tasks"]

_PAUSE_SECONDS = 2.0


class Watch:
    """Searches again and again, in the background, each time with controls."""

    def __init__(self, search: Search) -> None:
        self.found, self.looks = Searched(), 0
        self.failure: Exception | None = None
        self._search, self._ended = search, threading.Event()
        self._thread = threading.Thread(target=self._look, name="canary", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.is_set():
            try:
                self.found += self._search.must_find_nothing()
            except (Exception, AssertionError) as error:  # noqa: BLE001 - the test that asks raises it
                self.failure = error
                return
            self.looks += 1
            self._ended.wait(_PAUSE_SECONDS)


def kill_tasks(house: House, stage: str, *, within: float) -> int:
    """End every process that carries out a task, at a moment when a job is in this stage. Gives in how many jobs it was."""
    query = text("SELECT count(*) FROM stages WHERE stage = :stage AND ended_at IS NULL")
    end = time.monotonic() + within
    with house.deployment.ledger.engine.connect() as db:
        while time.monotonic() < end:
            if at_work := db.scalar(query, {"stage": stage}):
                db.rollback()
                for task in _tasks(house):
                    with suppress(ProcessLookupError):
                        os.kill(task, signal.SIGKILL)
                return int(at_work)
            db.rollback()
            time.sleep(0.05)
    return 0


def kill_decrypting(house: House, *, within: float) -> bool:
    """End a child that decrypts, with what it has decrypted in its memory. Whether there was one."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        for task in _tasks(house):
            for child in _children(task):
                with suppress(OSError):
                    if b"opener" in Path(f"/proc/{child}/cmdline").read_bytes():
                        os.kill(child, signal.SIGKILL)
                        return True
    return False


def _tasks(house: House) -> list[int]:
    """The scheduler has workers, a worker has a task while it works on one."""
    scheduler = house.stack._process("scheduler").pid
    return [task for worker in _children(scheduler) for task in _children(worker)] if scheduler else []


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
