"""Other people's tools on the same rows: run with an environment of their own, so that the product does not depend on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backoffice.places import var_folder

__all__ = ["peer_python"]

_PINNED = ("polars==1.35.2",)


def peer_python() -> Path:
    """The Python of the peers' environment; it is made under ``var/`` when it is not there yet."""
    place = var_folder() / "peers"
    python, made = place / "bin" / "python", place / "pinned"
    if not made.exists() or made.read_text(encoding="utf-8").split() != list(_PINNED):
        subprocess.run([sys.executable, "-m", "uv", "venv", "--quiet", "--clear", str(place)], check=True)
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), *_PINNED]
        subprocess.run(command, check=True)
        made.write_text("\n".join(_PINNED), encoding="utf-8")
    return python
