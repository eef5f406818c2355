"""A process for bytes that cannot be trusted: it can take little, do little, and its death is an answer.

Decrypting and native parsers of clients' formats run in one. What such a child needs is passed as open descriptors; it
has no environment, no core dump, no debugger, and limits on memory, processor time and what it may write. This module
is imported by the child too, so it imports little.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Self

from backoffice.sandbox import forbid_calls, read_only_below, where_code_lies

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType

__all__ = ["NO_CORE", "Child", "confine", "keep_freed_memory", "limit", "undumpable"]

NO_CORE = 1
"""Bytes that a core dump may have: too few for any file; and where the system hands dumps to a program (``|`` in
``core_pattern``), for which the limit does not count, Linux takes just this one for "none" (core(5), ``fs/coredump.c``)."""

_START = """
import sys
from importlib import import_module
sys.path[:0] = sys.argv[2:]
import_module(sys.argv[1]).main()
"""


class Child:
    """A module of ours, run by itself: ``main()`` is called, the order is on its standard input, as JSON.

    :param module: its full name; it must import little, or every file waits for it.
    :param order: what it is to do. It goes through a pipe: neither arguments nor environment of a process show it.
    :param descriptors: that it may use, under the same numbers.
    """

    def __init__(self, module: str, order: Mapping[str, Any], *, descriptors: Iterable[int] = ()) -> None:
        self._said = json.dumps(order).encode()
        self._command = [sys.executable, "-I", "-S", "-c", _START, module, *map(os.path.abspath, sys.path)]
        self._descriptors = tuple(descriptors)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and give it its order."""
        import subprocess

        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # native libraries print cells there
            pass_fds=self._descriptors,
            env={"LC_ALL": "C", "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"},
            cwd="/",
        )
        with suppress(BrokenPipeError), self._process.stdin as pipe:  # pyright: ignore[reportOptionalContextManager]
            pipe.write(self._said)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, whatever it is doing."""
        process = self._running
        if process.poll() is None:
            process.kill()
        self.answers.close()
        process.wait()

    def kill(self) -> None:
        """End it now; whoever waits for what it says meets the end of it. From any thread."""
        if self._process is not None:
            self._process.kill()

    @property
    def answers(self) -> IO[bytes]:
        """What it writes to its standard output."""
        stream = self._running.stdout
        assert stream is not None  # noqa: S101 - it was started with a pipe
        return stream

    def ended(self) -> int:
        """Wait for its end: the exit code, or the signal as a negative number."""
        self.answers.close()  # or it may wait for somebody to read on
        return self._running.wait()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("use it in a `with` block")
        return self._process


def confine() -> None:
    """In the child: no core dump, no debugger, no new privileges, no network, no program, no file but our code. Before anything
    of a client's is read.
    """
    undumpable()
    _prctl(38, 1)  # PR_SET_NO_NEW_PRIVS
    read_only_below(where_code_lies())
    forbid_calls()


def undumpable() -> None:
    """No picture of this process' memory, whatever becomes of it, and no debugger but the administrator's. What it starts has
    the same limit.
    """
    _lower(resource.RLIMIT_CORE, NO_CORE, NO_CORE)
    _prctl(4, 0)  # PR_SET_DUMPABLE


def keep_freed_memory(*, of_any_size: bool = False) -> None:
    """In a child that works in pieces: what one piece lay in is used for the next. Else glibc gives every larger piece back,
    and the system clears every page of the next one: a third of the processor time of decrypting.

    :param of_any_size: pieces of more than 32 MiB too.
    """
    with suppress(AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        mallopt(-1, 64 << 20)  # M_TRIM_THRESHOLD
        if of_any_size:
            mallopt(-4, 0)  # M_MMAP_MAX


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def limit(*, memory: int, cpu_seconds: int, written: int, more_memory: int = 0) -> None:
    """In the child: bytes of memory and of files that it writes, and seconds of processor time.

    :param more_memory: what it may add to its own limit later.
    """
    _lower(resource.RLIMIT_FSIZE, written, written)
    _lower(resource.RLIMIT_AS, memory, memory + more_memory)
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 5)


def _lower(which: int, soft: int, hard: int) -> None:
    """Set a limit, but never above one that is in force already."""
    standing = resource.getrlimit(which)[1]
    if standing != resource.RLIM_INFINITY:
        soft, hard = min(soft, standing), min(hard, standing)
    resource.setrlimit(which, (soft, hard))
