"""Building small SOWs in code, running them on small files, and the real sample."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backoffice.contract import Sow
from backoffice.places import var_folder
from backoffice.sample import febrl3
from backoffice.transform import Engine


def sow(steps: list[dict[str, Any]] | None = None, *, columns: Any = ("id", "name"), **spec: Any) -> Sow:
    """A SOW with these steps over these columns."""
    wanted = columns if isinstance(columns, dict) else dict.fromkeys(columns, "required")
    output = spec.pop("output", None)
    return Sow.model_validate(
        {
            "title": "t",
            "owner": "o",
            "description": "d",
            "purpose": "p",
            "input": {"format": "csv", "columns": wanted, **spec},
            "steps": steps or [{"step": "trim"}],
            "output": {"format": "csv", "filename": "out.csv", "columns": output},
            "approval": False,
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
            "signers": ["acme"],
        }
    )


def column(step: dict[str, Any], values: Sequence[str | None]) -> tuple[list[Any], Any]:
    """Run one step over one column ``c`` of these cells; gives the cells and the step's figures."""
    agreed = sow([step], columns=("c", "n"))
    engine = _shared()
    engine.connection.execute('CREATE OR REPLACE TABLE input (_row BIGINT, "c" VARCHAR, "n" VARCHAR)')
    rows = [[number, value, str(number)] for number, value in enumerate(values, start=1)]
    engine.connection.executemany("INSERT INTO input VALUES (?, ?, ?)", rows)
    figures = engine.run(agreed)
    return [row[0] for row in engine.connection.execute("SELECT c FROM result").fetchall()], figures.steps[0]


@cache
def _shared() -> Engine:
    opened = Engine()
    atexit.register(opened.__exit__, None, None, None)
    return opened.__enter__()


def table(agreed: Sow, text: str | bytes) -> tuple[list[tuple[Any, ...]], Any]:
    """Run a SOW over the text of a file; gives the result's rows and the run's figures."""
    with memory(text) as path, Engine() as engine:
        engine.load(agreed, path)
        figures = engine.run(agreed)
        return engine.connection.execute("SELECT * FROM result").fetchall(), figures


class memory:  # noqa: N801
    """A memfd with this content: as a drop arrives in production."""

    def __init__(self, content: str | bytes) -> None:
        self.content = content.encode() if isinstance(content, str) else content

    def __enter__(self) -> str:
        self.fd = os.memfd_create("test")
        os.truncate(self.fd, 0)
        with open(self.fd, "wb", closefd=False) as file:
            file.write(self.content)
        return f"/proc/self/fd/{self.fd}"

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


@pytest.fixture
def loaded() -> Iterator[Callable[..., Any]]:
    """Load a file's content under a SOW; gives the profile and the rows of ``input`` without their number."""

    def _load(agreed: Sow, content: str | bytes) -> tuple[Any, list[tuple[Any, ...]]]:
        with memory(content) as path, Engine() as engine:
            profile = engine.load(agreed, path)["input"]
            rows = engine.connection.execute("SELECT * EXCLUDE (_row) FROM input ORDER BY _row").fetchall()
            return profile, rows

    yield _load


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for many examples."""
    with Engine() as opened:
        yield opened


@pytest.fixture(scope="session")
def febrl() -> Path:
    """The folder of febrl's data sets, from the pinned package."""
    return febrl3(var_folder() / "samples").parent
