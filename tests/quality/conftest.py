"""A DuckDB connection as the engine opens it, and a way to write a suite."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

WriteSuite = Callable[..., Path]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """In memory, without extensions or a way out, its configuration locked."""
    made = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    made.execute("SET autoload_known_extensions=false")
    made.execute("SET max_temp_directory_size='0KiB'")
    made.execute("SET enable_external_access=false")
    made.execute("SET lock_configuration=true")
    yield made
    made.close()


@pytest.fixture
def write_suite(tmp_path: Path) -> WriteSuite:
    """Write a suite of ``(type, kwargs)`` pairs and give its path."""

    def write(*rules: tuple[str, dict[str, Any]]) -> Path:
        path = tmp_path / "suite.json"
        document = {"name": "test", "expectations": [{"type": kind, "kwargs": kwargs} for kind, kwargs in rules]}
        path.write_text(json.dumps(document, indent=2), encoding="utf-8")
        return path

    return write
