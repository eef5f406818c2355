"""The job of a list of contacts, from the encrypted drop to the encrypted result, with its checks, in one process.

Each stage does what its task does in production, with the same functions; only store and ledger are left out. CPU seconds
hold the child that decrypts. The peak is what the process and its children hold in memory at once, files in memory too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contacts import write_contacts

__all__ = ["measure"]

ROWS = 1_000_000
HERE = Path(__file__).parent
SOW = HERE / "sow" / "shop" / "contacts.yaml"
SUITE = HERE / "expectations" / "shop" / "contacts.json"


def measure() -> None:
    """Measure ``BENCH_ROWS`` rows (a million unless said)."""
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    with TemporaryDirectory() as folder:
        source = Path(folder, "contacts.csv")
        write_contacts(source, rows)
        size = source.stat().st_size
        command = [sys.executable, "-m", "bench.engine", str(source), folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child, _watched(child.pid) as peak:
            said, _ = child.communicate()
        stages: dict[str, list[float]] = json.loads(said)
        print(f"{rows:,} rows, {size / 1e6:.0f} MB\n\n| stage | CPU s | wall s |\n|---|---|---|")
        for name, (cpu, wall) in stages.items():
            print(f"| {name} | {cpu:.1f} | {wall:.1f} |")
        cpu, wall = (sum(one[which] for one in stages.values()) for which in (0, 1))
        print(f"| **all** | **{cpu:.1f}** | **{wall:.1f}** |\n\nPeak memory: {peak[0] / 1e6:,.0f} MB.")


def run(source: Path, folder: Path) -> dict[str, tuple[float, float]]:
    """Do the job; CPU and wall seconds of each stage."""
    from backoffice.contract import load_sow
    from backoffice.delivery.writing import write
    from backoffice.duck import session
    from backoffice.quality import check, preload
    from backoffice.transform import Engine
    from backoffice.vault.memory import memory
    from backoffice.vault.openpgp import encrypt, generate, open_message
    from backoffice.vault.parquet import read_encrypted, write_encrypted

    client, company, project = (generate(name) for name in ("client", "company", "project"))
    drop, key = folder / "drop.pgp", os.urandom(32)
    encrypt(source, drop, recipients=[project.certificate], signer=client.secret)
    source.unlink()
    sow = load_sow(SOW)
    preload()
    stages: dict[str, tuple[float, float]] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        before = _cpu(), time.monotonic()
        yield
        stages[name] = (_cpu() - before[0], time.monotonic() - before[1])

    with timed("decrypt, verify"):
        plain = open_message(drop, secret=project.secret, signers=[client.certificate], limit_bytes=1 << 36)
    with Engine() as engine:
        with timed("read"), plain:
            engine.load(sow, plain)
        with timed("clean, deduplicate"):
            engine.run(sow)
        with timed("write encrypted intermediate"):
            sealed = write_encrypted(engine.connection, "result", key)
    with (
        sealed,
        session(memory_limit="600MB", threads=2) as connection,
        read_encrypted(connection, sealed, key, "result"),
    ):
        with timed("check, 15 expectations"):
            assert check(connection, "result", SUITE).passed
        with memory("plain") as written, memory("sealed") as result:
            with timed("write"):
                write(connection, sow.output, written.path)
            with timed("encrypt, sign"):
                encrypt(written.path, result.path, recipients=[client.certificate], signer=company.secret)
    return stages


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """The most that a process and its children hold in memory, looked at twenty times a second."""
    import psutil

    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            held = 0
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                for one in (process, *process.children(recursive=True)):
                    with suppress(psutil.Error, OSError):
                        held += one.memory_full_info().uss + _files_in_memory(one.pid)
            peak[0] = max(peak[0], held)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def _files_in_memory(pid: int) -> int:
    """Bytes in files that exist in memory only; one that two processes have open is counted with the parent's."""
    seen: dict[int, int] = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if str(link.readlink()).startswith("/memfd:"):
                found = link.stat()
                seen[found.st_ino] = found.st_blocks * 512
    return sum(seen.values())


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]))))
