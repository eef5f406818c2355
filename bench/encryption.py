"""What encryption costs: the contact job with and without it, and opening messages beside GnuPG and Sequoia.

The job is :mod:`bench.engine`'s. "Without" substitutes here, in the processes of the bench, and nowhere in the product: the
list lies in the clear, so do the Parquet between the tasks and the result; every digest, check and copy stays. What DuckDB
spills is encrypted either way.

Messages are as clients send them. Ours opens them in its confined child, into memory or onto disk, encrypted, and has
judged the signature before anybody reads a byte; the others write what they decrypt into a pipe, which is read and
forgotten, and say at the end whether it was to be believed. CPU seconds hold all processes of each, but not who reads that
pipe.

``BENCH_ROWS``: rows of the job, a million unless said. ``BENCH_MEGABYTES``: sizes of the messages, ``200 2000`` unless said.
"""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PosixPath
from tempfile import TemporaryDirectory
from typing import Any

from bench import engine
from bench.contacts import write_contacts
from bench.habit import gpg
from bench.reading import timed

__all__ = ["measure"]

RUNS = 3
_LAYOUTS = {
    "contacts, as GnuPG compresses them": ("contacts", []),
    "noise, not compressed": ("noise", ["-z", "0"]),
    "noise, not compressed or signed": ("noise", ["-z", "0"]),
}


def measure() -> None:
    """Measure, and print tables."""
    with TemporaryDirectory() as name:
        _job(Path(name))
    print()
    sizes = [int(one) for one in os.environ.get("BENCH_MEGABYTES", "200 2000").split()]
    with TemporaryDirectory() as name, _gpg_home() as home:
        _messages(Path(name), home, sizes)


# ---------------------------------------------------------------------- the job, with and without


def _job(folder: Path) -> None:
    rows = int(os.environ.get("BENCH_ROWS", engine.ROWS))
    source = folder / "contacts.csv"
    write_contacts(source, rows)
    engine._drop(source, folder)
    print(f"{rows:,} contacts, median of {RUNS}\n\n| | CPU s | wall s |\n|---|---|---|")
    runs: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
    for _ in range(RUNS):
        for how, taken in runs.items():  # in turns: the machine is as busy for the one as for the other
            taken.append(_one_job(how, folder))
    medians = {how: [statistics.median(one[i] for one in taken) for i in (0, 1)] for how, taken in runs.items()}
    for how, (cpu, wall) in medians.items():
        print(f"| {how} encryption | {cpu:.1f} | {wall:.1f} |")
    cpu, wall = (medians["with"][i] / medians["without"][i] for i in (0, 1))
    print(f"| **ratio** (goal: 1.25) | {cpu:.2f} | {wall:.2f} |", flush=True)


def _one_job(how: str, folder: Path) -> tuple[float, float]:
    (folder / "parts.json").unlink(missing_ok=True)
    for task in engine.TASKS:
        subprocess.run([sys.executable, "-m", "bench.encryption", how, task, str(folder)], check=True)
    parts: dict[str, list[float]] = json.loads((folder / "parts.json").read_text())
    return sum(cpu for cpu, _ in parts.values()), sum(wall for _, wall in parts.values())


def _without(task: str, folder: Path) -> None:
    """One task of the job, encryption taken away."""
    import pyarrow.parquet.encryption as parquet

    import backoffice.vault.openpgp as openpgp
    import backoffice.vault.sealer as sealer
    from backoffice.vault.memory import Unnamed

    class PlainSource(PosixPath):
        """A file in the clear, where an opened message is expected."""

        def __enter__(self) -> PlainSource:
            return self

        def __exit__(self, *what: object) -> None: ...

    class PlainTarget(io.BufferedWriter):
        """The same where a result is sealed."""

        def __init__(self, **parties: Any) -> None:
            del parties
            super().__init__(Unnamed("plain"))

        def sealed(self) -> Unnamed:
            self.flush()
            found = self.raw
            assert isinstance(found, Unnamed)
            found.seek(0)
            return found

    def nothing(*arguments: Any, **named: Any) -> None:
        """Parquet without properties is in the clear."""

    def opened(drop: Path, **how: Any) -> PlainSource:
        del how
        return PlainSource(drop.with_name("contacts.csv"))

    parquet.create_encryption_properties = nothing
    parquet.create_decryption_properties = nothing
    openpgp.open_message = opened  # type: ignore[assignment]
    sealer.Sealer = PlainTarget  # type: ignore[assignment]
    engine.main(task, folder)


# ---------------------------------------------------------------------- messages


def _messages(folder: Path, home: str, sizes: list[int]) -> None:
    from backoffice.vault.openpgp import encrypt, generate

    keys = {name: generate(name) for name in ("project", "client")}
    (folder / "keys.json").write_text(json.dumps({n: [k.secret.hex(), k.certificate] for n, k in keys.items()}))
    for name, key in keys.items():
        (folder / name).write_bytes(key.secret)
        (folder / f"{name}.asc").write_text(key.certificate)
        gpg(home, "--import", str(folder / name))
    print("| MB | message | ours: CPU s | wall s | MB/s | child, peak MB | all, peak MB ", end="")
    print("| gpg: CPU s | wall s | CPU ratio | wall ratio | sq: CPU s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for megabytes in sizes:
        for what, (kind, options) in _LAYOUTS.items():
            signed = [] if "or signed" in what else ["--sign", "--local-user", "client"]
            drop = folder / "drop"
            _fed(
                kind, megabytes, [*_gpg_command(home), *signed, *options, "--encrypt", "-r", "project", "-o", str(drop)]
            )
            _compared(folder, drop, home, megabytes, what, signed=bool(signed))
        plain = folder / "noise"
        with plain.open("wb") as file:
            _fed("noise", megabytes, ["cat"], stdout=file)
        encrypt(plain, folder / "drop", recipients=[keys["project"].certificate], signer=keys["client"].secret)
        plain.unlink()
        _compared(folder, folder / "drop", None, megabytes, "noise, from the kit (AEAD)", signed=True)


def _compared(folder: Path, drop: Path, home: str | None, megabytes: int, what: str, *, signed: bool) -> None:
    child, whole = [0.0], [0.0]
    ours, theirs, sequoias = [], [], []
    ours_command = [sys.executable, "-m", "bench.encryption", "open", str(folder), "signed" if signed else "unsigned"]
    sq = ["sq", "decrypt", "--recipient-key", str(folder / "project")]  # of version 0, which Debian has
    sq += ["--signer-cert", str(folder / "client.asc")] if signed else ["--signatures", "0"]
    for _ in range(RUNS if megabytes < 1000 else 1):
        ours.append(_ours(ours_command, child, whole))
        if home is not None:
            theirs.append(_into_a_pipe([*_gpg_command(home), "--decrypt", str(drop)]))
        if home is not None and shutil.which("sq"):
            sequoias.append(_into_a_pipe([*sq, str(drop)]))
    cpu, wall = _median(ours)
    line = (
        f"| {megabytes} | {what} | {cpu:.2f} | {wall:.2f} | {megabytes / wall:.0f} | {child[0]:.0f} | {whole[0]:.0f} "
    )
    if theirs:
        other = _median(theirs)
        line += f"| {other[0]:.2f} | {other[1]:.2f} | {cpu / other[0]:.2f} | {wall / other[1]:.2f} "
    else:
        line += "| | | | "
    print(f"{line}| {f'{_median(sequoias)[0]:.2f}' if sequoias else ''} |", flush=True)


def _median(taken: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one[0] for one in taken), statistics.median(one[1] for one in taken)


def _ours(command: list[str], child: list[float], whole: list[float]) -> tuple[float, float]:
    """CPU and wall seconds as the opening process tells them; the peaks are kept."""
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
        engine.watched(process.pid) as peak,
        _children(process.pid) as largest,
    ):
        said, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"opening ended with {process.returncode}")
    child[0], whole[0] = max(child[0], largest[0] / 1e6), max(whole[0], peak[0] / 1e6)
    cpu, wall = said.split()
    return float(cpu), float(wall)


def _open(folder: Path, signed: str) -> None:
    """Open the drop; one that nobody signed is rejected at the end, as it must be."""
    from backoffice.errors import DropRejected
    from backoffice.vault.openpgp import open_message

    keys = json.loads((folder / "keys.json").read_text())

    def opened() -> None:
        wanted = {"secret": bytes.fromhex(keys["project"][0]), "signers": [keys["client"][1]], "limit_bytes": 1 << 40}
        with suppress(DropRejected) if signed == "unsigned" else _nothing(), open_message(folder / "drop", **wanted):
            pass

    print(*timed(opened))


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _into_a_pipe(command: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of a program whose output is read and forgotten."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as process:
        assert process.stdout is not None
        room = bytearray(1 << 20)
        while process.stdout.readinto(room):  # type: ignore[attr-defined]
            pass
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - start


@contextmanager
def _children(pid: int) -> Iterator[list[int]]:
    """The most that one of a process' children ever held in its own memory, as the kernel keeps it (VmHWM), in bytes."""
    import psutil

    peak, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            with suppress(psutil.Error):
                for one in psutil.Process(pid).children(recursive=True):
                    with suppress(OSError, StopIteration, psutil.Error):
                        lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
                        kilobytes = int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
                        peak[0] = max(peak[0], kilobytes << 10)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


# ---------------------------------------------------------------------- what is in them


def _fed(kind: str, megabytes: int, command: list[str], **named: Any) -> None:
    """Run a command with made content as its input: no plaintext lies on disk."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, **named) as process:
        assert process.stdin is not None
        for piece in _CONTENT[kind](megabytes):
            process.stdin.write(piece)
        process.stdin.close()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")


def _contacts(megabytes: int) -> Iterator[bytes]:
    """A list of contacts, 50 MB of it again and again: none of the formats looks back so far."""
    with TemporaryDirectory() as name:
        path = Path(name) / "contacts.csv"
        write_contacts(path, 450_000)
        text = path.read_bytes()
    left = megabytes * 1_000_000
    while left > 0:
        yield text[:left]
        left -= len(text)


def _noise(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield os.urandom(1_000_000)


_CONTENT: dict[str, Callable[[int], Iterator[bytes]]] = {"contacts": _contacts, "noise": _noise}


def _gpg_command(home: str) -> list[str]:
    fixed = [
        "--batch",
        "--yes",
        "--quiet",
        "--trust-model",
        "always",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    ]
    return ["gpg", "--homedir", home, *fixed]


@contextmanager
def _gpg_home() -> Iterator[str]:
    home = f"/tmp/bench-gpg-{os.getpid()}"  # short: its sockets' paths are
    Path(home).mkdir(mode=0o700)
    try:
        yield home
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    {
        "with": lambda: engine.main(sys.argv[2], Path(sys.argv[3])),
        "without": lambda: _without(sys.argv[2], Path(sys.argv[3])),
        "open": lambda: _open(Path(sys.argv[2]), sys.argv[3]),
    }[sys.argv[1]]()
