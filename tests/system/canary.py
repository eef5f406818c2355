"""A token that stands for a client's value, and the search for it in all that the deployment keeps.

The store's volumes are searched too: what lies there must be ciphertext. Only the client's own folder is not.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from tests.files import contents

if TYPE_CHECKING:
    from tests.system.house import House


class Canary:
    """High entropy, letters only, so that it survives cleaning: case is ignored when looking."""

    def __init__(self) -> None:
        self.leave_out: tuple[str, ...] = ("clients",)
        self.token = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(24))

    def forms(self) -> list[bytes]:
        """The token as it may have been written: lower and upper case, UTF-16, base64 at its three offsets."""
        found = []
        for text in (self.token, self.token.upper(), self.token.capitalize()):
            found += [text.encode(), text.encode("utf-16-le")]
            found += [base64.b64encode(b"\0" * pad + text.encode())[4:-4] for pad in range(3)]
        return found

    def hits(self, *folders: Path, leave_out: tuple[Path, ...] = ()) -> list[Path]:
        """Files under the folders that hold the token in any form."""
        hits = []
        for path, data in contents(*folders):
            if not any(path.is_relative_to(out) for out in leave_out):
                hits += [path for form in self.forms() if form in data]
        return sorted(set(hits))

    def must_be_nowhere(self, house: House) -> None:
        """Search every file of the deployment (databases and their WAL, logs, volumes) and /dev/shm."""
        hits = self.hits(house.var, Path("/dev/shm"), leave_out=tuple(house.var / name for name in self.leave_out))
        assert not hits, f"a client's value was found in {len(hits)} files: {[str(hit) for hit in hits]}"
        planted = house.var / "log" / "canary-control"
        planted.write_text(self.token)
        try:
            assert self.hits(house.var / "log"), "the search does not find what is there"
        finally:
            planted.unlink()
