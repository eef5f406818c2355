"""Where memory could reach a disk in the clear, nothing is started: swap, and pictures of crashed processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from backoffice.errors import StackError
from backoffice.stack import host
from backoffice.stack.process import Part, Process
from backoffice.stack.stack import Stack

HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def machine(
    place: Path, swaps: str, devices: dict[str, dict[str, str]], *, slaves: dict[str, list[str]] | None = None
) -> list[str]:
    """Swap areas in the clear on a machine with these areas and block devices."""
    (place / "swaps").write_text(HEAD + swaps)
    for name, files in devices.items():
        folder = place / "sys" / "devices" / name
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text + "\n")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "slaves").mkdir()
        for slave in (slaves or {}).get(name, []):
            (folder / "slaves" / slave).mkdir()
        link = place / "sys" / "class" / "block" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder)
    return host.swap_in_the_clear(place / "swaps", place / "sys")


def area(name: str, kind: str = "partition") -> str:
    return f"{name} {kind}\t1000\t0\t-2\n"


def test_no_swap_is_fine(tmp_path: Path):
    assert machine(tmp_path, "", {}) == []
    assert host.swap_in_the_clear(tmp_path / "no such file", tmp_path) == []


def test_a_plain_partition_and_what_is_unknown_are_not(tmp_path: Path):
    assert machine(tmp_path, area("/dev/sda2") + area("/dev/nowhere"), {"sda2": {}}) == ["/dev/sda2", "/dev/nowhere"]


def test_dm_crypt_is_seen_also_below_a_logical_volume(tmp_path: Path):
    devices = {
        "dm-0": {"dm/uuid": "CRYPT-PLAIN-swap"},
        "dm-1": {"dm/uuid": "LVM-x"},
        "dm-2": {"dm/uuid": "LVM-y"},
        "sda2": {},
    }
    slaves = {"dm-1": ["dm-0"], "dm-2": ["dm-0", "sda2"]}
    areas = "".join(area(f"/dev/dm-{number}") for number in range(3))
    assert machine(tmp_path, areas, devices, slaves=slaves) == ["/dev/dm-2"]


def test_compressed_memory_is_fine_until_a_disk_is_behind_it(tmp_path: Path):
    devices = {"zram0": {"backing_dev": "none"}, "zram1": {"backing_dev": "/dev/sda3"}, "zram2": {}}
    areas = "".join(area(f"/dev/zram{number}") for number in range(3))
    assert machine(tmp_path, areas, devices) == ["/dev/zram1"]


def test_a_swap_file_is_as_safe_as_the_disk_below(tmp_path: Path):
    file = tmp_path / "swap file"
    file.write_bytes(b"")
    number = file.stat().st_dev
    block = tmp_path / "sys" / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    block.parent.mkdir(parents=True)
    areas = area(str(file).replace(" ", "\\040"), "file")
    assert machine(tmp_path, areas, {"dm-0": {"dm/uuid": "CRYPT-LUKS2-x"}}) != []
    block.symlink_to(tmp_path / "sys" / "devices" / "dm-0")
    assert host.swap_in_the_clear(tmp_path / "swaps", tmp_path / "sys") == []


def test_the_stack_does_not_start_until_somebody_says_that_swap_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(host, "swap_in_the_clear", lambda: ["/dev/sda2"])
    monkeypatch.delenv("BACKOFFICE_HOST_ENCRYPTS_SWAP", raising=False)
    with pytest.raises(StackError, match="/dev/sda2") as raised:
        Stack(tmp_path, tmp_path / "var").up()
    assert "swapoff" in str(raised.value.hint)
    assert not (tmp_path / "var" / "postgres").exists()
    monkeypatch.setenv("BACKOFFICE_HOST_ENCRYPTS_SWAP", "1")
    host.refuse_swap()


def test_a_part_that_crashes_leaves_no_picture_of_its_memory(tmp_path: Path):
    """Whatever the system does with them: a limit of one byte ends a dump to a file, and to a program as well (core(5))."""
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    process = Process(Part(name="sleeper", command=command, cwd=tmp_path, log=tmp_path / "log"), run=tmp_path / "run")
    pid = process.start()
    try:
        assert max(resource.prlimit(pid, resource.RLIMIT_CORE)) <= 1
    finally:
        process.stop()


def test_a_task_or_child_that_crashes_leaves_none_either():
    script = (
        "import os, resource, signal, sys; sys.path.insert(0, 'plugins'); from backoffice.child import undumpable\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)\n"
        "undumpable(); os.kill(os.getpid(), signal.SIGSEGV)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    _, status = os.waitpid(child.pid, 0)
    child.returncode = 0
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
