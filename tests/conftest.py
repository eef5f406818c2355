"""What every test may use: a real PostgreSQL, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backoffice.stack.postgres import DATABASES, Postgres
from backoffice.stack.process import Part, Process


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
        server.create_databases(dict.fromkeys(DATABASES, "secret"))
        yield server.url("{0}", "secret").replace("%7B0%7D", "{0}")
    finally:
        process.stop()
