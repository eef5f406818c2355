"""Make the environment `.venv` from the hashed lock. Needs Python 3.11 or newer and nothing else; the Makefile calls it.

    python3 infra/install.py [--dev] [--spark]

`--dev` adds what tests and checks need, `--spark` the second engine (docs/spark.md).

pip fetches `uv` by hash, `uv` the rest, bytecode included: where bytecode may not be written later, each start of a task would
compile everything anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
VERSIONS = ((3, 11), (3, 13))


EXTRAS = ("dev", "spark")


def main(extras: list[str]) -> None:
    """Install, or say in one line why not."""
    locks = [ROOT / "requirements.txt", *(ROOT / f"requirements-{extra}.txt" for extra in extras)]
    stamp = VENV / "-".join(["installed", *extras])
    mark = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks) + str(ROOT).encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == mark:
        return
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    python = VENV / "bin" / "python"
    if not python.exists():
        make_venv(environment)
    elif not has_pip(python):  # its making was broken off
        run([python, "-m", "ensurepip"], environment)
    print(f"Installing about 250 packages{', and PySpark (450 MB)' if 'spark' in extras else ''}", flush=True)
    pinned = VENV / "uv.txt"
    pinned.write_text(entry(ROOT / "requirements.txt", "uv"), encoding="utf-8")
    run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", pinned],
        environment,
    )
    files = [part for lock in locks for part in ("-r", str(lock))]
    sync = [
        VENV / "bin" / "uv",
        "pip",
        "install",
        "--quiet",
        "--compile-bytecode",
        "--require-hashes",
        "--python",
        python,
    ]
    run([*sync, *files], environment)
    put_in_reach(python)
    stamp.write_text(mark, encoding="utf-8")


def has_pip(python: Path) -> bool:
    """Whether it can install."""
    asked = [python, "-m", "pip", "--version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def make_venv(environment: dict[str, str]) -> None:
    """A virtual environment with pip, from a Python that fits."""
    base = fitting_python()
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([base, "-m", "venv", str(VENV)], env=environment, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(f"{base} cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv")


def fitting_python() -> str:
    """This Python, or another on the PATH, of a version that the lock was made for."""
    if VERSIONS[0] <= sys.version_info[:2] <= VERSIONS[1]:
        return sys.executable
    for minor in range(VERSIONS[1][1], VERSIONS[0][1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            return found
    have = ".".join(map(str, sys.version_info[:2]))
    sys.exit(f"This is Python {have}; Airflow needs one from 3.11 to 3.13. Name it: make PYTHON=python3.13")


def entry(lock: Path, package: str) -> str:
    """One package's lines of a lock file, hashes included."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{package}=="))
    end = start
    while lines[end].endswith("\\"):
        end += 1
    return "\n".join(lines[start : end + 1]) + "\n"


def put_in_reach(python: Path) -> None:
    """Make `backoffice` importable, and a command, straight from the checkout."""
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    Path(where.stdout.strip(), "backoffice.pth").write_text(f"{ROOT / 'plugins'}\n", encoding="utf-8")
    command = VENV / "bin" / "backoffice"
    command.write_text(f"#!{python}\nfrom backoffice.cli import main\n\nmain()\n", encoding="utf-8")
    command.chmod(0o755)


def run(command: list[object], environment: dict[str, str]) -> None:
    """Run it; end with its own exit code where it fails."""
    done = subprocess.run([str(part) for part in command], env=environment, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main([extra for extra in EXTRAS if f"--{extra}" in sys.argv[1:]])
