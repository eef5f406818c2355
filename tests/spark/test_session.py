"""A Spark of one's own: it listens to nobody else, leaves nothing readable, and is gone when it ends or is killed."""

# pyright: reportMissingImports=false
from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from backoffice import duck
from backoffice.errors import EngineError
from backoffice.spark import session as sessions
from backoffice.spark.session import OpenSpark
from backoffice.transform.choosing import engine_for
from backoffice.transform.engine import Engine
from backoffice.transform.spark.engine import SparkEngine
from tests.files import contents, files_below
from tests.transform.conftest import memory, sow

CANARY = "qzxcanary"
PLUGINS = Path(duck.__file__).parents[1]


def family(number: int) -> list[psutil.Process]:
    """A process and those below it; what ends meanwhile is not there."""
    try:
        first = psutil.Process(number)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def test_it_listens_on_this_machine_alone(spark: OpenSpark) -> None:
    assert spark.session.sql("SELECT 1").collect()[0][0] == 1
    found = []
    for process in family(spark.java):
        try:
            found += [one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
        except psutil.NoSuchProcess:
            continue
    assert found
    assert {one.removeprefix("::ffff:") for one in found} == {"127.0.0.1"}


def test_it_may_write_no_core_and_what_it_says_goes_nowhere(spark: OpenSpark) -> None:
    limits = Path(f"/proc/{spark.java}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4] in ("0", "1")  # see backoffice.child.NO_CORE
    assert {str(Path(f"/proc/{spark.java}/fd/{number}").readlink()) for number in (1, 2)} == {"/dev/null"}


def test_what_it_spills_cannot_be_read(spark: OpenSpark) -> None:
    seen = written = 0
    session = spark.session
    text = f"repeat(concat('{CANARY}', id), 20)"
    many = session.range(0, 600_000, 1, 8).selectExpr("id", f"{text} AS text")
    from pyspark import StorageLevel

    kept = many.localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)
    try:
        sorted_ = (
            kept.repartition(6, "text")
            .sortWithinPartitions("text")
            .localCheckpoint(eager=True, storageLevel=StorageLevel.DISK_ONLY)
        )
        for _, content in contents(spark.folder):
            seen += 1
            written += len(content)
            assert CANARY.encode() not in content
        assert sorted_.count() == 600_000
    finally:
        persistent = spark.kept()
        for number in list(persistent.keySet()):
            persistent.get(number).unpersist(True)
    assert seen
    assert written > 1_000_000, "it did spill"


def test_what_lies_between_the_engines_cannot_be_read(spark: OpenSpark) -> None:
    rows = "".join(f"{number},{CANARY}{number}\n" for number in range(2_000))
    with memory("id,name\n" + rows) as path, SparkEngine(spark=spark) as engine:
        one = sow([{"step": "case", "columns": ["name"], "to": "upper"}])
        engine.load(one, path)
        loaded = list(contents(spark.folder))
        engine.run(one)
        shown = list(contents(spark.folder))
        assert engine.connection.execute("SELECT count(*) FROM result").fetchall() == [(2_000,)]
    for found in (loaded, shown):
        assert any(path.suffix == ".parquet" and content for path, content in found)
        assert not any(CANARY.encode() in content or CANARY.upper().encode() in content for _, content in found)
    assert not any(path.suffix == ".parquet" for path in files_below(spark.folder)), "gone with the engine"


def test_no_cell_is_in_an_error(spark: OpenSpark) -> None:
    query = "select _row, cast(case when id = '2' then name else '1' end as bigint) as n from input"
    one = sow([{"step": "sql", "columns": {"n": "integer"}, "query": query}])
    with memory(f"id,name\n1,x\n2,{CANARY}\n") as path, SparkEngine(spark=spark) as engine:
        engine.load(one, path)
        with pytest.raises(EngineError) as raised:
            engine.run(one)
    error: BaseException | None = raised.value
    while error is not None:
        assert CANARY not in f"{error} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
    with memory("id,name\n1,Ann\n") as path, SparkEngine(spark=spark) as engine:  # and it goes on working
        engine.load(sow(), path)
        assert engine.run(sow()).rows_out == 1


def test_nothing_of_a_run_stays_with_a_session(spark: OpenSpark) -> None:
    with memory("id,name\n1,Ann\n") as path, SparkEngine(spark=spark) as engine:
        engine.load(sow(), path)
        engine.run(sow())
    assert spark.session.catalog.listTables() == []
    assert not spark.kept()


def test_a_killed_process_takes_spark_with_it_and_the_next_session_clears_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "_SECONDS_TO_LOCK", 0)
    code = """
        import time
        from backoffice.spark.session import session
        with session(threads=1) as spark:
            print(spark.java, flush=True)
            time.sleep(600)
    """
    environment = os.environ | {"PYTHONPATH": str(PLUGINS), "BACKOFFICE_SPILL": str(tmp_path)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        try:
            assert process.stdout is not None
            java = int(process.stdout.readline())
            below = family(java)
            assert below
            assert list(tmp_path.iterdir())
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    _, alive = psutil.wait_procs(below, timeout=90)
    assert alive == []
    deadline = time.monotonic() + 60
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        with duck.session(memory_limit="40MB", threads=1, spill=tmp_path):
            time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []


def test_a_sow_says_which_engine_it_wants() -> None:
    assert type(engine_for(sow())) is Engine
    wanted = sow().model_copy(update={"engine": "spark"})
    assert type(engine_for(wanted)) is SparkEngine


def test_where_it_cannot_run_it_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    sessions.missing.cache_clear()
    try:
        with pytest.raises(EngineError, match="cannot run here"):
            SparkEngine().__enter__()
    finally:
        sessions.missing.cache_clear()
