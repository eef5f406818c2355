"""The proof's own stack, and the tables that it prints when it is over."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.canary.projects import add_projects
from tests.system.house import House, house_in

TOLD: list[str] = []
"""Tables for the end of the run."""

_NOT_COMPRESSED = """
SELECT format('ALTER TABLE %I.%I ALTER %I SET STORAGE EXTERNAL', n.nspname, c.relname, a.attname)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attstorage IN ('x', 'm')
"""


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A stack with every kind of project. Its databases compress nothing: what a deleted row held is seen in their files."""
    with house_in(tmp_path_factory.mktemp("house"), add_projects) as built:
        for address in built.ground.databases().values():
            with psycopg.connect(address, autocommit=True) as db:
                for (change,) in db.execute(_NOT_COMPRESSED).fetchall():
                    db.execute(change)
        yield built


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/canary/" in item.path.as_posix():
            item.add_marker("stack")
            item.add_marker(pytest.mark.timeout(1800))  # a busy machine is no failure


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for table in TOLD:
        terminalreporter.write_line("")
        terminalreporter.write_line(table)
