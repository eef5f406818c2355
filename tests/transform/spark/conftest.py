"""One Spark for all tests here. Where it cannot run they are skipped aloud; `make test-spark` takes that for a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.transform.spark.session import OpenSpark, missing, session

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing()
    if reason and not os.environ.get("BACKOFFICE_TEST_SPARK"):
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=f"the engine Spark: {reason}"))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSpark]:
    with session(spill=tmp_path_factory.mktemp("spark"), little=True) as opened:
        yield opened
