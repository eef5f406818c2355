from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from backoffice.errors import StackError
from backoffice.stack.postgres import ROLES, Postgres
from backoffice.stack.process import Part, Process
from tests.stack.test_stack_seaweedfs import listening


def test_a_cluster_whose_making_was_killed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """initdb writes PG_VERSION early: what was broken off looks like a cluster, and never starts."""
    found = Postgres(folder=tmp_path / "postgres", password="secret")
    data = found.data
    run = subprocess.run

    def killed_on_the_way(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        if "initdb" not in " ".join(command):
            return run(command, **how)  # pyright: ignore[reportCallIssue, reportArgumentType]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while not list(found.folder.glob("*/PG_VERSION")) + list(found.folder.glob(".*/PG_VERSION")):
            time.sleep(0.001)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return subprocess.CompletedProcess(command, -signal.SIGKILL, "", "killed")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", killed_on_the_way)
        with pytest.raises(StackError):
            found.initialise()
    assert not (data / "global" / "pg_control").exists()
    found.initialise()
    assert (data / "global" / "pg_control").stat().st_size > 0
    made = (data / "PG_VERSION").stat().st_mtime_ns
    found.initialise()
    assert (data / "PG_VERSION").stat().st_mtime_ns == made, "made once"
    assert not [path for path in found.folder.iterdir() if path not in (data, found.sockets)]
    shutil.rmtree(data)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Postgres, Process]]:
    """A server that logs every statement, as an operator may who looks for a fault; not started yet."""
    found = Postgres(folder=tmp_path / "postgres", password="secret")
    found.initialise()
    part = Part(
        name="postgres",
        command=(*found.command(), "-c", "log_statement=all"),
        cwd=tmp_path,
        log=tmp_path / "log",
        left_by_a_crash=found.left_by_a_crash,
    )
    process = Process(part, run=tmp_path / "run")
    yield found, process
    process.stop()


def start(server: Postgres, process: Process) -> None:
    process.start()
    process.wait_ready(server.ready, timeout=60)


def test_a_password_is_never_in_a_statement(server: tuple[Postgres, Process]) -> None:
    found, process = server
    start(found, process)
    for password in ("first-password", "second-password"):
        found.create_databases(dict.fromkeys(ROLES, password))
        psycopg.connect(address(found.url("ledger", password))).close()
    said = process.part.log.read_text()
    assert "CREATE ROLE" in said
    assert "ALTER ROLE" in said
    assert "-password" not in said


def test_it_is_on_no_port_and_its_socket_is_its_owners_alone(server: tuple[Postgres, Process]) -> None:
    found, process = server
    start(found, process)
    assert not listening(process.members())
    socket = found.sockets / ".s.PGSQL.5432"
    assert socket.is_socket()
    assert socket.stat().st_mode & 0o077 == found.sockets.stat().st_mode & 0o077 == 0


def test_a_role_reaches_its_own_database_alone(postgres_server: str) -> None:
    own = address(postgres_server.format("ledger"))
    psycopg.connect(own).close()
    for other in ("keystore", "airflow", "postgres"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(own.replace("/ledger?", f"/{other}?"))


def test_it_starts_again_after_a_crash_though_another_program_has_its_old_id(server: tuple[Postgres, Process]) -> None:
    """As after a power cut: the files name a process that lives, and is not PostgreSQL."""
    found, process = server
    start(found, process)
    for pid in process.members():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while process.members():
        time.sleep(0.02)
    mine = str(os.getppid())
    for path in found.left_by_a_crash[:2]:
        old, _, rest = path.read_text().partition("\n")
        assert old != mine
        path.write_text(f"{mine}\n{rest}")
    start(found, process)


def test_in_a_checkout_far_down_its_socket_lies_where_the_kernel_can_name_it(tmp_path: Path) -> None:
    deep = Postgres(folder=tmp_path / ("d" * 120) / "postgres", password="secret")
    deep.initialise()
    process = Process(Part(name="postgres", command=deep.command(), cwd=tmp_path, log=tmp_path / "log"), run=tmp_path)
    try:
        start(deep, process)
        assert not deep.sockets.is_relative_to(tmp_path)
        assert deep.sockets.stat().st_mode & 0o077 == 0
    finally:
        process.stop()
        shutil.rmtree(deep.sockets)


def address(url: str) -> str:
    return url.replace("+psycopg", "")
