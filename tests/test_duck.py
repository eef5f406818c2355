"""Where a connection spills: the place and the limit that the deployment names, and nothing left there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from backoffice import duck
from backoffice.duck import session
from tests.files import contents

MANY = "CREATE TABLE many AS SELECT i, repeat('qzxcanary ' || i, 9) AS text FROM range({}) AS r(i)"


@pytest.fixture(autouse=True)
def spill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BACKOFFICE_SPILL", str(tmp_path))
    return tmp_path


def written(folder: Path) -> list[bytes]:
    return [content for _, content in contents(folder)]


def test_it_spills_where_the_deployment_says_encrypted_and_leaves_nothing(spill: Path) -> None:
    with session(memory_limit="40MB", threads=1) as connection:
        connection.execute(MANY.format(1_000_000))
        found = written(spill)
        assert sum(map(len, found)) > 1_000_000
        assert not any(b"qzxcanary" in content for content in found)
    assert list(spill.iterdir()) == []


def test_it_fills_no_more_than_the_deployment_allows(spill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    monkeypatch.setenv("BACKOFFICE_SPILL_LIMIT", "10MB")
    with session(memory_limit="40MB", threads=1) as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute(MANY.format(3_000_000))
    assert list(spill.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_is_in_use_stays(spill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duck, "_SECONDS_TO_LOCK", 0)
    code = f"""
        import time
        from backoffice.duck import session
        with session(memory_limit="40MB", threads=1) as connection:
            connection.execute({MANY.format(1_000_000)!r})
            print("spilled", flush=True)
            time.sleep(60)
    """
    environment = os.environ | {"PYTHONPATH": str(Path(duck.__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"spilled\n"
            with session(memory_limit="40MB", threads=1):
                pass
            assert written(spill), "it was in use"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert written(spill)
    time.sleep(0.1)
    with session(memory_limit="40MB", threads=1):
        assert len(list(spill.iterdir())) == 1, "its own alone"
    assert list(spill.iterdir()) == []
