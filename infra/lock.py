"""Write the locks (requirements*.txt) from pyproject.toml, with hashes, for every Python we run on.

python infra/lock.py [--check]     with --check: only say whether the locks still fit pyproject.toml
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = Path(sys.executable).with_name("uv")
COMMON = ["--quiet", "--universal", "--generate-hashes", "--python-version", "3.11", "--no-header", "--no-annotate"]
LOCKS = {
    "requirements.txt": ["pyproject.toml"],
    "requirements-dev.txt": ["--group", "dev", "-c", "requirements.txt"],
    "requirements-spark.txt": ["--group", "spark", "-c", "requirements.txt"],
}


def main(*, check: bool) -> int:
    """Resolve; a lock that is there already is preferred to newer versions, so only what must change does."""
    stale = []
    for name, sources in LOCKS.items():
        lock = ROOT / name
        before = lock.read_text(encoding="utf-8") if lock.exists() else ""
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder, name)
            fresh.write_text(before, encoding="utf-8")
            command = [str(UV), "pip", "compile", *COMMON, *sources, "-o", str(fresh)]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            after = fresh.read_text(encoding="utf-8")
        if after != before:
            stale.append(name)
            if not check:
                lock.write_text(after, encoding="utf-8")
    if check and stale:
        print(f"{', '.join(stale)}: not what pyproject.toml asks for. Run `make lock`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
