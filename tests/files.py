"""Looking through folders that a running server is at work in: what vanishes meanwhile is not there, and no error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["contents", "files_below"]


def files_below(*folders: Path) -> Iterator[Path]:
    """Every regular file below the folders, no link. It may be gone by the time that it is opened."""
    for folder in folders:
        for at, _, names in os.walk(folder):  # it takes a folder that has gone for an empty one; `rglob` raises
            for path in (Path(at, name) for name in names):
                if path.is_file() and not path.is_symlink():
                    yield path


def contents(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    """Those files and what is in them."""
    for path in files_below(*folders):
        with suppress(FileNotFoundError):
            yield path, path.read_bytes()
