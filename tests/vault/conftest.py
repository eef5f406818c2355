"""The real PostgreSQL, once for all of these tests; a fresh key store in it for each."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from backoffice.vault.keys import EmbeddedKeys, MasterKey
from backoffice.vault.openpgp import OpenPgpKey, generate


@pytest.fixture(scope="session")
def server(postgres_server: str) -> str:
    """URL of the tests' PostgreSQL server as its administrator, with ``{}`` for the database."""
    return postgres_server.replace("/{0}?", "/{{0}}?").format("postgres")


@dataclass(frozen=True)
class KeyStore:
    """One key store, and how to open it again as another process would."""

    url: str
    engine: Engine
    master: Path
    tombstones: Path

    def open(self, kind: type[EmbeddedKeys] = EmbeddedKeys) -> EmbeddedKeys:
        return kind(self.engine, MasterKey.from_file(self.master), self.tombstones)


@pytest.fixture
def store(server: str, tmp_path: Path) -> Iterator[KeyStore]:
    name = f"keys_{uuid.uuid4().hex}"
    admin = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'create database "{name}"'))
    engine = create_engine(server.format(name), hide_parameters=True)
    MasterKey.create(tmp_path / "master.key")
    found = KeyStore(server.format(name), engine, tmp_path / "master.key", tmp_path / "outside" / "tombstones")
    found.open().create_schema()
    yield found
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'drop database "{name}" with (force)'))
    admin.dispose()


@pytest.fixture
def keys(store: KeyStore) -> EmbeddedKeys:
    return store.open()


@pytest.fixture(scope="session")
def person() -> Callable[[str], OpenPgpKey]:
    """An OpenPGP key by name; the same name gives the same key."""
    known: dict[str, OpenPgpKey] = {}

    def of(name: str) -> OpenPgpKey:
        return known.setdefault(name, generate(name))

    return of
