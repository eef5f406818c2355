"""The same SOW on both engines: CPU and wall seconds, and whether they give the same.

CPU seconds are those of the process and all below it, Java's and its Python processes' among them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contacts import write_contacts

__all__ = ["measure"]

ROWS = 1_000_000
HERE = Path(__file__).parent


def measure() -> None:
    """Measure ``BENCH_ROWS`` rows (a million unless said) on DuckDB and on Spark."""
    from backoffice.transform.spark.session import missing

    reason = missing()
    if reason:
        print(f"Not measured: {reason}")
        return
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    with TemporaryDirectory() as folder:
        source = Path(folder, "contacts.csv")
        write_contacts(source, rows)
        print(f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB\n")
        print("| engine | start s | read s | steps s | CPU s in all | digest |\n|---|---|---|---|---|---|")
        for engine in ("duckdb", "spark"):
            command = [sys.executable, "-m", "bench.spark", engine, str(source)]
            found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
            seconds = " | ".join(f"{found[one]:.1f}" for one in ("start", "read", "steps", "cpu"))
            print(f"| {engine} | {seconds} | {found['digest']} |")


def run(engine: str, source: Path) -> dict[str, object]:
    """Do it on one engine."""
    from backoffice.contract import load_sow
    from backoffice.transform.choosing import engine_for

    agreed = load_sow(HERE / "sow" / "shop" / "contacts.yaml").model_copy(update={"engine": engine})
    times = [time.perf_counter()]
    opened = engine_for(agreed)
    with opened:
        times.append(time.perf_counter())
        opened.load(agreed, source)
        times.append(time.perf_counter())
        opened.run(agreed)
        times.append(time.perf_counter())
        columns = ", ".join(f'"{name}"::VARCHAR' for name in agreed.columns)
        query = f"SELECT md5(string_agg(md5(concat_ws('|', {columns})), '')) FROM result"
        digest = opened.connection.execute(query).fetchall()[0][0]
    used = os.times()
    passed = [later - sooner for sooner, later in pairwise(times)]
    cpu = used.user + used.system + used.children_user + used.children_system
    return {**dict(zip(("start", "read", "steps"), passed, strict=True)), "cpu": cpu, "digest": digest[:12]}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], Path(sys.argv[2]))))
