"""Every step: it can be found by its name, explains itself, and does what its example shows."""

from __future__ import annotations

import csv
import inspect
import io
import zipfile
from pathlib import Path

import pytest
import yaml

from backoffice.contract import Sow, Step, step_model, step_names
from backoffice.contract.step import Example
from backoffice.transform import Engine
from tests.transform.conftest import memory

STEPS = list(step_names())


def agreed(example: Example, table: str) -> Sow:
    """The SOW that an example stands for."""
    header = {
        name: next(csv.reader(io.StringIO(text))) for name, text in {"input": example.before, **example.tables}.items()
    }
    inputs = {
        name: {"format": "csv", "member": f"{name}.csv", "columns": dict.fromkeys(columns, "required")}
        for name, columns in header.items()
    }
    return Sow.model_validate(
        {
            "title": "t", "owner": "o", "description": "d", "purpose": "p", "signers": ["acme"], "approval": False,
            "input": inputs.pop("input"), "inputs": inputs, "steps": yaml.safe_load(example.steps),
            "output": {"format": "csv", "filename": "out.csv", "table": table},
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
        }
    )  # fmt: skip


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def run(example: Example, table: str, folder: Path) -> list[list[str]]:
    """What the example's steps leave, as a CSV file would have it."""
    sow = agreed(example, table)
    for name, text in example.files.items():
        sow._path = folder / "acme.yaml"
        (folder / name).write_text(text, encoding="utf-8")
    with memory(_drop(example)) as path, Engine() as engine:
        engine.load(sow, path)
        engine.run(sow)
        found = engine.connection.execute(f'SELECT COLUMNS(*)::VARCHAR FROM "{table}"')
        header = [column[0] for column in found.description or ()]
        return [header, *([cell or "" for cell in row] for row in found.fetchall())]


def _drop(example: Example) -> str | bytes:
    """What the client sends: a file, or a ZIP of several."""
    if not example.tables:
        return example.before
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in {"input": example.before, **example.tables}.items():
            archive.writestr(f"{name}.csv", text)
    return packed.getvalue()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_found_by_its_name_and_explains_itself(name):
    model = step_model(name)
    assert issubclass(model, Step)
    assert inspect.getdoc(model)
    assert model.blanks.endswith(".")
    example = yaml.safe_load(model.example.steps)
    assert any(one["step"] == name for one in example)
    for one in example:
        words = step_model(one["step"]).model_validate(one).words()
        assert words.endswith(".")
        assert words[0].isupper()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_does_what_its_example_shows(name, tmp_path):
    example = step_model(name).example
    assert run(example, "result", tmp_path) == rows(example.after)
    for table, text in example.made.items():
        assert run(example, table, tmp_path) == rows(text)
