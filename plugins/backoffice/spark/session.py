"""A Spark of one's own: one Java process on this machine, for one job, that ends with it and leaves no trace (P7).

It listens on 127.0.0.1 only, with a secret; it has no pages, no catalogue on disk, and fetches nothing. What does not fit
into its memory it spills to a folder of its own, encrypted with AES-256 under a key that only it has. The folder is gone at
the end; that of a process that was killed goes with the next session of either engine.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import logging
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.child import NO_CORE
from backoffice.duck import own_folder
from backoffice.errors import EngineError
from backoffice.places import spill_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["OpenSpark", "missing", "session"]

_JAVA = 17
_HINT = "See docs/spark.md. Without `engine: spark` the SOW runs on DuckDB, with the same result."
_BATCH = 20_000
"""Rows that go from Java to Python at once."""
_LONGEST_PATH = 60
"""A socket's name, its folder's included, has 107 letters at most (unix(7)); beyond this they take a port of 127.0.0.1."""


_LOGGERS = (
    "SQLQueryContextLogger",
    "DataFrameQueryContextLogger",
    "py4j",
    "py4j.clientserver",
    "py4j.java_gateway",
    "pyspark",
)
"""They write queries and what is wrong with them, rows included, to standard error."""


@dataclass(frozen=True)
class OpenSpark:
    """A running session."""

    session: SparkSession
    folder: Path
    """Its own, gone at its end. Nothing is written into it but what is encrypted."""
    threads: int
    java: int
    """The number of its Java process."""
    _numbers: Iterator[int] = field(default_factory=count, repr=False)

    def kept(self) -> Any:
        """What Spark keeps, in memory or on disk: Java's mapping of numbers to it."""
        java: Any = self.session.sparkContext._jsc
        return java.getPersistentRDDs()

    def next_number(self) -> int:
        """One that nothing else in this session has."""
        return next(self._numbers)


@cache
def missing() -> str | None:
    """Why Spark cannot run here, in a sentence; ``None``: it can."""
    if find_spec("pyspark") is None:
        return "PySpark is not installed (`python3 infra/install.py --spark`)."
    java = _java()
    if java is None:
        return f"There is no Java (Debian: default-jre-headless); Spark needs {_JAVA} or newer."
    with suppress(OSError, ValueError, IndexError, subprocess.SubprocessError):
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
        found = int(said.split('"')[1].split(".")[0])
        return None if found >= _JAVA else f"Java is version {found}; Spark needs {_JAVA} or newer."
    return f"{java} does not say its version; Spark needs {_JAVA} or newer."


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin", "java")) if home else shutil.which("java")


@contextmanager
def session(
    *, memory: str = "1g", threads: int = 2, spill: Path | None = None, little: bool = False
) -> Iterator[OpenSpark]:
    """Start it, end it. One at a time in a process.

    :param memory: of the Java process' heap, as Java writes it.
    :param threads: rows are worked on in so many at once; each has a Python process of its own.
    :param little: there is little data: Java shall rather start soon than be fast later.
    :param spill: where its folder is made; left out: :func:`backoffice.places.spill_folder`.
    :raises EngineError: Spark cannot run here, or did not start.
    """
    reason = missing()
    if reason:
        raise EngineError(f"The engine Spark cannot run here: {reason}", hint=_HINT)
    with own_folder(spill or spill_folder()) as folder:
        gateway = context = None
        failed = ""
        try:
            gateway, context, spark = _started(folder, memory, threads, little=little)
        except Exception as error:  # noqa: BLE001 - Java's and Spark's own show what they were given
            failed = type(error).__name__
        try:
            if failed or context is None or gateway is None:
                raise EngineError(f"Spark did not start ({failed}).", hint=f"Is {memory} of memory free? {_HINT}")
            yield OpenSpark(spark, folder, threads, gateway.proc.pid)  # pyright: ignore[reportPossiblyUnboundVariable]
        finally:
            _ended(gateway, context)


def _started(folder: Path, memory: str, threads: int, *, little: bool) -> tuple[Any, Any, SparkSession]:
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    for name in _LOGGERS:
        logging.getLogger(name).disabled = True
    conf = SparkConf(loadDefaults=False).setAll(list(_settings(folder, memory, threads, little=little).items()))
    with _environment(folder), _no_core_dumps(), _quiet():
        gateway = launch_gateway(
            conf=conf,
            popen_kwargs={"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL},  # rows are in it
        )
        try:
            context = SparkContext(gateway=gateway, conf=conf)
            context.setLogLevel("OFF")
            spark = SparkSession(context)
        except BaseException:
            _ended(gateway, None)
            raise
    return gateway, context, spark


def _ended(gateway: Any, context: Any) -> None:
    """End it, whatever it is doing, and let the next session in this process be a new one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    if context is not None:
        with suppress(Exception):
            context.stop()
    SparkContext._active_spark_context = None
    SparkContext._gateway = SparkContext._jvm = None  # type: ignore[assignment]
    SparkSession._instantiatedSession = None
    if gateway is None:
        return
    with suppress(Exception):
        gateway.shutdown()
    process = gateway.proc
    with suppress(OSError):
        process.stdin.close()  # it ends by that
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _settings(folder: Path, memory: str, threads: int, *, little: bool) -> dict[str, str]:
    java = " ".join(
        (
            f"-Djava.io.tmpdir={folder}",
            "-XX:-UsePerfData",  # a file in /tmp that others can read
            "-XX:+DisableAttachMechanism",
            "-XX:ErrorFile=/dev/null",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.net.preferIPv4Stack=true",
            *(("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC") if little else ()),
        )
    )
    quick = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"} if little else {}
    return quick | {
        "spark.master": f"local[{threads}]",
        "spark.app.name": "backoffice",
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": java,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.log.level": "OFF",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",  # Hive would write files
        # What lies on disk, and what goes between its parts
        "spark.io.encryption.enabled": "true",
        "spark.io.encryption.keySizeBits": "256",
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
        "spark.network.crypto.keyLength": "256",
        # Python beside it: by a socket in its folder, not by a port
        "spark.python.unix.domain.socket.enabled": str(len(str(folder)) <= _LONGEST_PATH).lower(),
        "spark.python.unix.domain.socket.dir": str(folder),
        "spark.python.worker.reuse": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(_BATCH),
        "spark.sql.execution.pyspark.udf.hideTraceback.enabled": "true",
        # SQL means what it says
        "spark.sql.ansi.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.variable.substitute": "false",
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.constraintPropagation.enabled": "false",  # it fails over unions of a table's own rows (4.3)
        "spark.sql.shuffle.partitions": str(4 * threads),
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        "spark.sql.maxMetadataStringLength": "10",
        "spark.sql.debug.maxToStringFields": "1",
        "spark.task.maxFailures": "1",
        "spark.cleaner.periodicGC.interval": "2min",
    }


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Nothing from outside decides what Spark does: no settings files, no further packages, no other Python."""
    kept = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(("SPARK_", "PYSPARK_", "HADOOP_", "JAVA_TOOL", "JDK_JAVA", "_JAVA")):
            del os.environ[name]
    os.environ |= {
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONDONTWRITEBYTECODE": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OMP_NUM_THREADS": "1",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def _no_core_dumps() -> Iterator[None]:
    """What is started meanwhile cannot write its memory to disk."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    most = NO_CORE if before[1] == resource.RLIM_INFINITY else min(NO_CORE, before[1])
    resource.setrlimit(resource.RLIMIT_CORE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Spark says hello, and what it thinks of other libraries, on our standard streams."""
    import contextlib
    import io
    import warnings

    with (
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
