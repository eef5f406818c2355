"""What may be said of an error that nobody expected: its class, and the line of ours that it went through.

The text of a library's exception may hold a client's cell; so may its arguments, its notes, what it came from
(``__context__``, ``__cause__``), and the variables of the frames that it passed. Code that came with a SOW may even call
a class after a cell: a class is named only where it can be imported by that name, from a module that is not a SOW's.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from backoffice.errors import BackofficeError

__all__ = ["bare", "kind_of", "line_of", "name_of", "only_ours_speak", "quiet_hooks", "without_text"]

_OURS = Path(__file__).resolve().parent
_WITH_ERRORS = 50
"""Errors that are looked at in one chain; a chain may bite its own tail."""


_MADE_AT_RUN_TIME = 1 << 9
"""``Py_TPFLAGS_HEAPTYPE``: a class without it is part of a library's machine code, and nobody else has named it."""


def kind_of(error: BaseException) -> str:
    """The name of its class, or of the nearest class that it is made of, if that one is a module's own."""
    return name_of(type(error))


def name_of(kind: type) -> str:
    """The name of a class, or of the nearest that it is made of, if it is known by that name where it says."""
    for one in kind.__mro__:
        name = str(type.__dict__["__qualname__"].__get__(one))
        module = sys.modules.get(str(type.__getattribute__(one, "__module__")))
        if not one.__flags__ & _MADE_AT_RUN_TIME or (module is not None and _found(module, name) is one):
            return name
    return "object"


def _found(module: Any, name: str) -> Any:
    found: Any = module
    for part in str(name).split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    return found


def line_of(error: BaseException) -> str:
    """The innermost line of ours that it went through: ``transform/stage.py:71``."""
    for frame in reversed(traceback.extract_tb(error.__traceback__, limit=-200)):
        path = Path(frame.filename)
        if path.is_relative_to(_OURS):
            return f"{path.relative_to(_OURS)}:{frame.lineno}"
    return "a library"


def without_text(error: BaseException) -> BackofficeError:
    """An error of ours in its place. Raise it where ``error`` is not being handled any more, or it becomes its context."""
    return BackofficeError(f"{kind_of(error)} at {line_of(error)}.", hint="Its text is kept back.")


def bare(error: BaseException) -> None:
    """Take off what it came from, its notes and its frames."""
    for one in list(_chain(error)):
        one.__context__ = one.__cause__ = one.__traceback__ = None
        if getattr(one, "__notes__", None):
            del one.__notes__


def _chain(error: BaseException) -> Iterator[BaseException]:
    waiting, seen = [error], set()
    while waiting and len(seen) < _WITH_ERRORS:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [other for other in (one.__context__, one.__cause__) if other is not None]


@contextmanager
def only_ours_speak() -> Iterator[None]:
    """While it lasts, this process logs our words and Airflow's; of a library, that it had something to say.

    What a library logs, warns of or prints may quote a cell: pandas warns with values, DuckDB's SQL is logged by who
    translates it, native code prints to the standard error by itself, and Airflow puts all of that into the task's log.
    What is less than a warning is left out.
    """
    with ExitStack() as undo:
        for handler in logging.getLogger().handlers:
            handler.addFilter(_ours_alone)
            undo.callback(handler.removeFilter, _ours_alone)
        undo.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        nowhere = undo.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
        for stream in (1, 2):
            undo.enter_context(_to_nowhere(stream, nowhere.fileno()))
        undo.enter_context(redirect_stdout(nowhere))
        undo.enter_context(redirect_stderr(nowhere))
        yield


_SPEAKERS = frozenset({"airflow", "backoffice", "task"})
"""The first part of their loggers' names. Not ``root``: it is who calls ``logging.warning``, whoever that is."""
_LEFT_OUT = "(message left out)"
_PLAIN = frozenset(vars(logging.makeLogRecord({})))


def _ours_alone(record: logging.LogRecord) -> bool:
    if record.name.partition(".")[0] in _SPEAKERS:
        return True
    record.msg, record.args, record.exc_info, record.exc_text, record.stack_info = _LEFT_OUT, None, None, None, None
    for name in vars(record).keys() - _PLAIN:
        del record.__dict__[name]
    return record.levelno >= logging.WARNING


@contextmanager
def _to_nowhere(stream: int, nowhere: int) -> Iterator[None]:
    """A standard stream of the process, also as native code and its children know it."""
    _flush()
    try:
        kept = os.dup(stream)
    except OSError:  # it is closed already
        yield
        return
    try:
        os.dup2(nowhere, stream)
        yield
    finally:
        _flush()  # what is still in a buffer goes nowhere too
        os.dup2(kept, stream)
        os.close(kept)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    ctypes.CDLL(None).fflush(None)


def quiet_hooks() -> None:
    """Whatever reaches the interpreter itself, in any thread or while something is cleared away, is named, not quoted."""
    sys.excepthook = _told
    threading.excepthook = lambda args: _told(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _told(args.exc_type, args.exc_value, args.exc_traceback)


def _told(_: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if error is None or sys.stderr is None or isinstance(error, KeyboardInterrupt | SystemExit):
        return
    if trace is not None:
        error.__traceback__ = trace
    shown = error.message if isinstance(error, BackofficeError) else str(without_text(error))
    try:
        print(f"backoffice: {shown}", file=sys.stderr)
    except OSError:  # nobody is there to read it
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
