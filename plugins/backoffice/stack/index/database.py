"""A LevelDB folder that no process has open: reading what is live in it, and writing a new one with just that.

The new one is a manifest and one write-ahead log. LevelDB turns that into tables when it opens it, as after a crash. It
holds nothing else by its make: no deleted key, no overwritten value, no text log with keys in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import heapq
import os
import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from backoffice.stack.index import records, tables
from backoffice.stack.index.records import Damaged, number, numbered, sized
from backoffice.stack.index.tables import Entry

__all__ = ["Content", "closed", "live", "rewrite"]

_COMPARATOR = b"leveldb.BytewiseComparator"
_BATCH = 1 << 18
_UNFINISHED = re.compile(r"CURRENT\.[0-9]+$")


@dataclass(frozen=True)
class Content:
    """What a database holds: how many live keys, how many dead entries beside them, and a hash of all that is live."""

    live: int
    dead: int
    digest: bytes = field(repr=False)


@dataclass
class _Manifest:
    journal: int = 0
    previous: int = 0
    levels: dict[int, dict[int, bytes]] = field(default_factory=dict)
    """By level: a table's number, and its smallest key."""


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Hold the lock by which LevelDB keeps a folder to one process.

    :raises Damaged: a process has it open.
    """
    with (folder / "LOCK").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        if not free:
            raise Damaged("a process has it open")
        yield


def live(folder: Path) -> Iterator[tuple[bytes, bytes | None]]:
    """Every live key with its value, in order; a dead entry as its key and ``None``.

    :raises Damaged: a file is missing, or not what LevelDB writes.
    """
    before: bytes | None = None
    for entry in heapq.merge(*_sources(folder)):
        if entry.key == before:
            yield entry.key, None
            continue
        before = entry.key
        yield entry.key, entry.value


def rewrite(source: Path, target: Path) -> Content:
    """Write what is live in ``source`` into the new folder ``target``, on disk for good; then read it again and compare.

    :raises Damaged: the source is, or what was written is not what was read.
    """
    target.mkdir(mode=0o700)
    digest, live_keys, dead = hashlib.sha256(), 0, 0

    def pairs() -> Iterator[tuple[bytes, bytes]]:
        nonlocal live_keys, dead
        for key, value in live(source):
            if value is None:
                dead += 1
                continue
            live_keys += 1
            _take(digest, key, value)
            yield key, value

    _write(target / "000002.log", _batches(pairs()))
    edit = b"".join(
        (numbered(1), numbered(len(_COMPARATOR)), _COMPARATOR, *map(numbered, (2, 2, 3, 3, 4, 0)))  # tag, number
    )
    _write(target / "MANIFEST-000001", [edit])
    with (target / "CURRENT").open("wb") as file:
        file.write(b"MANIFEST-000001\n")
        file.flush()
        os.fsync(file.fileno())
    sync(target)
    written = Content(live=live_keys, dead=dead, digest=digest.digest())
    again = _content(target)
    if (again.live, again.dead, again.digest) != (written.live, 0, written.digest):
        raise Damaged("what was written is not what was read")
    return written


def sync(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _content(folder: Path) -> Content:
    digest, live_keys, dead = hashlib.sha256(), 0, 0
    for key, value in live(folder):
        if value is None:
            dead += 1
        else:
            live_keys += 1
            _take(digest, key, value)
    return Content(live=live_keys, dead=dead, digest=digest.digest())


def _take(digest: hashlib._Hash, key: bytes, value: bytes) -> None:  # pyright: ignore[reportPrivateUsage]
    digest.update(struct.pack("<II", len(key), len(value)) + key + value)


def _sources(folder: Path) -> list[Iterator[Entry]]:
    """Streams that are sorted, each: the write-ahead logs, every table of level 0, and each deeper level as one."""
    if any(_UNFINISHED.match(path.name) for path in folder.iterdir()):
        raise Damaged("its last change was not finished")  # the store finishes it when it starts
    manifest = _manifest(folder)
    logs = sorted(
        (int(path.stem), path)
        for path in folder.glob("*.log")
        if int(path.stem) >= manifest.journal or int(path.stem) == manifest.previous
    )
    sources = [iter(sorted(_logged(path))) for _, path in logs]
    for level, found in manifest.levels.items():
        ordered = [_table(folder, table) for table in sorted(found, key=lambda one: found[one])]
        if level == 0:
            sources += [tables.entries(path) for path in ordered]
        else:
            sources.append(chain.from_iterable(map(tables.entries, ordered)))
    return sources


def _manifest(folder: Path) -> _Manifest:
    try:
        name = (folder / "CURRENT").read_text(encoding="ascii").strip()
        with (folder / name).open("rb") as file:
            found = list(records.read(file))
    except (OSError, ValueError):
        found = []
    if not found:
        raise Damaged("a database has no manifest")
    manifest = _Manifest()
    try:
        for edit in found:
            _apply(manifest, edit)
        whole = True
    except IndexError:
        whole = False
    if not whole:
        raise Damaged("its manifest is cut off")
    return manifest


def _apply(manifest: _Manifest, edit: bytes) -> None:
    """One change of the manifest, as LevelDB's ``version_edit.cc`` writes it. Tables are taken away before others come."""
    place, added, removed = 0, list[tuple[int, int, bytes]](), list[tuple[int, int]]()
    while place < len(edit):
        tag, place = number(edit, place)
        if tag == 1:
            comparator, place = sized(edit, place)
            if comparator != _COMPARATOR:
                raise Damaged("its keys are in an order of another kind")
        elif tag in (2, 3, 4, 9):
            value, place = number(edit, place)
            manifest.journal = value if tag == 2 else manifest.journal
            manifest.previous = value if tag == 9 else manifest.previous
        elif tag == 5:
            _, place = number(edit, place)
            _, place = sized(edit, place)
        elif tag in (6, 7):
            level, place = number(edit, place)
            table, place = number(edit, place)
            if tag == 6:
                removed.append((level, table))
                continue
            _, place = number(edit, place)
            smallest, place = sized(edit, place)
            _, place = sized(edit, place)
            added.append((level, table, smallest[:-8]))
        else:
            raise Damaged("its manifest says something that LevelDB does not")
    for level, table in removed:
        manifest.levels.get(level, {}).pop(table, None)
    for level, table, smallest in added:
        manifest.levels.setdefault(level, {})[table] = smallest


def _table(folder: Path, table: int) -> Path:
    for ending in ("ldb", "sst"):
        if (path := folder / f"{table:06d}.{ending}").exists():
            return path
    raise Damaged("a table is missing")


def _logged(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for record in records.read(file):
            yield from tables.batch(record)


def _batches(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """As records of a write-ahead log, numbered from one."""
    first, held, size = 1, list[bytes](), 0
    for key, value in pairs:
        piece = b"\1" + numbered(len(key)) + key + numbered(len(value)) + value
        held.append(piece)
        size += len(piece)
        if size >= _BATCH:
            yield struct.pack("<QI", first, len(held)) + b"".join(held)
            first, held, size = first + len(held), [], 0
    if held:
        yield struct.pack("<QI", first, len(held)) + b"".join(held)


def _write(path: Path, content: Iterable[bytes]) -> None:
    with path.open("xb", buffering=1 << 20) as file:
        records.write(file, content)
        file.flush()
        os.fsync(file.fileno())
