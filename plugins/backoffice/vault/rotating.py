"""Rotating the master key while everything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from backoffice.vault.keys import ProjectKeys
from backoffice.vault.master import MasterKeys

__all__ = ["rotate_master_key"]


def rotate_master_key(keys: ProjectKeys, master: MasterKeys, path: Path, *, copy: Callable[[], object]) -> int:
    """Make a new master key, put every project's keys under it, and delete the old one; gives how many were moved.

    Whenever this stops, each key opens with what the file holds then; a repeat goes on where it stopped. Other processes see
    the new key when they meet what lies under it: nothing is restarted.

    :param copy: see :meth:`ProjectKeys.rewrap`.
    :raises VaultError: the file cannot be replaced, or the store is away.
    """

    def begin(_: dict[str, int]) -> None:
        master.read_again()
        if len(master.ids) == 1:  # else one that stopped goes on
            master.create_newer(path)

    def end(roots: dict[str, int]) -> None:
        master.read_again()  # somebody else may have begun to rotate: a key that is newer than ours stays
        if roots.keys() <= {master.ids[0]}:
            master.keep_newest(path)

    keys.while_nobody_wraps(begin)
    moved = keys.rewrap(copy)
    keys.while_nobody_wraps(end)
    return moved
