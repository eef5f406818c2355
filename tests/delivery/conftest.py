"""Tables in a real engine session, written in a format and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from pydantic import TypeAdapter

from backoffice.contract import AnyOutput
from backoffice.delivery.writing import Written, write_into
from backoffice.duck import session

Writer = Callable[..., tuple[bytes, Written]]


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    with session(memory_limit="300MB", threads=2) as opened:
        yield opened


@pytest.fixture(scope="session")
def written(engine: Any) -> Writer:
    """Write an output given as in a SOW; its bytes and counts. Twice, for the bytes have to be the same."""

    def _written(**output: Any) -> tuple[bytes, Written]:
        output = {"filename": f"out.{output['format']}", **output}
        agreed = TypeAdapter(AnyOutput).validate_python(output)
        files = [BytesIO(), BytesIO()]
        done = [write_into(engine, agreed, file) for file in files]
        assert files[0].getvalue() == files[1].getvalue(), "the same input, the same bytes"
        assert done[0] == done[1]
        return files[0].getvalue(), done[0]

    return _written


@pytest.fixture(scope="session")
def table(engine: Any) -> Callable[..., None]:
    """Make a table of a list of rows; the kinds as in SQL."""

    def _table(columns: str, rows: list[tuple[Any, ...]], *, name: str = "result") -> None:
        engine.execute(f'CREATE OR REPLACE TABLE "{name}" ({columns})')
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            engine.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)

    return _table
