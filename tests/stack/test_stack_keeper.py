"""Nobody keeps the keeper: what does not start, or a full disk, ends neither it nor its care for the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from backoffice.errors import StackError
from backoffice.stack import keeper
from backoffice.stack.process import Part, Process
from backoffice.stack.stack import Stack


def test_a_part_that_does_not_start_keeps_no_other_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stack = Stack(Path(__file__).parents[2], tmp_path / "var")
    (stack.var / "seaweedfs").mkdir(parents=True, mode=0o700)
    (stack.var / "seaweedfs" / "s3.json").write_text("[damaged")

    def sleeping(name: str) -> Process:
        part = Part(name=name, command=("sleep", "60"), cwd=stack.var, log=stack.var / "log" / name)
        return Process(part, run=stack.run)

    monkeypatch.setattr(stack, "_process", sleeping)
    stack.run.mkdir(mode=0o700)
    for name in ("seaweedfs", "triggerer"):
        (stack.run / f"{name}.json").write_text("{}")
    started: list[str] = []
    try:
        with pytest.raises(StackError, match="damaged"):
            started += stack.keep()
        assert sleeping("triggerer").running()
    finally:
        sleeping("triggerer").stop()


def test_a_full_disk_does_not_end_the_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    looks = iter([OSError(28, "No space left on device"), SystemExit()])

    def keep(_: Stack) -> list[str]:
        raise next(looks)

    monkeypatch.setattr(Stack, "keep", keep)
    monkeypatch.setattr(keeper, "_PAUSE_SECONDS", 0.0)
    with pytest.raises(SystemExit):
        keeper.main(tmp_path, tmp_path / "var")
    assert "could not look: OSError" in capsys.readouterr().out
