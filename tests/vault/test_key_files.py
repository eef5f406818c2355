"""Key files are there whole or not at all, whatever was killed before."""

from __future__ import annotations

import os
from pathlib import Path

from backoffice.vault.key_files import read_private, replace_private, write_private


def test_what_a_killed_process_of_the_same_id_left_is_not_in_the_way(tmp_path: Path):
    """In a container each command has the same process id."""
    (tmp_path / f".master.key.{os.getpid()}").write_bytes(b"half")
    place = tmp_path / "master.key"
    write_private(place, b"first", what="master key")
    replace_private(place, b"second", what="master key")
    assert read_private(place, what="master key") == b"second"
