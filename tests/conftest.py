"""What every test may use: a real PostgreSQL, a real object store, a deployment on both, and a Spark. Each starts once, when
the first test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.deployment import Deployment
from backoffice.ids import new_id
from backoffice.spark.session import OpenSpark, missing, session
from backoffice.stack.postgres import ROLES, Postgres
from backoffice.stack.process import Part, Process
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.storage import Store

# What tests process is made up. tests/stack/test_stack_host.py shows what happens without.
os.environ.setdefault("BACKOFFICE_HOST_ENCRYPTS_SWAP", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in folders called ``spark`` are skipped aloud where it cannot run; ``make test-spark`` takes that for a failure."""
    wanted = [item for item in items if item.path.parent.name == "spark"]
    reason = missing() if wanted and not os.environ.get("BACKOFFICE_TEST_SPARK") else None
    for item in wanted if reason else ():
        item.add_marker(pytest.mark.skip(reason=f"the engine Spark: {reason}"))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server with the databases of a deployment: ``…/{}`` is a URL for each."""
    place = tmp_path_factory.mktemp("postgres")
    server = Postgres(folder=place / "postgres", password="secret")
    server.initialise()
    process = Process(Part(name="postgres", command=server.command(), cwd=place, log=place / "log"), run=place / "run")
    process.start()
    try:
        process.wait_ready(server.ready, timeout=60)
        server.create_databases(dict.fromkeys(ROLES, "secret"))
        yield server.url("{0}", "secret").replace("%7B0%7D", "{0}")
    finally:
        process.stop()


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """The running object store; ``settings(identity)`` tells how to reach it."""
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
    """The store as who does with objects whatever a test needs: no service of ours may do all of it."""
    return Store(store_server.settings("admin"))


@pytest.fixture(scope="session")
def eraser(store_server: SeaweedFS) -> Store:
    """The store as who deletes, and reads nothing."""
    return Store(store_server.settings("eraser"))


@pytest.fixture
def bucket(admin_store: Store) -> str:
    """A new, empty bucket for one test."""
    name = f"test-{new_id().hex[-16:]}"
    admin_store.create_bucket(name)
    return name


@pytest.fixture
def deployment(tmp_path: Path, postgres_server: str, store_server: SeaweedFS) -> Iterator[Deployment]:
    """Without Airflow: one client, ``acme``, and its project ``acme_contacts``."""
    from tests.conftest_deployment import deploy

    with deploy(tmp_path, postgres_server, store_server, "acme") as made:
        yield made


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSpark]:
    """A running one, with little memory and made to start soon."""
    with session(spill=tmp_path_factory.mktemp("spark"), little=True) as opened:
        yield opened
