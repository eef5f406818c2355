"""Escrow: copies of the key store, in case its database is lost, each under a key of its own that is destroyed within six days.

A copy holds keys that were destroyed since it was made. It ends before the promise does (P16): its own key goes with its
generation, and then no copy of it opens, wherever one was left. A generation is two files, in two folders that belong
on two systems::

    <copies>/0198….escrow     one JSON line in the clear (format, id, when, what the tombstones were), then the rows, sealed
    <keys>/0198….key          32 bytes

Restoring leaves out every key that has a tombstone. Where the tombstones are not those that the copy was made beside, or
newer, nothing is restored: destroyed keys could be among them.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, LargeBinary, Table, func, insert, select

from backoffice.errors import VaultError
from backoffice.ids import new_id
from backoffice.vault import wrapping
from backoffice.vault.key_files import read_private, sync_folder, write_private
from backoffice.vault.rows import lock, transact
from backoffice.vault.tables import JOB_KEY, PROBE, PROJECT_KEY
from backoffice.vault.tombstones import Tombstones

__all__ = ["KEPT", "Escrow", "Generation", "Restored"]

KEPT = timedelta(days=5)
"""How long a generation lasts. It is looked at every hour, so the oldest is gone well within six days."""
EVERY = timedelta(days=1)
_NONE = timedelta(0)
_TABLES = (PROJECT_KEY, JOB_KEY, PROBE)
_FORMAT = "backoffice/escrow/1"


@dataclass(frozen=True)
class Generation:
    """One copy: its id, when it was made, and whether its key is still there."""

    id: str
    made_at: datetime
    opens: bool


@dataclass(frozen=True)
class Restored:
    """How many keys came back, how many were left out as destroyed, and from when the copy was."""

    keys: int
    left_out: int
    made_at: datetime


class Escrow:
    """The generations of one key store.

    :param engine: the key store's database: to copy it, as who may read all of it; to restore, as its owner.
    :param copies: where copies lie. :param keys: where their keys lie.
    """

    def __init__(self, engine: Engine, *, copies: Path, keys: Path, tombstones: Path) -> None:
        self._engine = engine
        self._copies, self._keys = copies, keys
        self._tombstones = Tombstones(tombstones)

    def turn(self, *, now: datetime | None = None) -> Generation | None:
        """Make today's generation if there is none yet, and destroy those that are too old; the new one, or None.

        :raises VaultError: it cannot be written, or an old one cannot be removed.
        """
        for folder in (self._copies, self._keys):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(self._copies):
            now = now or datetime.now(UTC)
            self._expire(lambda age: age <= KEPT, now)
            if any(_NONE <= now - one.made_at < EVERY and one.opens for one in self.generations()):
                return None
            made = self._make(now)
            # A copy from a time to come was made while the clock was ahead: by its date it would outlive its time.
            self._expire(lambda age: _NONE <= age <= KEPT, now)
            return made

    def make(self) -> Generation:
        """One more generation, now: the root key that the others need is about to be destroyed.

        :raises VaultError: it cannot be written.
        """
        for folder in (self._copies, self._keys):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(self._copies):
            return self._make(datetime.now(UTC))

    def generations(self) -> list[Generation]:
        """Those that are there, the oldest first."""
        found = [(_head(path), path.stem) for path in self._copies.glob("*.escrow")]
        made = [Generation(name, _when(head["made_at"]), self._key(name).exists()) for head, name in found]
        return sorted(made, key=lambda one: one.made_at)

    def restore(self, generation: str | None = None) -> Restored:
        """Put a generation's rows into an empty key store, without those that have a tombstone. All of it, or nothing.

        :param generation: its id; None: the newest.
        :raises VaultError: there is none, it does not open, the store holds keys, or the tombstones are not the ones that
            know what was destroyed since.
        """
        newest = [one.id for one in self.generations() if one.opens][-1:]
        name = generation or (newest[0] if newest else None)
        if name is None:
            raise VaultError("There is no escrow whose key is still there.")
        head, rows = self._open(name)
        self._tombstones.must_follow(head["tombstones"])
        kept: dict[str, list[dict[str, Any]]] = {}

        def put_back(connection: Connection) -> None:
            # What somebody destroys meanwhile has a tombstone before it is looked at here, or finds its row afterwards.
            for project in sorted({row["project"] for table in _TABLES for row in rows[table.name]}):
                lock(connection, project)
            kept.update((table.name, [row for row in rows[table.name] if self._lives(table, row)]) for table in _TABLES)
            for table in _TABLES:
                if connection.scalar(select(func.count()).select_from(table)):
                    raise _NotEmpty
                if kept[table.name]:
                    connection.execute(insert(table), [_typed(table, row) for row in kept[table.name]])

        full = False
        try:
            transact(self._engine, put_back)
        except _NotEmpty:
            full = True
        if full:
            raise VaultError("The key store holds keys: an escrow is restored into an empty one.")
        there, all_ = (sum(len(some[table.name]) for table in (PROJECT_KEY, JOB_KEY)) for some in (kept, rows))
        return Restored(there, all_ - there, _when(head["made_at"]))

    # ------------------------------------------------------------------ parts

    def _make(self, now: datetime) -> Generation:
        known = self._tombstones.stamp()  # before the rows: what is destroyed in between is in later tombstones
        rows = transact(self._engine, lambda db: {table.name: list(_rows(db, table)) for table in _TABLES})
        name, key = str(new_id()), wrapping.new_key()
        head = {"format": _FORMAT, "id": name, "made_at": now.isoformat(), "tombstones": known}
        sealed = wrapping.wrap(key, gzip.compress(json.dumps(rows).encode(), mtime=0), *_bound(head))
        write_private(self._key(name), key, what="escrow key")  # first: a copy without its key is of no use
        write_private(self._copy(name), json.dumps(head).encode() + b"\n" + sealed, what="escrow")
        return Generation(name, now, opens=True)

    def _expire(self, kept: Callable[[timedelta], bool], now: datetime) -> None:
        """Remove what belongs to no generation whose age says that it is kept, also what a crash left half written. Keys
        first, and on disk, so that another crash leaves what no longer opens.
        """
        young = [one.id for one in self.generations() if kept(now - one.made_at)]
        for folder, stay in ((self._keys, map(self._key, young)), (self._copies, map(self._copy, young))):
            gone = set(folder.iterdir()) - set(stay)
            for path in gone:
                _remove(path)
            if gone:
                sync_folder(folder)

    def _open(self, name: str) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
        head = _head(self._copy(name))
        key = read_private(self._key(name), what="escrow key")
        sealed = self._copy(name).read_bytes().partition(b"\n")[2]
        return head, json.loads(gzip.decompress(wrapping.unwrap(key, sealed, *_bound(head))))

    def _lives(self, table: Table, row: dict[str, Any]) -> bool:
        """A probe stays: it is what shows that its key is gone."""
        return table is PROBE or self._tombstones.find(row["project"], row.get("job")) is None

    def _copy(self, name: str) -> Path:
        return self._copies / f"{name}.escrow"

    def _key(self, name: str) -> Path:
        return self._keys / f"{name}.key"


class _NotEmpty(Exception):
    pass


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _bound(head: dict[str, Any]) -> tuple[str, ...]:
    return tuple(json.dumps(head[name]) for name in ("format", "id", "made_at", "tombstones"))


def _head(path: Path) -> dict[str, Any]:
    head: Any = None
    with suppress(OSError, ValueError), path.open("rb") as file:
        head = json.loads(file.readline(1 << 16))
    if not isinstance(head, dict) or head.get("format") != _FORMAT or head.get("id") != path.stem:
        raise VaultError(f"{path} is no escrow of ours, or cannot be read.", hint="Move it away, or restore it whole.")
    return head


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _rows(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """Rows as JSON values: bytes in base64, times in ISO 8601."""
    for row in connection.execute(select(table)).mappings():
        yield {
            name: base64.b64encode(value).decode()
            if isinstance(value, bytes)
            else value.isoformat()
            if isinstance(value, datetime)
            else value
            for name, value in row.items()
        }


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The other way round."""
    made: dict[str, Any] = {}
    for name, value in row.items():
        kind = table.c[name].type
        if value is not None and isinstance(kind, LargeBinary):
            made[name] = base64.b64decode(value)
        elif value is not None and isinstance(kind, DateTime):
            made[name] = _when(value)
        else:
            made[name] = value
    return made


def _remove(path: Path) -> None:
    problem = ""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        problem = error.strerror or "it cannot be removed"
    if problem:
        raise VaultError(
            f"An old escrow, {path}, is still there: {problem}.", hint="It holds destroyed keys: remove it."
        )
