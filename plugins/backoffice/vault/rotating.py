"""Rotating the master key while everything runs."""

from __future__ import annotations

from pathlib import Path

from backoffice.vault.keys import ProjectKeys
from backoffice.vault.master import MasterKeys

__all__ = ["rotate_master_key"]


def rotate_master_key(keys: ProjectKeys, master: MasterKeys, path: Path) -> int:
    """Make a new master key, put every project's keys under it, and delete the old one; gives how many were moved.

    Whenever this stops, each key opens with what the file holds then; a repeat goes on where it stopped. Other processes see
    the new key when they meet what lies under it: nothing is restarted.

    :raises VaultError: the file cannot be replaced, or the store is away.
    """

    def begin(_: dict[str, int]) -> None:
        master.read_again()
        if len(master.ids) == 1:  # else one that stopped goes on
            master.create_newer(path)

    def end(roots: dict[str, int]) -> None:
        if roots.keys() <= {master.ids[0]}:
            master.keep_newest(path)

    keys.while_nobody_wraps(begin)
    moved = keys.rewrap()
    keys.while_nobody_wraps(end)
    return moved
