"""Which keys were destroyed on purpose: an append-only file outside the key store (P17).

A backup of the key store that is restored brings destroyed keys back as rows; this file keeps them dead. One JSON line
for each destroyed key, ids only::

    {"project": "acme_contacts", "job": "0198…", "key": "0198…", "destroyed_at": "2026-11-22T04:00:00.000000+00:00"}

``job`` is null for a whole project. A line is on disk before anything is deleted. A line that a crash cut off is ended
by a cancel character before the next one; any other line that cannot be read stops the vault: a fence that cannot be
read is no fence. The file is never shortened (``chattr +a`` suits it).
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock

from backoffice.errors import VaultAway, VaultError
from backoffice.vault.key_files import sync_folder

__all__ = ["Tombstone", "Tombstones"]

_CANCEL = b"\x18"


@dataclass(frozen=True)
class Tombstone:
    """One destroyed key. ``key`` is None where the store held none under this id."""

    project: str
    job: str | None
    key: str | None
    destroyed_at: datetime


class Tombstones:
    """The file, read on from where it was last read. Safe for many processes and threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._known: dict[tuple[str, str | None], Tombstone] = {}
        self._offset = 0
        self._inode = 0

    def create(self) -> None:
        """Make the empty file, mode 0600, where there is none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        sync_folder(self.path.parent)

    def exists(self) -> bool:
        """Whether the file is there at all."""
        return self.path.exists()

    def find(self, project: str, job: str | None) -> Tombstone | None:
        """The tombstone that covers this key: its own, or its project's.

        :raises VaultError: the file is missing or cannot be read; no key is served then.
        """
        with self._lock:
            self._read_on()
            return self._known.get((project, None)) or self._known.get((project, job))

    def stamp(self) -> dict[str, int | str]:
        """What the file is now: its whole lines' bytes, and their SHA-256. :meth:`must_follow` knows a later one by it.

        :raises VaultError: as :meth:`find`.
        """
        with self._lock:
            self._read_on()
            return {"bytes": self._offset, "sha256": _digest(self.path, self._offset)}

    def must_follow(self, stamp: dict[str, int | str]) -> None:
        """See that the file is the one that :meth:`stamp` was taken of, or that one with more lines.

        :raises VaultError: it is another, or an older one: what was destroyed since, it does not know.
        """
        now, then = self.stamp(), int(stamp["bytes"])
        if int(now["bytes"]) < then or _digest(self.path, then) != stamp["sha256"]:
            raise VaultError(
                f"The tombstones in {self.path} are not those that the copy was made beside, nor newer ones.",
                hint="Put the newest tombstones there first: without them destroyed keys would come back.",
            )

    def add(self, stone: Tombstone) -> Tombstone:
        """Write one, and have it on disk. Gives the one that stands, if there is one already.

        :raises VaultError: it cannot be written; nothing may be deleted then.
        """
        with self._lock:
            failed = False
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
                    self._read_on()
                    standing = self._known.get((stone.project, stone.job))
                    if standing is None:
                        _append(descriptor, stone)
                    os.fsync(descriptor)  # also for a line that another process wrote and had no time to sync
                finally:
                    os.close(descriptor)
            except OSError:
                failed = True
                standing = None
            if failed:
                raise self._unreadable()
            self._read_on()
            return standing or stone

    def _read_on(self) -> None:
        failed = False
        data = b""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._known, self._offset, self._inode = {}, 0, status.st_ino
                if status.st_size > self._offset:
                    file.seek(self._offset)
                    data = file.read()
        except OSError:
            failed = True
        if failed:
            raise self._unreadable()
        whole = data[: data.rfind(b"\n") + 1]  # the rest is a line still being written
        for line in whole.splitlines():
            if line and not line.endswith(_CANCEL):
                stone = self._parse(line)
                self._known.setdefault((stone.project, stone.job), stone)
        self._offset += len(whole)

    def _parse(self, line: bytes) -> Tombstone:
        stone: Tombstone | None = None
        try:
            found = json.loads(line)
            job, key = found["job"], found["key"]
            when = datetime.fromisoformat(found["destroyed_at"])
            stone = Tombstone(found["project"], job, key, when)
            if not isinstance(stone.project, str) or not isinstance(job, str | None):
                stone = None
        except (ValueError, KeyError, TypeError):
            stone = None
        if stone is None:
            raise self._unreadable()
        return stone

    def _unreadable(self) -> VaultAway:
        return VaultAway(
            f"The tombstones in {self.path} cannot be read or written, so no key is served.",
            hint="Restore the file from its own copy: without it, destroyed keys could come back.",
        )


def _digest(path: Path, size: int) -> str:
    with path.open("rb") as file:
        return sha256(file.read(size)).hexdigest()


def _append(descriptor: int, stone: Tombstone) -> None:
    size = os.fstat(descriptor).st_size
    cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    when = stone.destroyed_at.isoformat()
    fields = {"project": stone.project, "job": stone.job, "key": stone.key, "destroyed_at": when}
    line = (_CANCEL + b"\n" if cut_off else b"") + json.dumps(fields).encode() + b"\n"
    if os.write(descriptor, line) != len(line):
        raise OSError
