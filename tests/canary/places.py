"""The places where a value could be left, each as pieces of bytes with a name."""

from __future__ import annotations

import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from tests.canary.tokens import PART
from tests.files import files_below

FILES = "files of every part"
TEMPORARY = "what is new in temporary folders"
SHARED = "what is new in shared memory"
DUMPS = "what is new where core dumps go"
DELETED = "deleted and open"
DATABASES = "tables and large objects"
PROCESSES = "what processes show"

NAMED = "what the client named"
"""A token of this kind is in a name or a label that the client gave to its object. While that is there, and until the store's
next upkeep, its index and the log of that have those. There, and there alone, it is no hit but a known one."""
_INDEX = re.compile(r"/seaweedfs/data/(filerldb2/.*|[0-9]+\.dat)$")

_CHUNK = 8 << 20
SHARED_MEMORY = Path("/dev/shm")
Piece = tuple[str, Iterator[bytes]]
"""Where it is, and what is there, in order; a token may lie over the border of two."""
Seen = dict[Path, tuple[int, int, int]]
"""Files that were looked through, as they were then: inode, size, and time of the last change, which nobody can set."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A deployment, as far as it can be searched.

    :param folders: all that it keeps. :param leave_out: the client's own below them.
    :param databases: how to reach each, as its superuser.
    :param pids: its processes, those that run now. :param mark: an environment by which a process counts as one of them.
    """

    folders: tuple[Path, ...]
    leave_out: tuple[Path, ...]
    databases: Callable[[], Mapping[str, str]]
    pids: Callable[[], list[int]]
    mark: Callable[[], Mapping[str, str]]
    there_before: frozenset[Path] = field(default_factory=lambda: frozenset(_shared_places()))
    """What lay in the machine's temporary folders and shared memory when this was made; what has come since is searched."""

    def arrivals(self, *places: Path) -> tuple[Path, ...]:
        """What has appeared in shared places, and is not searched as the deployment's own."""
        here = (*self.folders, *self.leave_out)
        return tuple(
            path
            for path in _shared_places(places)
            if path not in self.there_before and not any(one.is_relative_to(path) for one in here)
        )


def _shared_places(places: Iterable[Path] = ()) -> Iterator[Path]:
    for folder in places or (*temporary(), SHARED_MEMORY, *dumps()):
        with suppress(OSError):
            yield from folder.iterdir()


def temporary() -> tuple[Path, ...]:
    """The machine's temporary folders."""
    return tuple({Path("/tmp"), Path("/var/tmp"), Path(tempfile.gettempdir())})


def dumps() -> tuple[Path, ...]:
    """Where the machine puts pictures of processes that crashed; a name without a folder: where the process was at work."""
    pattern = Path(Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip())
    known = Path("/var/crash"), Path("/var/lib/systemd/coredump"), Path("/var/lib/apport/coredump"), Path("/cores")
    return (*known, *([pattern.parent] if pattern.is_absolute() else []))


def is_known(kind: str, where: str) -> bool:
    """Whether a find is the name or a label of an object in the store's own index."""
    return kind.startswith((NAMED, PART)) and _INDEX.search(where) is not None


def files(*folders: Path, leave_out: tuple[Path, ...] = (), seen: Seen | None = None) -> Iterator[Piece]:
    """Every regular file below.

    :param seen: files that are as they were when they were put in here are passed by; others are put in.
    """
    for path in (found for folder in folders for found in ([folder] if folder.is_file() else files_below(folder))):
        if any(path.is_relative_to(out) for out in leave_out):
            continue
        with suppress(OSError):
            state = path.stat()
            stamp = (state.st_ino, state.st_size, state.st_ctime_ns)
            if seen is not None and seen.get(path) == stamp:
                continue
            yield str(path), _chunks(path)
            if seen is not None:
                seen[path] = stamp


def open_files(pids: Iterable[int]) -> Iterator[Piece]:
    """What processes have open or mapped and no folder shows any more. Not what is memory by design (memfd)."""
    for pid in pids:
        for number in _listing(Path(f"/proc/{pid}/fd")):
            with suppress(OSError):
                name = str(number.readlink())
                on_disk = name.startswith("/") and not name.startswith("/memfd:")
                if on_disk and name.endswith(" (deleted)") and stat.S_ISREG(number.stat().st_mode):
                    yield f"{pid} {name}", _chunks(number)


def processes(pids: Iterable[int]) -> Iterator[Piece]:
    """What they show of themselves: arguments, environment, name."""
    for pid in pids:
        for name in ("cmdline", "environ", "comm"):
            with suppress(OSError):
                yield f"{pid} {name}", iter([Path(f"/proc/{pid}/{name}").read_bytes()])


def rows(databases: Mapping[str, str]) -> Iterator[Piece]:
    """Every table, large objects and the planner's samples among them, and the statements that sessions show.

    As the server's binary format has them: text as it is, JSON as text, bytes as bytes, what is compressed or kept apart
    (TOAST) put together again. One piece is one table; each of its chunks is one row.
    """
    for name, address in databases.items():
        with psycopg.connect(address, autocommit=True) as db:
            tables = [(f"{schema}.{table}", sql.Identifier(schema, table)) for schema, table in db.execute(_TABLES)]
            for table, source in [*tables, ("what sessions show", sql.SQL(_SHOWN))]:
                with suppress(psycopg.errors.UndefinedTable):  # dropped meanwhile
                    yield f"{name} {table}", _copied(db, source, "TEXT" if "pg_statistic" in table else "BINARY")


_SHOWN = "(SELECT query, application_name FROM pg_stat_activity WHERE pid <> pg_backend_pid())"
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND (n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
       OR (n.nspname = 'pg_catalog' AND c.relname IN ('pg_largeobject', 'pg_statistic', 'pg_statistic_ext_data')))
"""


def _copied(db: psycopg.Connection, source: sql.Composable, how: LiteralString) -> Iterator[bytes]:
    with db.cursor() as cursor, cursor.copy(sql.SQL("COPY {} TO STDOUT (FORMAT " + how + ")").format(source)) as copy:
        yield from (bytes(row) for row in copy)


def _chunks(path: Path) -> Iterator[bytes]:
    with suppress(OSError), path.open("rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            yield data


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
