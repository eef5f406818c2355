"""A token that stands for a client's value, and the search for it in all that the deployment keeps or does.

Searched are every file of every part (the databases with their WAL, logs, the store's volumes: what lies there must be
ciphertext), what is deleted and still open, shared memory, each table of each database row by row (a long value is compressed
in the database's own files), and what every process of the stack shows of itself: its arguments and its environment. Only the
client's own folder is not. Each time, and for each kind of place, a token that was put there must be found.
"""

from __future__ import annotations

import base64
import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, create_engine, text

from backoffice.stack.postgres import DATABASES
from tests.files import contents

if TYPE_CHECKING:
    from tests.system.house import House

SHARED_MEMORY = Path("/dev/shm")


@dataclass
class Searched:
    """What was looked at, kind by kind, and where a token was found."""

    pieces: dict[str, int] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)
    hits: list[str] = field(default_factory=list)

    def table(self) -> str:
        """For people."""
        lines = [f"{kind:28} {self.pieces[kind]:>9,} {self.size[kind] / 1e6:>10,.1f} MB" for kind in self.pieces]
        return "\n".join(["searched for the canary         pieces       size", *lines, f"hits: {len(self.hits)}"])


class Canary:
    """High entropy, letters only, so that it survives cleaning: case is ignored when looking."""

    def __init__(self) -> None:
        self.leave_out: tuple[str, ...] = ("clients",)
        self.token = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(24))

    def forms(self) -> list[bytes]:
        """The token as it may have been written: lower and upper case, UTF-16, hexadecimal, base64 at its three offsets."""
        found = []
        for token in (self.token, self.token.upper(), self.token.capitalize()):
            found += [token.encode(), token.encode("utf-16-le"), token.encode().hex().encode()]
            found += [base64.b64encode(b"\0" * pad + token.encode())[4:-4] for pad in range(3)]
        return found

    def hits(self, *folders: Path, leave_out: tuple[Path, ...] = ()) -> list[Path]:
        """Files under the folders that hold the token in any form."""
        found = _files(folders, leave_out)
        return sorted({Path(where) for where, data in found if self._is_in(data)})

    def must_be_nowhere(self, house: House) -> None:
        """Search all there is, then see that the search finds what is there."""
        found = self.search(house)
        print(found.table())
        assert not found.hits, f"a client's value was found in {len(found.hits)} places: {found.hits}"
        with self._planted(house):
            seen = {hit.partition(":")[0] for hit in self.search(house, house.var / "log").hits}
        assert seen == set(found.pieces), f"the search does not find what is there: {set(found.pieces) - seen}"

    def search(self, house: House, files: Path | None = None) -> Searched:
        """Look everywhere once.

        :param files: the folder that is looked through; all of the deployment's unless said.
        """
        leave_out = tuple(house.var / name for name in self.leave_out)
        pids = house.pids()
        places = {
            "file": _files((files or house.var,), leave_out),
            "shared memory": _files((SHARED_MEMORY,), ()),
            "deleted and open": _open_files([*pids, os.getpid()]),
            "row": _rows(house),
            "process": _processes(pids),
        }
        found = Searched()
        for kind, pieces in places.items():
            found.pieces[kind] = found.size[kind] = 0
            for where, data in pieces:
                found.pieces[kind] += 1
                found.size[kind] += len(data)
                if self._is_in(data):
                    found.hits.append(f"{kind}: {where}")
        return found

    def _is_in(self, data: bytes) -> bool:
        return any(form in data for form in self.forms())

    @contextmanager
    def _planted(self, house: House) -> Iterator[None]:
        """The token in one place of each kind."""
        here = Path(house.var, "log", "canary-control")
        shared, gone = SHARED_MEMORY / f"canary-{os.getpid()}", house.var / "canary-gone"
        part = house.stack._process("keeper")
        environment = {"_MARK": self.token, "BACKOFFICE_PART_MARK": part._record().mark}  # type: ignore[union-attr]
        sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=environment)
        engine = _databases(house)["ledger"]
        try:
            for file in (here, shared):
                file.write_text(self.token)
            with gone.open("w+") as held, engine.connect() as db:
                held.write(self.token)
                held.flush()
                gone.unlink()
                db.execute(text("CREATE TABLE canary_control AS SELECT CAST(:t AS text) AS value"), {"t": self.token})
                db.commit()
                try:
                    yield
                finally:
                    db.execute(text("DROP TABLE canary_control"))
                    db.commit()
        finally:
            engine.dispose()
            sleeper.kill()
            sleeper.wait()
            for file in (here, shared):
                file.unlink(missing_ok=True)


def _files(folders: tuple[Path, ...], leave_out: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    for path, data in contents(*folders):
        if not any(path.is_relative_to(out) for out in leave_out):
            yield str(path), data


def _open_files(pids: list[int]) -> Iterator[tuple[str, bytes]]:
    """What processes have open and no folder shows any more."""
    for pid in pids:
        for number in _listing(Path(f"/proc/{pid}/fd")):
            with suppress(OSError):
                name = str(number.readlink())
                on_disk = name.startswith("/") and not name.startswith("/memfd:")
                if on_disk and name.endswith(" (deleted)") and stat.S_ISREG(number.stat().st_mode):
                    yield f"{pid} {name}", number.read_bytes()


def _processes(pids: list[int]) -> Iterator[tuple[str, bytes]]:
    for pid in pids:
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                yield f"{pid} {name}", Path(f"/proc/{pid}/{name}").read_bytes()


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _databases(house: House) -> dict[str, Engine]:
    postgres = house.stack._postgres
    url = postgres.url("postgres", postgres.password)
    return {name: create_engine(url.replace("/postgres?", f"/{name}?")) for name in DATABASES}


def _rows(house: House) -> Iterator[tuple[str, bytes]]:
    """Every row of every table of ours and Airflow's, as text; bytes in it are shown in hexadecimal."""
    query = text(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'"
    )
    for name, engine in _databases(house).items():
        with closing(engine.connect()) as db:
            for table in db.scalars(query).all():
                for row in db.execute(text(f"SELECT CAST(t AS text) FROM {table} AS t")):
                    yield f"{name} {table}", row[0].encode()
        engine.dispose()
