"""One server of the embedded stack: started apart from the command that starts it, found again, and wholly ended.

A part runs in a session of its own, so it outlives the command that started it. What is known of it lies in
``<run>/<name>.json``: process id, start time and boot id together say which process it is, even after a ``kill -9``, a
reused id or a reboot. Every process of a part inherits a random mark in its environment: with the session it is how
orphans are found when the first process has long gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import resource
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backoffice.child import NO_CORE
from backoffice.errors import StackError

__all__ = ["Part", "Process", "write_private"]

_MARK = "BACKOFFICE_PART_MARK"
_KILL_WAIT = 5.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """What to run. ``environment`` is added to a minimal one: nothing of the caller's environment is passed on."""

    name: str
    command: tuple[str, ...]
    cwd: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop_signal: signal.Signals = signal.SIGTERM
    left_by_a_crash: tuple[Path, ...] = ()
    """Files of an instance that died, which would keep the next one from starting: removed once nothing of it is left."""


@dataclass(frozen=True, kw_only=True)
class _Record:
    pid: int
    started: int
    boot: str
    mark: str
    command: tuple[str, ...]


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


class Process:
    """The running (or not running) instance of a part; ``run`` is the folder of state files.

    Any number of commands may hold a ``Process`` of the same part: all of them see the same one.
    """

    def __init__(self, part: Part, *, run: Path) -> None:
        self.part = part
        self.state = run / f"{part.name}.json"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the part's first process, or ``None`` when that is not running."""
        record = self._record()
        return record.pid if record and self._alive(record) else None

    def running(self) -> bool:
        """Whether the part's first process lives: right after ``kill -9``, a reused process id and a reboot."""
        return self.pid is not None

    def start(self) -> int:
        """Start the part unless it runs already; what an earlier one left behind is ended first. Gives its process id.

        Raises ``StackError`` when the command cannot be run or old processes cannot be ended.
        """
        with self._locked():
            record = self._record()
            if record and self._alive(record):
                return record.pid
            if record:
                self._end(record, grace=0.0)
            for left in self.part.left_by_a_crash:
                left.unlink(missing_ok=True)
            mark = secrets.token_hex(16)
            self._remember(_Record(pid=0, started=0, boot=_boot(), mark=mark, command=self.part.command))
            child = self._spawn(mark)
            started = _stat(child.pid)
            self._remember(
                _Record(
                    pid=child.pid,
                    started=started.started if started else 0,
                    boot=_boot(),
                    mark=mark,
                    command=self.part.command,
                )
            )
            self._child = child
            return child.pid

    def stop(self, grace: float = 10.0) -> None:
        """End the part: its stop signal to the group, up to ``grace`` seconds, then SIGKILL to whatever is left.

        Does nothing when nothing of the part is left. Raises ``StackError`` when a process cannot be ended.
        """
        with self._locked():
            record = self._record()
            if record:
                self._end(record, grace=grace)
                self.state.unlink(missing_ok=True)

    def restart(self, grace: float = 10.0) -> int:
        """End the part as :meth:`stop` does, and start it anew. Whoever is killed in between leaves a part that has died, and
        was not stopped: the keeper starts it.
        """
        with self._locked():
            record = self._record()
            if record:
                self._end(record, grace=grace)
        return self.start()

    def members(self) -> tuple[int, ...]:
        """The ids of all living processes of the part, orphans included."""
        record = self._record()
        return tuple(sorted(_members(record))) if record else ()

    def wait_ready(self, probe: Callable[[], bool], timeout: float) -> float:
        """Call ``probe`` until it is true; gives the seconds waited. An ``OSError`` in it counts as "not yet".

        Raises ``StackError`` with the end of the log as soon as the part has died, or after ``timeout`` seconds.
        """
        begun = time.monotonic()
        pause = 0.02
        while True:
            with contextlib.suppress(OSError):
                if probe():
                    return time.monotonic() - begun
            if not self.running():
                raise StackError(f"{self.part.name} ended while starting.{self._tail()}", hint=f"See {self.part.log}.")
            if time.monotonic() - begun > timeout:
                raise StackError(
                    f"{self.part.name} did not answer within {timeout:g} seconds.{self._tail()}",
                    hint=f"See {self.part.log}.",
                )
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def _spawn(self, mark: str) -> subprocess.Popen[bytes]:
        self.part.cwd.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.part.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        problem = ""
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.part.cwd),
            "LANG": "C.UTF-8",
            **self.part.environment,
            _MARK: mark,
        }
        log = os.open(self.part.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(log, 0o600)
            child = subprocess.Popen(
                self.part.command,
                cwd=self.part.cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )
            with contextlib.suppress(OSError):  # it is gone, or has less already
                resource.prlimit(child.pid, resource.RLIMIT_CORE, (NO_CORE, NO_CORE))
            return child
        except OSError as error:
            problem = error.strerror or "unknown error"
        finally:
            os.close(log)
        self.state.unlink(missing_ok=True)
        raise StackError(
            f"{self.part.name} cannot be started: {self.part.command[0]}: {problem}.",
            hint="Run `make install`, then try again.",
        )

    def _end(self, record: _Record, *, grace: float) -> None:
        if grace > 0 and self._alive(record):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(record.pid, self.part.stop_signal)
            self._wait_gone(record, grace)
        deadline = time.monotonic() + _KILL_WAIT
        while left := _members(record):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.part.name}: {len(left)} of its processes cannot be ended.",
                    hint=f"End them by hand: {', '.join(map(str, sorted(left)))}.",
                )
            time.sleep(0.02)
        self._reap()

    def _wait_gone(self, record: _Record, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while _members(record) and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.02)

    def _reap(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None

    def _alive(self, record: _Record) -> bool:
        self._reap()
        found = _stat(record.pid) if record.boot == _boot() and record.pid else None
        return found is not None and found.started == record.started

    def _record(self) -> _Record | None:
        try:
            found = json.loads(self.state.read_text())
            return _Record(
                pid=int(found["pid"]),
                started=int(found["started"]),
                boot=str(found["boot"]),
                mark=str(found["mark"]),
                command=tuple(found["command"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _remember(self, record: _Record) -> None:
        write_private(self.state, json.dumps({**vars(record), "command": list(record.command)}, indent=1))

    def _tail(self, lines: int = 12) -> str:
        try:
            with self.part.log.open("rb") as stream:
                stream.seek(max(0, self.part.log.stat().st_size - 8192))
                text = stream.read().decode("utf-8", "replace")
        except OSError:
            return ""
        last = [line[:300] for line in text.splitlines() if line.strip()][-lines:]
        return "\nIts last lines:\n  " + "\n  ".join(last) + "\n" if last else " Its log is empty."

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self.state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.state.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class _Stat:
    parent: int
    session: int
    started: int


def _stat(pid: int) -> _Stat | None:
    """What the kernel says of a process; ``None`` when it is gone or only waits to be reaped (proc_pid_stat(5))."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if fields[0] in "ZX" else _Stat(int(fields[1]), int(fields[3]), int(fields[19]))


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _members(record: _Record) -> set[int]:
    """All living processes of a part: its session, all that carry its mark, and the children of either."""
    if record.boot != _boot():
        return set()
    mark = f"{_MARK}={record.mark}".encode()
    table = {pid: stat for pid in _pids() if (stat := _stat(pid))}
    leader = table.get(record.pid)
    # A session id is not given out again while the session has members. A different process under that id therefore
    # means that the whole session has gone.
    session = record.pid if record.pid and (leader is None or leader.started == record.started) else -1
    found = {
        pid
        for pid, stat in table.items()
        if (stat.session == session and stat.started >= record.started) or mark in _environment(pid)
    }
    found.discard(os.getpid())
    while more := {pid for pid, stat in table.items() if stat.parent in found} - found:
        found |= more
    return found


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
