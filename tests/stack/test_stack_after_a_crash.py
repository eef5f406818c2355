"""A machine that lost its power: what was known of the parts is of processes that are gone."""

from __future__ import annotations

import json
from pathlib import Path

from backoffice.stack.stack import Stack

ROOT = Path(__file__).resolve().parents[2]


def test_a_scheduler_that_went_with_the_machine_does_not_keep_the_stack_down(tmp_path: Path):
    stack = Stack(ROOT, tmp_path / "var")
    gone = {"pid": 4711, "started": 1, "boot": "another", "mark": "m", "command": ["airflow", "scheduler"]}
    stack.run.mkdir(parents=True)
    (stack.run / "scheduler.json").write_text(json.dumps(gone))
    assert stack.api_answers() is False  # not yet; and it is no reason to give up
