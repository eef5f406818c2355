"""A real object store for tests: one server per session, on free ports, in a folder of its own, ended by its id."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backoffice.ids import new_id
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Store

__all__ = ["admin_store", "bucket", "store", "store_server"]


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """The running server; ``settings("admin")`` and ``settings("processor")`` tell how to reach it."""
    server = SeaweedFS(tmp_path_factory.mktemp("store"))
    try:
        server.up()
        yield server
    finally:
        server.down()


@pytest.fixture(scope="session")
def admin_store(store_server: SeaweedFS) -> Store:
    return Store(store_server.settings("admin"))


@pytest.fixture(scope="session")
def store(store_server: SeaweedFS) -> Store:
    """The store as the processor sees it."""
    return Store(store_server.settings("processor"))


@pytest.fixture
def bucket(admin_store: Store) -> str:
    """A new, empty bucket for one test."""
    name = f"test-{new_id().hex[-16:]}"
    admin_store.create_bucket(name)
    return name
