"""Running steps over small tables that stand in a test as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import yaml

from backoffice.contract import Sow
from backoffice.transform import Engine

__all__ = ["Ran", "agreed", "run"]


class Ran:
    """What a run left: cells as text by column, and the figures of its last step."""

    def __init__(self, header: list[str], rows: list[tuple[Any, ...]], figures: Any) -> None:
        self.header, self.rows, self.figures = header, rows, figures
        self.step = figures.steps[-1]

    def __getitem__(self, column: str) -> list[Any]:
        place = self.header.index(column)
        return [row[place] for row in self.rows]


def agreed(steps: str, columns: list[str], others: dict[str, list[str]], table: str = "result") -> Sow:
    """The SOW of these steps."""
    inputs = {
        name: {"format": "csv", "delimiter": ",", "columns": dict.fromkeys(found, "required")}
        for name, found in others.items()
    }
    return Sow.model_validate(
        {
            "title": "t", "owner": "o", "description": "d", "purpose": "p", "signers": ["acme"], "approval": False,
            "input": {"format": "csv", "delimiter": ",", "columns": dict.fromkeys(columns, "required")},
            "inputs": inputs, "steps": yaml.safe_load(steps),
            "output": {"format": "csv", "filename": "out.csv", "table": table},
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
        }
    )  # fmt: skip


def run(steps: str, text: str | Sequence[Sequence[Any]], *, side: str = "", **others: str) -> Ran:
    """Run steps, as YAML, over a table, as CSV with a header or as rows; further tables by name.

    :param side: a further table that a step makes, to look at in place of the result.
    """
    tables = {"input": _rows(text), **{name: _rows(one) for name, one in others.items()}}
    heads = {name: [str(cell) for cell in rows[0]] for name, rows in tables.items()}
    sow = agreed(steps, heads.pop("input"), heads, side or "result")
    with Engine() as engine:
        for name, (header, *body) in tables.items():
            columns = ", ".join(f'"{column}" VARCHAR' for column in header)
            engine.connection.execute(f'CREATE TABLE "{name}" (_row BIGINT, {columns})')
            marks = ", ".join("?" * (len(header) + 1))
            for number, row in enumerate(body, start=1):
                values: list[Any] = [number, *(cell or None for cell in row)]
                engine.connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', values)
        figures = engine.run(sow)
        found = engine.connection.execute(f'SELECT * FROM "{side or "result"}"')
        names = [column[0] for column in found.description or ()]
        return Ran(names, found.fetchall(), figures)


def _rows(text: str | Sequence[Sequence[Any]]) -> list[list[str | None]]:
    return [list(row) for row in (csv.reader(io.StringIO(text)) if isinstance(text, str) else text)]
