"""The same SOW and its checks on both engines: seconds, CPU, memory, and whether they give the same.

CPU seconds and memory are those of the process and all below it, Java's and its Python processes' among them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.contacts import write_contacts
from bench.engine import watched

if TYPE_CHECKING:
    from backoffice.contract import Sow
    from backoffice.vault.parquet import Sealed

__all__ = ["measure"]

ROWS = 1_000_000
HERE = Path(__file__).parent
SUITE = HERE / "expectations" / "shop" / "contacts.json"
PARTS = ("start", "read", "steps", "hand out", "check")


def measure() -> None:
    """Measure ``BENCH_ROWS`` rows (a million unless said) on DuckDB and on Spark."""
    from backoffice.spark.session import missing

    reason = missing()
    if reason:
        print(f"Not measured: {reason}")
        return
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    with TemporaryDirectory() as folder:
        source = Path(folder, "contacts.csv")
        write_contacts(source, rows)
        print(f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB\n")
        print(f"| engine | {' | '.join(f'{part} s' for part in PARTS)} | CPU s in all | peak MB | result | checks |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for engine in ("duckdb", "spark"):
            found = _in_child(engine, source)
            seconds = " | ".join(f"{found[one]:.1f}" for one in (*PARTS, "cpu"))
            print(
                f"| {engine} | {seconds} | {found['peak']:,.0f} | {found['result']} | {found['checks']} |", flush=True
            )


def _in_child(engine: str, source: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.spark", engine, str(source)]
    before = os.times()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child, watched(child.pid) as peak:
        said, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"{command[2:4]} ended with {child.returncode}")
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    found = json.loads(said)
    return found | {"cpu": cpu - found["aside"], "peak": peak[0] / 1e6}


def run(engine: str, source: Path) -> dict[str, Any]:
    """Do it on one engine: transform, hand the result out as an encrypted intermediate, check that."""
    from backoffice.contract import load_sow
    from backoffice.duck import session
    from backoffice.quality import check, preload
    from backoffice.transform.choosing import engine_for
    from backoffice.vault.parquet import read_encrypted, write_encrypted

    agreed = load_sow(HERE / "sow" / "shop" / "contacts.yaml").model_copy(update={"engine": engine})
    preload()  # a worker has done so long before
    key, times = os.urandom(32), [time.perf_counter()]
    with engine_for(agreed) as opened:
        times.append(time.perf_counter())
        opened.load(agreed, source)
        times.append(time.perf_counter())
        opened.run(agreed)
        times.append(time.perf_counter())
        sealed = write_encrypted(opened.connection, "result", key)
    times.append(time.perf_counter())
    with _asked(agreed, sealed, key) as asked:
        report = check(asked, "result", SUITE)
        times.append(time.perf_counter())
    before = time.process_time()
    with (
        sealed,
        session(memory_limit="600MB", threads=1) as connection,
        read_encrypted(connection, sealed, key, "result"),
    ):
        columns = ", ".join(f'coalesce("{name}"::VARCHAR, chr(0))' for name in agreed.columns)
        each = f"SELECT hash({columns}) AS h, row_number() OVER () AS n FROM result"
        digest = connection.execute(f"SELECT bit_xor(hash(h, n)) FROM ({each})").fetchall()[0][0]
    parts = dict(zip(PARTS, (later - sooner for sooner, later in pairwise(times)), strict=True))
    broken = sum(one.unexpected or 0 for one in report.results)
    said = {"result": f"{digest:x}", "checks": f"{len(report.results)}, {broken:,} broken"}
    return parts | said | {"aside": time.process_time() - before}


@contextmanager
def _asked(agreed: Sow, sealed: Sealed, key: bytes) -> Iterator[Any]:
    """As ``work.ask_tables``: Spark starts once more, in a task of its own."""
    from backoffice.duck import session
    from backoffice.spark.asking import asked_of_spark
    from backoffice.spark.frames import sealed_rows
    from backoffice.spark.session import session as spark_session
    from backoffice.vault.parquet import opening_of, read_encrypted

    with session(memory_limit="600MB", threads=2) as connection, read_encrypted(connection, sealed, key, "result"):
        if agreed.engine == "duckdb":
            yield connection
            return
        with spark_session() as spark:
            rows = {"result": partial(sealed_rows, spark, opening_of(sealed, key))}
            with asked_of_spark(connection, spark, rows) as asked:
                yield asked


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))
