"""The whole stack, when other programs sit on its ports at its next start."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from backoffice.contract import project_ids
from backoffice.stack.ports import Ports
from backoffice.stack.stack import Stack
from tests.stack.test_stack_ports import occupy

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.stack
@pytest.mark.timeout(600)  # the stack starts twice
def test_ports_that_other_programs_took_are_chosen_anew_everywhere(tmp_path: Path) -> None:
    root, var = tmp_path / "root", tmp_path / "var"
    for name in ("sow", "expectations", "dags"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "plugins").mkdir()
    try:
        Stack(root, var).up()
        Stack(root, var).down()
        before = Ports(var / "run").known()
        with ExitStack() as others:
            for name in ("airflow", "seaweedfs-s3", "seaweedfs-master"):
                others.enter_context(occupy(before[name]))
            stack = Stack(root, var)
            stack.up()  # ends well only once intake has looked: ledger, store and Airflow have found each other
            after = Ports(var / "run").known()
            changed = {name for name, port in after.items() if before[name] != port}
            assert changed == {"airflow", "seaweedfs-s3", "seaweedfs-master"}
            assert stack.airflow_url.endswith(f":{after['airflow']}")
            assert b"healthy" in stack.ask_airflow("/api/v2/monitor/health", timeout=10)
            settings = (var / "backoffice.env").read_text()
            assert f":{after['seaweedfs-s3']}\n" in settings
            for project in project_ids(root):
                kit = json.loads((var / "kits" / project / "kit.json").read_text())
                assert kit["endpoint"].endswith(f":{after['seaweedfs-s3']}")
    finally:
        Stack(root, var).down()
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if os.fsencode(var) in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
