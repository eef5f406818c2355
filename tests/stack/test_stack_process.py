from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backoffice.errors import StackError
from backoffice.stack.process import Part, Process, write_private

FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"])
away = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def process(*code: str, name: str = "part", stop_signal: signal.Signals = signal.SIGTERM, **env: str) -> Process:
        part = Part(
            name=name,
            command=(sys.executable, "-c", *code),
            cwd=tmp_path / "work",
            log=tmp_path / "log" / f"{name}.log",
            environment=env,
            stop_signal=stop_signal,
        )
        made.append(Process(part, run=tmp_path / "run"))
        return made[-1]

    yield process
    for one in made:
        one.stop(grace=0)


def test_a_part_runs_until_it_is_stopped(make: Callable[..., Process]) -> None:
    process = make("import time; time.sleep(600)")
    assert not process.running()
    pid = process.start()
    assert process.running() and process.pid == pid and process.members() == (pid,)
    assert process.start() == pid, "a second start makes no second process"
    process.stop(grace=5)
    assert not process.running() and not process.members() and not alive(pid)
    process.stop()


def test_a_part_that_is_restarted_is_a_new_process(make: Callable[..., Process]) -> None:
    process = make("import time; time.sleep(600)")
    before = process.start()
    assert process.restart(grace=5) == process.pid != before
    assert process.running() and not alive(before)


def test_a_restart_that_is_broken_off_leaves_a_part_that_has_died(
    make: Callable[..., Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = make("import time; time.sleep(600)")
    process.start()
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Process, "start", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        process.restart(grace=5)
    assert process.state.exists() and not process.running(), "what the keeper looks for"
    process.start()
    assert process.running()


def test_another_command_finds_the_same_part(make: Callable[..., Process]) -> None:
    pid = make("import time; time.sleep(600)").start()
    again = make("import time; time.sleep(600)")
    assert again.pid == pid
    again.stop(grace=5)
    assert not alive(pid)


def test_a_part_outlives_the_command_that_started_it(tmp_path: Path, make: Callable[..., Process]) -> None:
    code = (
        "import sys; from pathlib import Path; from backoffice.stack.process import *\n"
        f"p = Path({str(tmp_path)!r})\n"
        "part = Part(name='part', command=(sys.executable, '-c', 'import time; time.sleep(600)'), cwd=p, log=p / 'l')\n"
        "Process(part, run=p / 'run').start()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    process = make("")
    assert process.running()
    process.stop(grace=5)
    assert not process.members()


def test_nothing_of_a_family_is_left_after_a_stop(make: Callable[..., Process]) -> None:
    process = make(FAMILY)
    process.start()
    wait_until(lambda: len(process.members()) == 3)
    family = process.members()
    begun = time.monotonic()
    process.stop(grace=1)
    assert not any(alive(pid) for pid in family)
    assert time.monotonic() - begun < 20


def test_orphans_are_found_after_the_first_process_was_killed(make: Callable[..., Process]) -> None:
    process = make(FAMILY)
    pid = process.start()
    wait_until(lambda: len(process.members()) == 3)
    orphans = set(process.members()) - {pid}
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not process.running())
    assert set(process.members()) == orphans
    new = process.start()
    assert not any(alive(orphan) for orphan in orphans), "a new start first ends what the old one left"
    assert process.running() and new != pid


def test_a_killed_part_is_not_running_even_while_nobody_has_reaped_it(make: Callable[..., Process]) -> None:
    process = make("import time; time.sleep(600)")
    os.kill(process.start(), signal.SIGKILL)
    wait_until(lambda: not process.running(), seconds=2)


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another boot"}])
def test_a_process_id_given_to_another_program_is_not_ours(
    make: Callable[..., Process], change: dict[str, object]
) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        process = make("import time; time.sleep(600)")
        process.start()
        process.stop(grace=2)
        record = {
            "pid": stranger.pid,
            "started": int(Path(f"/proc/{stranger.pid}/stat").read_text().rpartition(")")[2].split()[19]),
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "mark": "none of its",
            "command": [],
        }
        write_private(process.state, json.dumps({**record, **change}))
        assert not process.running() and not process.members()
        process.stop(grace=1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "\0"])
def test_a_damaged_state_file_means_not_running(make: Callable[..., Process], content: str) -> None:
    process = make("import time; time.sleep(600)")
    process.state.parent.mkdir(parents=True)
    process.state.write_text(content)
    assert not process.running()
    process.stop()
    process.start()
    assert process.running()


def test_a_part_gets_a_clean_environment_and_private_files(
    make: Callable[..., Process], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the caller's own")
    process = make(
        "import os; print(sorted(os.environ), flush=True); open('made', 'w'); import time; time.sleep(600)", GIVEN="1"
    )
    process.start()
    wait_until(lambda: (tmp_path / "work" / "made").exists())
    words = (tmp_path / "log" / "part.log").read_text()
    assert "'GIVEN'" in words and "'PATH'" in words and "AWS_SECRET_ACCESS_KEY" not in words
    for path in (tmp_path / "log" / "part.log", tmp_path / "work" / "made"):
        assert path.stat().st_mode & 0o077 == 0


def test_waiting_ends_at_once_when_the_part_dies_and_tells_its_last_words(make: Callable[..., Process]) -> None:
    process = make("import sys; print('no space left on device'); sys.exit(3)")
    process.start()
    begun = time.monotonic()
    with pytest.raises(StackError, match="no space left on device"):
        process.wait_ready(lambda: False, timeout=60)
    assert time.monotonic() - begun < 30


def test_waiting_gives_up_in_time_and_a_failing_probe_is_not_an_error(make: Callable[..., Process]) -> None:
    process = make("import time; time.sleep(600)")
    process.start()

    def probe() -> bool:
        raise ConnectionRefusedError

    with pytest.raises(StackError, match=r"did not answer within 0\.3 seconds"):
        process.wait_ready(probe, timeout=0.3)
    assert process.wait_ready(lambda: True, timeout=1) < 1


def test_a_program_that_is_not_there_is_a_plain_error(tmp_path: Path) -> None:
    part = Part(name="ghost", command=("/no/such/program",), cwd=tmp_path, log=tmp_path / "log")
    process = Process(part, run=tmp_path / "run")
    with pytest.raises(StackError, match="ghost cannot be started"):
        process.start()
    assert not process.running() and not process.state.exists()


def test_many_starters_at_once_make_one_process(tmp_path: Path, make: Callable[..., Process]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    processes = [make("import time; time.sleep(600)") for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda process: process.start(), processes))) == 1


def test_the_stop_signal_of_a_part_is_used(make: Callable[..., Process], tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (pathlib.Path('ended').touch(), sys.exit(0)))\n"
        "pathlib.Path('ready').touch()\n"
        "time.sleep(600)"
    )
    process = make(code, stop_signal=signal.SIGINT)
    process.start()
    wait_until(lambda: (tmp_path / "work" / "ready").exists())
    process.stop(grace=5)
    assert (tmp_path / "work" / "ended").exists()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
