from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from backoffice.errors import StackError
from backoffice.stack import postgres
from backoffice.stack.process import Part, Process


def test_a_cluster_whose_making_was_killed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """initdb writes PG_VERSION early: what was broken off looks like a cluster, and never starts."""
    data = tmp_path / "postgres"
    run = subprocess.run

    def killed_on_the_way(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
        if "initdb" not in " ".join(command):
            return run(command, **how)  # pyright: ignore[reportCallIssue, reportArgumentType]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        while not list(tmp_path.glob("*/PG_VERSION")) + list(tmp_path.glob(".*/PG_VERSION")):
            time.sleep(0.001)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return subprocess.CompletedProcess(command, -signal.SIGKILL, "", "killed")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", killed_on_the_way)
        with pytest.raises(StackError):
            postgres.initialise(data, "secret")
    assert not (data / "global" / "pg_control").exists()
    postgres.initialise(data, "secret")
    assert (data / "global" / "pg_control").stat().st_size > 0
    made = (data / "PG_VERSION").stat().st_mtime_ns
    postgres.initialise(data, "secret")
    assert (data / "PG_VERSION").stat().st_mtime_ns == made, "made once"
    assert not [path for path in tmp_path.iterdir() if path != data]
    shutil.rmtree(data)


def test_a_password_is_never_in_a_statement(tmp_path: Path) -> None:
    """The server is made to log every statement, as an operator may who looks for a fault."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    postgres.initialise(tmp_path / "data", "secret")
    command = (*postgres.command(tmp_path / "data", port), "-c", "log_statement=all")
    process = Process(Part(name="postgres", command=command, cwd=tmp_path, log=tmp_path / "log"), run=tmp_path / "run")
    process.start()
    try:
        process.wait_ready(lambda: postgres.ready(port, "secret"), timeout=60)
        for password in ("first-password", "second-password"):
            postgres.create_databases(port, "secret", dict.fromkeys(postgres.DATABASES, password))
            psycopg.connect(f"postgresql://ledger:{password}@127.0.0.1:{port}/ledger").close()
    finally:
        process.stop()
    said = (tmp_path / "log").read_text()
    assert "CREATE ROLE" in said
    assert "ALTER ROLE" in said
    assert "-password" not in said
