"""GnuPG as a client's office has it: the one that is installed here, and a newer release, which nothing is installed for.

The newer one is Debian's, with the libraries it was built for, beside what the machine has: fetched and checked by ``apt-get``
with folders of its own, unpacked, and run by its own dynamic loader. That takes seconds, and neither root nor a container.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NEWER_SUITE = "trixie"
_PROGRAMS = ("gpg", "gpg-agent", "gpg-connect-agent")
_FIXED = ["--batch", "--yes", "--quiet", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase"]


class NotHad(Exception):
    """Why there is no such GnuPG here."""


@dataclass(frozen=True)
class Gpg:
    """One GnuPG with a home of its own: called with arguments, it gives what it printed."""

    folder: Path
    """Where its programs are."""
    home: Path
    options: tuple[str, ...] = ()
    version: str = field(default="", compare=False)

    def __call__(self, *arguments: str, data: bytes = b"") -> bytes:
        command = [self.folder / "gpg", "--homedir", self.home, "--agent-program", self.folder / "gpg-agent"]
        command += [*_FIXED, "", *self.options, *arguments]
        done = subprocess.run(list(map(str, command)), input=data, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def end(self) -> None:
        """Its agent ends, and all keys are gone."""
        program = self.folder / "gpg-connect-agent"
        command = [program, "--homedir", self.home, "--no-autostart", "killagent", "/bye"]
        subprocess.run(command, capture_output=True, check=False)
        shutil.rmtree(self.home, ignore_errors=True)


@contextmanager
def started(folder: Path, *options: str) -> Iterator[Gpg]:
    """The one in a folder, with an empty home, whose path is short because those of its sockets must be."""
    named = subprocess.run([folder / "gpg", "--version"], capture_output=True, text=True, check=True).stdout
    gpg = Gpg(folder, Path(tempfile.mkdtemp(prefix="gpg-", dir="/tmp")), options, named.split()[2])
    try:
        yield gpg
    finally:
        gpg.end()


def installed() -> Path:
    """Where the one that is installed has its programs; :class:`NotHad`."""
    found = shutil.which("gpg")
    if found is None:
        raise NotHad("GnuPG is not installed")
    return Path(found).parent


def newer(cache: Path) -> Path:
    """Where the newer one's programs are, fetched once for a cache; :class:`NotHad`."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "bin").exists():
            _fetch(cache)
    return cache / "bin"


def _fetch(cache: Path) -> None:
    for name in ("apt-get", "dpkg-deb"):
        if shutil.which(name) is None:
            raise NotHad(f"{NEWER_SUITE}'s GnuPG comes as Debian's packages, and {name} is not installed")
    with tempfile.TemporaryDirectory(dir=cache) as place:
        packages, tree = Path(place), cache / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        apt = _apt(packages, _mirror())
        _run(*apt, "update")
        _run(*apt, "install", "--yes", "--download-only", "--no-install-recommends", "gpg", "gpg-agent", "gpgconf")
        for one in packages.glob("archives/*.deb"):
            _run("dpkg-deb", "--extract", str(one), str(tree))
    loader = next(tree.glob("usr/lib/*/ld-linux*.so.*"))
    bin_ = cache / "bin.new"
    shutil.rmtree(bin_, ignore_errors=True)
    bin_.mkdir()
    for name in _PROGRAMS:
        script = f'#!/bin/sh\nexec "{loader}" --library-path "{loader.parent}" "{tree}/usr/bin/{name}" "$@"\n'
        (bin_ / name).write_text(script, encoding="utf-8")
        (bin_ / name).chmod(0o755)
    bin_.rename(cache / "bin")


def _mirror() -> str:
    """Debian's, as this machine reaches it."""
    which = ["Created-By: Packages", "Origin: Debian", "Component: main"]
    asked = _run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", *which).split("\n")
    for line in asked:
        address, _, codename = line.partition(" ")
        if codename and "-" not in codename:  # not that of updates or backports
            return address
    raise NotHad("apt knows no mirror of Debian")


def _apt(folder: Path, mirror: str) -> list[str]:
    """apt-get with a state of its own: what is installed here is neither asked nor changed."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    signed = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "list").write_text(f"deb [signed-by={signed}] {mirror} {NEWER_SUITE} main\n", encoding="utf-8")
    settings = {
        "Dir::Etc::sourcelist": folder / "list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": folder,
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "APT::Sandbox::User": "",  # the folders are this user's alone
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",  # dpkg's lock is not ours to take
    }
    return ["apt-get", "-qq", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise NotHad(f"{command[0]} did not get {NEWER_SUITE}'s GnuPG: {done.stderr.strip()[-300:]}")
    return done.stdout
