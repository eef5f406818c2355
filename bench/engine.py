"""The job of a list of contacts, from the encrypted drop to the encrypted result, with its checks, and others at the same.

Each task is a process of its own, as in production, and does what its stage does, with the same functions; only store
and ledger are left out: files lie in a folder between them. The sum of all leaves out what a worker has behind it when
a task comes: starting Python, and importing what tasks need (``backoffice.orchestration.warm``). CPU seconds hold the
children that decrypt and encrypt. The peak is what a task and its children hold in memory at once, files in memory too.
Beside it in the same run: the job as a hand-written Polars script that neither checks nor encrypts
(:mod:`bench.peers`), and as it is done out of habit (:mod:`bench.habit`). What Polars leaves is compared with what the
job delivers, cell by cell.

``BENCH_ROWS``: how many rows; a million unless said. ``BENCH_PEERS``: which peers, ``polars habit`` unless said.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.contacts import COLUMNS, write_contacts

__all__ = ["measure", "watched"]

ROWS = 1_000_000
HERE = Path(__file__).parent
SOW = HERE / "sow" / "shop" / "contacts.yaml"
SUITE = HERE / "expectations" / "shop" / "contacts.json"
TASKS = ("prepare", "check", "deliver")

_WARM = (
    "duckdb",
    "pyarrow.dataset",
    "pyarrow.parquet.encryption",
    "backoffice.transform.engine",
    "backoffice.delivery.writing",
    "backoffice.vault.openpgp",
    "backoffice.vault.parquet",
)
"""Of what a worker has imported before it forks a task, what these tasks use; Great Expectations besides."""

_BY_HAND = "the same counts, one query by hand"
# What the 15 expectations count, as one would ask it by hand.
BY_HAND = """SELECT count(*), count(id), count(DISTINCT id), count(given_name), count(family_name),
    count_if(NOT length(given_name) BETWEEN 1 AND 60), count_if(NOT length(family_name) BETWEEN 1 AND 60),
    count_if(NOT regexp_matches(email, '^[a-z0-9._-]+@[a-z0-9.-]+$')), count_if(NOT regexp_matches(phone, '^[0-9]{7,15}$')),
    count_if(NOT regexp_matches(postcode, '^[0-9]{4,5}$')), count_if(country NOT IN ('AT', 'DE', 'FR', 'IT', 'SI')),
    count(country), count_if(NOT born BETWEEN DATE '1900-01-01' AND DATE '2020-12-31'),
    count_if(NOT since BETWEEN DATE '2000-01-01' AND DATE '2030-12-31'), count(email) FROM result"""


@dataclass(frozen=True)
class Ran:
    """What a process took."""

    cpu: float
    wall: float
    peak: float
    """MB."""


def measure() -> None:
    """Measure, and print a table."""
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    peers = os.environ.get("BENCH_PEERS", "polars habit").split()
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "contacts.csv"
        write_contacts(source, rows)
        print(
            f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB\n\n| | CPU s | wall s | peak MB |\n|---|---|---|---|"
        )
        _drop(source, folder)
        tasks = {task: _ran([sys.executable, "-m", "bench.engine", task, name]) for task in TASKS}
        _ran([sys.executable, "-m", "bench.engine", "by_hand", name])
        for task, ran in tasks.items():
            _line(task, ran)
        parts: dict[str, list[float]] = json.loads((folder / "parts.json").read_text())
        work = [one for name, one in parts.items() if name != _BY_HAND]
        whole = Ran(sum(one[0] for one in work), sum(one[1] for one in work), max(one.peak for one in tasks.values()))
        _line("**all, without the start of the processes**", whole)
        if "polars" in peers:
            _with_polars(source, folder, whole)
        if "habit" in peers and shutil.which("gpg"):
            _out_of_habit(source, folder, whole)
        print("\nWithin them:\n\n| part | CPU s | wall s |\n|---|---|---|")
        for part, (cpu, wall) in parts.items():
            print(f"| {part} | {cpu:.1f} | {wall:.1f} |")
        cpu, wall = (parts["15 expectations"][which] / parts[_BY_HAND][which] for which in (0, 1))
        print(f"\n15 expectations beside one query by hand (goal 1.5): CPU {cpu:.2f} times, wall {wall:.2f} times.")


def _line(what: str, ran: Ran) -> None:
    print(f"| {what} | {ran.cpu:.1f} | {ran.wall:.1f} | {ran.peak:,.0f} |", flush=True)


def _with_polars(source: Path, folder: Path, whole: Ran) -> None:
    from bench.peers import peer_python

    script = HERE / "peers" / "with_polars.py"
    ran = _ran([str(peer_python()), str(script), str(source), str(folder / "polars.csv")])
    _line("Polars by hand: cleans, dedupes, writes plain", ran)
    print(f"| ours beside it | {whole.cpu / ran.cpu:.2f} times | {whole.wall / ran.wall:.2f} times | |")
    print(f"| cells that differ | {_differing(folder / 'polars.csv', folder)} | | |", flush=True)
    (folder / "polars.csv").unlink()


def _out_of_habit(source: Path, folder: Path, whole: Ran) -> None:
    from bench.habit import gpg

    home = f"/tmp/bench-gpg-{os.getpid()}"  # short: its sockets' paths are
    Path(home).mkdir(mode=0o700)
    try:
        gpg(home, "--quick-gen-key", "shop@example.com", "default", "default")
        drop = str(folder / "habit.pgp")
        gpg(home, "--output", drop, "--sign", "--encrypt", "--recipient", "shop@example.com", str(source))
        ran = _ran([sys.executable, "-m", "bench.habit", drop, str(folder / "habit"), home], quiet=True)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
    _line("pandas, Great Expectations, gpg", ran)
    print(f"| it beside ours | {ran.cpu / whole.cpu:.1f} times | {ran.wall / whole.wall:.1f} times | |", flush=True)


def _differing(polars: Path, folder: Path) -> int:
    """Rows that are not the same, at the same place, in what the job delivers."""
    import duckdb

    from backoffice.vault.openpgp import open_message

    keys = json.loads((folder / "keys.json").read_text())
    signers, secret = [keys["company"]["certificate"]], bytes.fromhex(keys["client"]["secret"])
    plain = folder / "plain.csv"
    with (
        open_message(folder / "result.pgp", secret=secret, signers=signers, limit_bytes=1 << 40) as message,
        plain.open("wb") as file,
    ):
        for piece in message.pieces():
            file.write(piece)
    connection = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder)})
    try:
        connection.execute("SET enable_progress_bar = false")
        each = "SELECT row_number() OVER () AS n, * FROM read_csv('{}', header = true, all_varchar = true)"
        differs = " OR ".join(f"a.{name} IS DISTINCT FROM b.{name}" for name in COLUMNS)
        query = f"SELECT count(*) FROM ({each.format(plain)}) a FULL JOIN ({each.format(polars)}) b USING (n) WHERE {differs}"
        return int((connection.execute(query).fetchone() or (-1,))[0])
    finally:
        connection.close()
        plain.unlink()


# ---------------------------------------------------------------------- the tasks


def _drop(source: Path, folder: Path) -> None:
    """What the client sends, and everybody's keys."""
    from backoffice.vault.openpgp import encrypt, generate

    made = {name: generate(name) for name in ("client", "company", "project")}
    encrypt(source, folder / "drop.pgp", recipients=[made["project"].certificate], signer=made["client"].secret)
    keys: dict[str, Any] = {
        name: {"secret": one.secret.hex(), "certificate": one.certificate} for name, one in made.items()
    }
    (folder / "keys.json").write_text(json.dumps(keys | {"job": os.urandom(32).hex()}))


class _Task:
    """What a task finds in its folder."""

    def __init__(self, folder: Path) -> None:
        from backoffice.contract import load_sow

        self.folder, self.sow = folder, load_sow(SOW)
        self.keys = json.loads((folder / "keys.json").read_text())
        self.key = bytes.fromhex(self.keys["job"])
        self.parts: dict[str, tuple[float, float]] = {}

    def certificate(self, name: str) -> str:
        return self.keys[name]["certificate"]

    def secret(self, name: str) -> bytes:
        return bytes.fromhex(self.keys[name]["secret"])

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        before = _cpu(), time.monotonic()
        yield
        self.parts[part] = (_cpu() - before[0], time.monotonic() - before[1])

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """As ``work.open_tables``."""
        from backoffice.duck import session
        from backoffice.settings import Settings
        from backoffice.vault.memory import Unnamed
        from backoffice.vault.parquet import read_encrypted

        threads = Settings.model_fields["engine_threads"].default
        with Unnamed("work") as file:
            with (self.folder / "result.parquet").open("rb") as source:
                shutil.copyfileobj(source, file)
            memory = Settings.model_fields["engine_memory"].default
            with session(memory_limit=memory, threads=threads) as connection:
                sha256 = (self.folder / "sha256").read_text()
                with read_encrypted(connection, file, self.key, "result", sha256=sha256):
                    yield connection


def prepare(task: _Task) -> None:
    """As ``transform.stage``."""
    from backoffice.transform import Engine
    from backoffice.vault.openpgp import open_message
    from backoffice.vault.parquet import write_encrypted

    secret, signers = task.secret("project"), [task.certificate("client")]
    with task.timed("decrypt, verify"):
        plain = open_message(task.folder / "drop.pgp", secret=secret, signers=signers, limit_bytes=1 << 40)
    with plain, Engine() as engine:
        with task.timed("read, clean, deduplicate"):
            engine.process(task.sow, plain)
        with task.timed("encrypted intermediate"), write_encrypted(engine.connection, "result", task.key) as sealed:
            (task.folder / "sha256").write_text(sealed.sha256)
            with (task.folder / "result.parquet").open("wb") as kept:
                shutil.copyfileobj(sealed, kept, 1 << 20)


def check(task: _Task) -> None:
    """As ``quality.stage``."""
    from backoffice.quality import check, preload

    preload()
    with task.opened() as connection, task.timed("15 expectations"):
        assert check(connection, "result", SUITE).passed


def by_hand(task: _Task) -> None:
    """The query that the expectations are held against."""
    with task.opened() as connection, task.timed(_BY_HAND):
        connection.execute(BY_HAND).fetchall()


def deliver(task: _Task) -> None:
    """As ``delivery.stage``."""
    from backoffice.delivery.writing import write_into
    from backoffice.vault.sealer import Sealer

    with (
        task.timed("write, encrypt, sign"),
        Sealer(recipients=[task.certificate("client")], signer=task.secret("company")) as sealer,
    ):
        with task.opened() as connection:
            write_into(connection, task.sow.output, sealer)
        with sealer.sealed() as sealed, (task.folder / "result.pgp").open("wb") as kept:
            shutil.copyfileobj(sealed, kept, 1 << 20)


def main(name: str, folder: Path) -> None:
    """One task; its parts are added to ``parts.json``."""
    for module in _WARM:
        importlib.import_module(module)
    task = _Task(folder)
    {"prepare": prepare, "check": check, "by_hand": by_hand, "deliver": deliver}[name](task)
    told = folder / "parts.json"
    before = json.loads(told.read_text()) if told.exists() else {}
    told.write_text(json.dumps(before | task.parts))


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


# ---------------------------------------------------------------------- watching


def _ran(command: list[str], *, quiet: bool = False) -> Ran:
    before, start = os.times(), time.monotonic()
    errors = subprocess.DEVNULL if quiet else None
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as child, watched(child.pid) as peak:
        code = child.wait()
    if code != 0:
        raise RuntimeError(f"{command[:4]} ended with {code}")
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Ran(cpu, time.monotonic() - start, peak[0] / 1e6)


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
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
    main(sys.argv[1], Path(sys.argv[2]))
