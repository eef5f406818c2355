"""What system tests do to a running deployment: play the client, wait for jobs, kill parts."""

from __future__ import annotations

import csv
import io
import os
import signal
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from uuid import UUID

from backoffice.contract import project_ids
from backoffice.deployment import Deployment
from backoffice.kit import Dropped, Kit
from backoffice.ledger import Job
from backoffice.onboarding import kit_folder, sample_client
from backoffice.settings import Settings
from backoffice.stack.airflow import COMPONENTS
from backoffice.stack.stack import Stack

COLUMNS = [
    "rec_id", "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
    "date_of_birth", "soc_sec_id",
]  # fmt: skip


class House:
    """A deployment under test."""

    def __init__(self, root: Path, var: Path) -> None:
        self.root, self.var = root, var
        self.stack = Stack(root, var)

    def up(self) -> None:
        self.stack.up()
        for project in project_ids(self.root):
            sample_client(self.deployment, project.partition("_")[0], [kit_folder(self.deployment, project)])

    def down(self) -> None:
        if "deployment" in self.__dict__:
            self.deployment.ledger.close()
        self.stack.down()

    @cached_property
    def deployment(self) -> Deployment:
        sources: dict = {"_env_file": self.var / "backoffice.env", "root": self.root, "var": self.var}
        return Deployment(Settings(**sources))

    def kit(self, project: str = "acme_contacts") -> Kit:
        return Kit(kit_folder(self.deployment, project))

    def drop(self, content: bytes, project: str = "acme_contacts", **how: str) -> Dropped:
        """Encrypt and sign bytes as the client, and upload them."""
        place = self.var / "clients" / "outbox"
        place.mkdir(exist_ok=True, parents=True)
        file = place / f"{time.monotonic_ns()}"
        file.write_bytes(content)
        try:
            return self.kit(project).drop(file, **how)
        finally:
            file.unlink()

    def job(self, dropped: Dropped, *, timeout: float = 60) -> Job:
        """The job that claimed a drop."""
        return self._wait(lambda: self.deployment.ledger.job_of_drop(dropped.bucket, dropped.version_id), timeout)

    def settled(self, dropped: Dropped, *states: str, timeout: float = 90) -> Job:
        """The job of a drop, once it is in one of ``states``."""
        job = self.job(dropped, timeout=timeout)
        return self.until(job.id, *states, timeout=timeout)

    def until(self, job: UUID, *states: str, timeout: float = 90) -> Job:
        def there() -> Job | None:
            found = self.deployment.ledger.job(job)
            return found if found.state in states else None

        return self._wait(there, timeout, lambda: f"{self.deployment.ledger.job(job)!r} is in none of {states}")

    def receipt(self, dropped: Dropped, status: str, *, timeout: float = 30, project: str = "acme_contacts") -> dict:
        kit = self.kit(project)

        def there() -> dict | None:
            return next((r for r in kit.receipts(dropped.version_id) if r["status"] == status), None)

        return self._wait(there, timeout, lambda: f"no receipt says {status}")

    def kill(self, part: str) -> None:
        """End every process of a part at once, as a crash would. The keeper starts it again."""
        process = self.stack._process(part)
        for pid in process.members():
            with suppress(ProcessLookupError):  # a worker may have ended by itself since it was listed
                os.kill(pid, signal.SIGKILL)

    def pids(self) -> list[int]:
        """Every process of every part."""
        parts = [self.stack._process(name) for name in (*COMPONENTS, "postgres", "keeper")]
        return [pid for part in (self.stack._store, *parts) for pid in part.members()]

    @staticmethod
    def _wait(look, timeout: float, why=lambda: "it did not happen"):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if (found := look()) is not None:
                return found
            time.sleep(0.1)
        raise AssertionError(f"After {timeout:.0f} s: {why()}")


def people(count: int, *, surname: str = "Brown", start: int = 0) -> bytes:
    """A contact list of persons that have nothing in common but a surname, if that is given."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for i in range(start, start + count):
        born = f"19{30 + i % 60:02}{1 + i % 12:02}{1 + i % 28:02}"
        given, street = _word(i * 7919), _word(i * 104729)
        row = [
            f"rec-{i}-org",
            given,
            f"{surname}{_word(i)}",
            str(1 + i % 99),
            f"{street} street",
            "",
            _word(i * 1299709),
        ]
        writer.writerow(
            [*row, f"{2000 + i % 7000}", ["nsw", "vic", "qld", "sa", "wa"][i % 5], born, f"{1000000 + i * 977}"]
        )
    return out.getvalue().encode()


def _word(seed: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    value, word = (seed + 1) * 2654435761 % 2**32, ""
    for _ in range(7):
        value, at = divmod(value, 26)
        word += letters[at]
    return word
