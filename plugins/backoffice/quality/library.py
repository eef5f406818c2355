"""Imports Great Expectations: quietly, and for less than ``import great_expectations`` costs.

- ``scipy.stats`` and ``altair`` (0.7 of 2.6 CPU seconds) serve statistical tests and charts that no suite of ours may
  use. While the library is imported, a module stands in for each, and loads the real one should anything ever touch it.
  Outside this import both names behave as ever.
- PySpark, where it is installed, is not found meanwhile: its import takes as long again and prints, and no check of ours
  asks it through this library.
- The garbage collector rests meanwhile (0.4 seconds), and afterwards leaves what was imported alone (``gc.freeze``):
  walking it all costs 0.1 seconds in a check, and in a forked child the copies of all its pages.
- The library redirects every Python warning of the process into logging on import: that is undone.
- Its loggers, and SQLAlchemy's for our engine, quote rows and SQL errors. They are shut, whatever level is set.

Nothing is contacted and nothing written: 1.24 has no telemetry, and no data context is made.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.util
import logging
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["SQL_LOGGING_NAME", "import_library", "quiet"]

SQL_LOGGING_NAME = "backoffice-quality"
UNUSED = ("scipy.stats", "altair")
LOGGERS = (
    "great_expectations",
    f"sqlalchemy.engine.Engine.{SQL_LOGGING_NAME}",
    f"sqlalchemy.pool.impl.StaticPool.{SQL_LOGGING_NAME}",
)


class _Later(types.ModuleType):
    """Stands in for a module until one of its attributes is wanted."""

    def __getattr__(self, name: str) -> Any:
        """The real module's."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _stand_in(name: str) -> _Later | None:
    if name in sys.modules:
        return None
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    module = _Later(name)
    module.__spec__ = spec
    sys.modules[name] = module
    return module


def import_library() -> None:
    """Import Great Expectations once; 1.5 CPU seconds instead of 2.6. Safe before a fork: no thread or connection of ours."""
    if "great_expectations" in sys.modules:
        shut_loggers()
        return
    show_warning = warnings.showwarning
    collecting = gc.isenabled()
    stand_ins = [module for name in UNUSED if (module := _stand_in(name)) is not None]
    gc.disable()
    try:
        with warnings.catch_warnings(), _not_found("pyspark"):
            warnings.simplefilter("ignore")
            importlib.import_module("great_expectations")
    finally:
        gc.freeze()
        atexit.register(
            gc.unfreeze
        )  # else the interpreter cannot take it apart at its end, and DuckDB says so at length
        if collecting:
            gc.enable()
        for module in stand_ins:
            if sys.modules.get(module.__name__) is module:
                del sys.modules[module.__name__]
    if warnings.showwarning is not show_warning:
        logging.captureWarnings(False)
    shut_loggers()


@contextmanager
def _not_found(package: str) -> Iterator[None]:
    """For whoever asks in here, the package is not installed; it may have been imported before, and is itself afterwards."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == package}
    for name in kept:
        del sys.modules[name]
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
        sys.modules.update(kept)


def shut_loggers() -> None:
    """No record of these loggers, or of any below them, reaches a handler of the process."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


@contextmanager
def quiet() -> Iterator[None]:
    """No warning is shown or raised in here, and the loggers stay shut even if someone opened them since the import."""
    shut_loggers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
