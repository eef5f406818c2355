"""What every test may use: a real PostgreSQL, started once."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from backoffice.stack import postgres
from backoffice.stack.process import Part, Process


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server with the databases of a deployment: ``…/{}`` is a URL for each."""
    place = tmp_path_factory.mktemp("postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    postgres.initialise(place / "data", "secret")
    command = tuple(postgres.command(place / "data", port))
    process = Process(Part(name="postgres", command=command, cwd=place, log=place / "log"), run=place / "run")
    process.start()
    try:
        process.wait_ready(lambda: postgres.ready(port, "secret"), timeout=60)
        postgres.create_databases(port, "secret", dict.fromkeys(postgres.DATABASES, "secret"))
        yield f"postgresql+psycopg://{{0}}:secret@127.0.0.1:{port}/{{0}}"
    finally:
        process.stop()
