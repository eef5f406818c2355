"""The author's inner loop, cold: ``sow check`` and ``sow run``, each in a process of its own, nothing running."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.people import contacts

RUNS = 5
SOW = Path(__file__).resolve().parents[1] / "sow" / "acme" / "contacts.yaml"


def measure() -> None:
    with TemporaryDirectory() as folder:
        data = Path(folder, "contacts.csv")
        data.write_bytes(contacts(size=100_000, seed=1))
        commands = {
            "sow check": ["sow", "check", str(SOW)],
            "sow run, 1,000 rows": ["sow", "run", str(SOW), str(data), "--out", f"{folder}/out"],
            "sow run --check, 1,000 rows": ["sow", "run", str(SOW), str(data), "--out", f"{folder}/out", "--check"],
        }
        print("| command | median s | CPU s |\n|---|---|---|")
        for title, arguments in commands.items():
            walls, cpus = zip(*(_once(arguments) for _ in range(RUNS)), strict=True)
            print(f"| {title} | {statistics.median(walls):.2f} | {statistics.median(cpus):.2f} |")


def _once(arguments: list[str]) -> tuple[float, float]:
    before, start = _cpu(), time.monotonic()
    subprocess.run([sys.executable, "-m", "backoffice.cli", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start, _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
