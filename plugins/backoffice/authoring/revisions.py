"""A SOW as a file, or as it was at a revision: ``HEAD~1:sow/acme/contacts.yaml``, as git itself writes it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backoffice.contract import Sow, load_sow
from backoffice.errors import ContractError

__all__ = ["opened"]


@contextmanager
def opened(said: str, *, other: Path | None = None) -> Iterator[Sow]:
    """The SOW that ``said`` means: a file, ``REVISION:PATH``, or ``REVISION:`` for the same path as ``other``.

    What git gives is a SOW, its modules and its look-ups, which are ours: they may lie in a folder for as long as this is open.

    :raises ContractError: there is none, or with every mistake in it.
    """
    revision, colon, path = said.partition(":")
    if not colon or Path(said).exists():
        yield load_sow(Path(said))
        return
    if not path and other is None:
        raise ContractError(f"{said} names no file.", hint="Write `REVISION:PATH`.")
    wanted = Path(path) if path else Path(str(other))
    with tempfile.TemporaryDirectory(prefix="backoffice-sow-") as folder:
        client = Path(folder) / "sow" / wanted.absolute().parent.name
        (client / "lookups").mkdir(parents=True)
        top = Path(_git("rev-parse", "--show-toplevel", said=said).decode().strip())
        inside = wanted.absolute().relative_to(top) if wanted.absolute().is_relative_to(top) else wanted
        target = client / inside.name
        target.write_bytes(_git("show", f"{revision}:{inside.as_posix()}", said=said))
        place = inside.parent.as_posix()
        for beside in (f"{place}/", f"{place}/lookups/"):  # its modules and its look-ups
            listed = _git("ls-tree", "--name-only", "--full-tree", revision, beside, said=said).decode().splitlines()
            for name in listed:
                if beside.endswith("/lookups/") or name.endswith(".py"):
                    (client / name.removeprefix(f"{place}/")).write_bytes(_git("show", f"{revision}:{name}", said=said))
        yield load_sow(target)


def _git(*arguments: str, said: str) -> bytes:
    fault = ""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout
        fault = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1].removeprefix("fatal: ").rstrip(".")
    except OSError:
        fault = "git is not installed here"
    raise ContractError(f"{said} cannot be read: {fault}.", hint="Give a file, or `REVISION:PATH` as git writes it.")
