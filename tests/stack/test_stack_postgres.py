from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from backoffice.errors import StackError
from backoffice.stack import postgres


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
