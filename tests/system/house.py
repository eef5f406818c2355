"""What system tests do to a running deployment: play the client, wait for jobs, kill parts."""

from __future__ import annotations

import csv
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import make_url

from backoffice.contract import project_ids
from backoffice.deployment import Deployment
from backoffice.kit import Dropped, Kit
from backoffice.ledger import Job
from backoffice.onboarding import kit_folder, sample_client
from backoffice.settings import Settings
from backoffice.stack.airflow import COMPONENTS
from backoffice.stack.postgres import DATABASES
from backoffice.stack.stack import Stack
from tests.canary.places import Ground
from tests.canary.tokens import Tokens

COLUMNS = [
    "rec_id", "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state",
    "date_of_birth", "soc_sec_id",
]  # fmt: skip


ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def house_in(place: Path, prepare: Callable[[Path], None]) -> Iterator[House]:
    """The sample projects and the stack that runs them, on ports and in folders of its own, beside whatever else runs.

    :param prepare: adds to the root folder, before anything is started.
    """
    root, var = place / "root", place / "var"
    for name in ("sow", "expectations", "dags"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "plugins").mkdir()
    prepare(root)
    house = House(root, var)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(var / "home"))  # what a part writes there is searched too
        try:
            house.up()
            yield house
        finally:
            house.down()
            left = subprocess.run(["pgrep", "-af", str(var)], capture_output=True, text=True, check=False).stdout
            assert not left, "the stack left processes behind"


class House:
    """A deployment under test."""

    def __init__(self, root: Path, var: Path) -> None:
        self.root, self.var = root, var
        self.stack = Stack(root, var)
        self.ground = Ground(
            folders=(var,),
            leave_out=(var / "clients",),
            databases=lambda: {name: self._superuser(name) for name in DATABASES},
            pids=self.pids,
            mark=lambda: {"BACKOFFICE_PART_MARK": self.stack._process("keeper")._record().mark},  # pyright: ignore[reportOptionalMemberAccess]
        )

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

    def backoffice(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command against this stack."""
        environment = os.environ | {"BACKOFFICE_VAR": str(self.var), "BACKOFFICE_ROOT": str(self.root)}
        environment["PYTHONPATH"] = str(ROOT / "plugins")
        command = [sys.executable, "-m", "backoffice.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=check, timeout=120)

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

    def _superuser(self, database: str) -> str:
        postgres = self.stack._postgres
        url = make_url(postgres.url("postgres", postgres.password, driver="")).set(database=database)
        return url.set(drivername="postgresql").render_as_string(hide_password=False)

    @staticmethod
    def _wait(look, timeout: float, why=lambda: "it did not happen"):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if (found := look()) is not None:
                return found
            time.sleep(0.1)
        raise AssertionError(f"After {timeout:.0f} s: {why()}")


TOKENS = Tokens()
"""Of this run of the tests. Every list of people has one in it: what a test leaves of it behind, the test fails for."""


def people(count: int, *, surname: str = TOKENS.token("people of a test"), start: int = 0) -> bytes:
    """A contact list of persons that have nothing in common but how their surnames begin."""
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
