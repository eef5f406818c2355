"""Errors of Spark, of Java and of what connects them to Python show rows: only what kind they are goes on."""

# pyright: reportMissingImports=false
from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from backoffice.errors import EngineError
from backoffice.spark.types import Untranslatable

__all__ = ["spark_errors"]


@contextmanager
def spark_errors(*, asking: bool = False) -> Iterator[None]:
    """What Spark raises becomes an error of ours.

    :param asking: it is only asked whether it understands a query.
    :raises EngineError: out of memory, no room on the disk, or a fault of ours; with no value in it.
    :raises Untranslatable: it does not understand it.
    """
    from pyspark.errors import AnalysisException, ParseException

    fault = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has opinions of other libraries
            yield
    except (EngineError, Untranslatable):
        raise
    except (AnalysisException, ParseException) as error:
        fault = f"query {error.getCondition()}" if asking else type(error).__name__
    except Exception as error:  # noqa: BLE001 - whatever it is, it may show cells
        fault = _kind(error)
    # Raised here, after the block: so not even the context of our error holds Spark's.
    if fault.startswith("query"):
        raise Untranslatable(fault)
    if fault == "memory":
        raise EngineError("The job does not fit into Spark's memory.", hint="Give it more (`BACKOFFICE_SPARK_MEMORY`).")
    if fault == "disk":
        raise EngineError("There is no room on the disk for what Spark spills.", hint="`BACKOFFICE_SPILL` says where.")
    if fault:
        raise EngineError(f"The engine failed ({fault}).", hint="Try the SOW on a test file with `backoffice sow run`.")


_SIGNS = (
    ("memory", ("OutOfMemory", "UNABLE_TO_ACQUIRE_MEMORY", "Cannot allocate memory", "OutOfMemoryException")),
    ("disk", ("No space left on device", "Disk quota exceeded")),
)


def _kind(error: Exception) -> str:
    """What may be said of it: never its text."""
    said = str(error)
    for kind, signs in _SIGNS:
        if any(sign in said for sign in signs):
            return kind
    if type(error).__name__ in ("Py4JNetworkError", "ConnectionRefusedError", "Py4JError") and "Traceback" not in said:
        return "Spark has ended"
    return type(error).__name__
