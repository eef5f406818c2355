"""The object store's disk is full, for real: a small file system of its own, filled to the last byte."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from backoffice.delivery.stage import deliver
from backoffice.deployment import Deployment
from backoffice.errors import StorageError
from backoffice.intake.reconcile import Intake
from backoffice.ledger import JobState
from backoffice.quality.stage import check
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.transform.stage import prepare
from tests.canary.conftest import TOLD
from tests.canary.places import Ground
from tests.canary.search import Search
from tests.conftest_deployment import deploy, drop
from tests.system.house import TOKENS, people

MEGABYTES = 96


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The store's data folder on a file system of its own, of :data:`MEGABYTES`."""
    data = tmp_path / "var" / "seaweedfs" / "data"
    data.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "tmpfs", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a full disk cannot be shown here: mounting needs root ({mounted.stderr.strip()})")
    try:
        yield data
    finally:
        subprocess.run(["umount", str(data)], check=True)


@pytest.fixture
def server(disk: Path, tmp_path: Path) -> Iterator[SeaweedFS]:
    server = SeaweedFS(tmp_path / "var")
    server.up()
    try:
        yield server
    finally:
        server.down()


@pytest.fixture
def deployment(server: SeaweedFS, tmp_path: Path, postgres_server: str) -> Iterator[Deployment]:
    with deploy(tmp_path / "deployment", postgres_server, server, "acme") as made:
        yield made


@pytest.fixture
def search(server: SeaweedFS, deployment: Deployment, tmp_path: Path, postgres_server: str) -> Search:
    """Of that deployment, and of this process, which carries its stages out."""
    superuser = make_url(postgres_server.format("postgres")).set(drivername="postgresql")
    names = [make_url(url.get_secret_value()).database for url in (_urls(deployment))]
    dsn = {str(name): superuser.set(database=name).render_as_string(hide_password=False) for name in names}
    cluster = Path(str(superuser.query["host"])).parent
    ground = Ground(
        folders=(tmp_path, cluster),
        leave_out=(),
        databases=lambda: dsn,
        pids=lambda: [os.getpid(), *server.members()],
        mark=lambda: {"BACKOFFICE_PART_MARK": server._process()._record().mark},  # pyright: ignore[reportOptionalMemberAccess]
    )
    return Search(ground, TOKENS)


def _urls(deployment: Deployment) -> list[SecretStr]:
    have = deployment.settings
    return [url for url in (have.ledger_url, have.keystore_url) if url is not None]


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """No byte is free, until the end of the block."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert os.statvfs(disk).f_bavail == 0
    try:
        yield
    finally:
        ballast.unlink()


def until_done(stage: Callable[[Deployment, UUID], None], deployment: Deployment, job: UUID) -> None:
    """Try again as Airflow does, for at most two minutes: the store looks at its disk once a minute."""
    end = time.monotonic() + 120
    while True:
        try:
            stage(deployment, job)
            return
        except StorageError:
            if time.monotonic() > end:
                raise
        time.sleep(2)


def test_a_full_disk_loses_nothing_and_the_job_goes_on_when_there_is_room(
    disk: Path, deployment: Deployment, search: Search
):
    token = TOKENS.token("full disk: cells")
    content = people(50_000, surname=token)  # its intermediate is larger than any space kept in reserve
    drop(deployment, "acme_contacts", content)
    intake = Intake(deployment, lambda *_: True)
    intake.look()
    (job,) = deployment.ledger.jobs()
    with full(disk):
        with pytest.raises(StorageError) as refused:
            drop(deployment, "acme_contacts", content)
        with pytest.raises(StorageError) as stuck:
            prepare(deployment, job.id)
        search.must_find_nothing()
        assert deployment.ledger.job(job.id).state is JobState.CLAIMED, "not rejected: it is not the client's fault"
    for error in (refused.value, stuck.value):
        assert str(error).startswith("The store ")
        assert error.__context__ is None
        assert token not in "".join(traceback.format_exception(error)).lower()
    until_done(prepare, deployment, job.id)
    check(deployment, job.id)
    until_done(deliver, deployment, job.id)
    assert len(list(deployment.store_manager.versions(job.bucket, f"out/{job.id}/"))) == 2  # its report too
    intake.look()
    assert [found.state for found in deployment.ledger.jobs()] == [JobState.DELIVERED], "what was refused is no drop"
    TOLD.append(search.must_find_nothing().table("searched during and after a full disk"))
