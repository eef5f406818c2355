"""The index written anew beside the old one, and put in its place; a kill at any moment leaves one of the two, whole."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from backoffice.stack.index.database import closed, live, rewrite, sync
from backoffice.stack.index.records import Damaged

__all__ = ["INDEX", "LOG", "Rebuilt", "erased_in", "rebuild", "settle", "stamp"]

INDEX = "filerldb2"
"""SeaweedFS's filer keeps its index in this folder of the data folder, as eight LevelDB databases."""

LOG = "/topics/.system/log"
"""Where in the index its log of changes is: files named by their minute, in folders named by their day."""


@dataclass(frozen=True)
class Rebuilt:
    """How many names are live, how many dead entries are no longer there, and the index's bytes before and after."""

    live: int
    dead: int
    bytes_before: int
    bytes_after: int


def settle(data: Path) -> None:
    """Finish or undo what a killed :func:`rebuild` left. To be called before each start of the store.

    The old index is moved away only when the new one is complete: so where there is none, the new one is the index.
    """
    index, new, old = _folders(data)
    if old.exists() and not index.exists():
        new.rename(index)
        sync(data)
    for left in (old, new):
        if left.exists():
            shutil.rmtree(left)


def rebuild(data: Path) -> Rebuilt:
    """Write the index of a stopped store anew. Needs as much free disk as the index has.

    :param data: the store's data folder.
    :raises Damaged: the index is, or is in use; it is left as it was.
    """
    settle(data)
    index, new, old = _folders(data)
    parts = _parts(index)
    before = _size(index)
    new.mkdir(mode=0o700)
    with ExitStack() as held:
        for part in parts:
            held.enter_context(closed(part))
        done = [rewrite(part, new / part.name) for part in parts]
        sync(new)
        after = _size(new)
        index.rename(old)
        new.rename(index)
        sync(data)
    shutil.rmtree(old)
    return Rebuilt(sum(one.live for one in done), sum(one.dead for one in done), before, after)


def erased_in(data: Path) -> bool:
    """Whether a name was erased, or something said of it overwritten, that the index still has; the log of changes aside.

    :raises Damaged: it could not be read, which of a store that runs may be so at any time.
    """
    dead = [key for part in _parts(data / INDEX) for key, value in live(part) if value is None]
    days = {key[16:].decode(errors="replace") for key in dead if key[:16] == _folder(LOG)}
    log = {_folder(str(Path(LOG).parent)), _folder(LOG), *(_folder(f"{LOG}/{day}") for day in days)}
    return any(key[:16] not in log for key in dead)


def stamp(data: Path) -> str:
    """Changes whenever the index does: a process writes nothing to it that does not make one of its files longer or new."""
    files = sorted(path for path in (data / INDEX).glob("*/*") if path.name not in ("LOCK", "LOG", "LOG.old"))
    return " ".join(f"{path.parent.name}/{path.name}:{path.stat().st_size}" for path in files)


def _parts(index: Path) -> list[Path]:
    parts = sorted(part for part in index.iterdir() if part.is_dir()) if index.is_dir() else []
    if not parts:
        raise Damaged("there is none")
    return parts


def _folder(name: str) -> bytes:
    """What keys begin with: SeaweedFS hashes the folder, and has the name as it is behind that."""
    return hashlib.md5(name.encode(), usedforsecurity=False).digest()


def _folders(data: Path) -> tuple[Path, Path, Path]:
    return data / INDEX, data / f"{INDEX}.new", data / f"{INDEX}.old"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*/*"))
