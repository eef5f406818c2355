"""The embedded stack's own secrets: made once, one file each, readable by their owner alone, never shown."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from backoffice.stack.process import write_private

__all__ = ["Secrets"]


class Secrets:
    """Secrets in a folder; each is made at first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        """The file of a secret, which may not be there yet."""
        return self._folder / name

    def get(self, name: str, *, size: int = 32) -> str:
        """The secret of that name: ``size`` random bytes in URL-safe base64; 32 of them make a Fernet key too."""
        path = self.path(name)
        if not path.exists():
            write_private(path, base64.urlsafe_b64encode(secrets.token_bytes(size)).decode())
        return path.read_text(encoding="utf-8")
