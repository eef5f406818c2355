"""The real PostgreSQL, once for all of these tests; a fresh key store in it for each. What runs over a key store runs twice:
under a master key, and under OpenBao, a real one too.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, text

from backoffice.vault.destroying import KeyEraser
from backoffice.vault.keys import ProjectKeys
from backoffice.vault.master import MasterKeys
from backoffice.vault.openpgp import OpenPgpKey, generate
from backoffice.vault.root_key import RootKey
from tests.vault import openbao


@pytest.fixture(scope="session")
def server(postgres_server: str) -> str:
    """URL of the tests' PostgreSQL server as its administrator, with ``{}`` for the database."""
    return postgres_server.replace("/{0}?", "/{{0}}?").format("postgres")


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[openbao.Server]:
    """A real OpenBao."""
    process, found = openbao.start(tmp_path_factory.mktemp("openbao"))
    yield found
    process.stop()


@dataclass(frozen=True)
class KeyStore:
    """One key store, and how to open it again as another process would."""

    url: str
    engine: Engine
    master: Path
    tombstones: Path
    bao: openbao.Server | None

    def root(self, role: str = "owner") -> RootKey:
        return MasterKeys.from_file(self.master) if self.bao is None else self.bao.as_role(role)

    def url_of(self, role: str) -> str:
        """The store's address as one of the roles of its database."""
        return _as(role, make_url(self.url))

    def open(self) -> ProjectKeys:
        """As who may do everything but destroy."""
        return ProjectKeys(self.engine, self.root(), self.tombstones)

    def eraser(self, kind: type[KeyEraser] = KeyEraser) -> KeyEraser:
        """As who may destroy, and nothing else."""
        engine = create_engine(self.url_of("keystore_eraser"), hide_parameters=True)
        return kind(engine, None if self.bao is None else self.bao.as_role("eraser"), self.tombstones)


@pytest.fixture(params=["master key", "OpenBao"])
def store(request: pytest.FixtureRequest, server: str, tmp_path: Path) -> Iterator[KeyStore]:
    yield from _store(server, tmp_path, request.getfixturevalue("bao") if request.param == "OpenBao" else None)


@pytest.fixture
def own_store(server: str, tmp_path: Path) -> Iterator[KeyStore]:
    """One under a master key."""
    yield from _store(server, tmp_path, None)


def _store(server: str, tmp_path: Path, bao: openbao.Server | None) -> Iterator[KeyStore]:
    name = f"keys_{uuid.uuid4().hex}"
    admin = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'create database "{name}" owner keystore'))
    url = _as("keystore", make_url(server.format(name)))
    engine = create_engine(url, hide_parameters=True)
    MasterKeys.create(tmp_path / "master.key")
    tombstones = tmp_path / "outside" / "tombstones"
    found = KeyStore(url, engine, tmp_path / "master.key", tombstones, bao)
    found.open().create_schema()
    yield found
    engine.dispose()
    if bao is not None:
        empty(bao)
    with admin.connect() as connection:
        connection.execute(text(f'drop database "{name}" with (force)'))
    admin.dispose()


def _as(role: str, url: URL) -> str:
    """The server lets a role into its own database alone: the administrator takes on the role instead."""
    return url.update_query_dict({"options": f"-crole={role}"}).render_as_string(hide_password=False)


def empty(bao: openbao.Server) -> None:
    """The next test uses the same project ids."""
    from hvac.exceptions import InvalidPath

    transit = bao.client().secrets.transit
    try:
        names = transit.list_keys()["data"]["keys"]
    except InvalidPath:
        return
    for name in names:
        transit.update_key_configuration(name, deletion_allowed=True)
        transit.delete_key(name)


@pytest.fixture
def keys(store: KeyStore) -> ProjectKeys:
    return store.open()


@pytest.fixture
def eraser(store: KeyStore) -> KeyEraser:
    return store.eraser()


@pytest.fixture(scope="session")
def person() -> Callable[[str], OpenPgpKey]:
    """An OpenPGP key by name; the same name gives the same key."""
    known: dict[str, OpenPgpKey] = {}

    def of(name: str) -> OpenPgpKey:
        return known.setdefault(name, generate(name))

    return of


@pytest.fixture
def most_held() -> Callable[[Callable[[], None]], tuple[int, int]]:
    """The most memory that a decrypting child held while something ran (VmHWM), and the most in one file in memory."""

    def during(work: Callable[[], None]) -> tuple[int, int]:
        most, over = [0, 0], threading.Event()

        def look() -> None:
            while not over.wait(0.01):
                for one in psutil.Process().children(recursive=True):
                    with suppress(OSError, StopIteration, psutil.Error):
                        # Not the servers of other tests, nor a child that still is a copy of this process.
                        if b"backoffice.vault.opener" not in Path(f"/proc/{one.pid}/cmdline").read_bytes():
                            continue
                        lines = Path(f"/proc/{one.pid}/status").read_text().splitlines()
                        kilobytes = int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
                        most[0] = max(most[0], kilobytes << 10)
                for link in Path("/proc/self/fd").iterdir():
                    with suppress(OSError):
                        if str(link.readlink()).startswith("/memfd:backoffice"):
                            most[1] = max(most[1], link.stat().st_blocks * 512)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            work()
        finally:
            over.set()
            watcher.join()
        return most[0], most[1]

    return during
