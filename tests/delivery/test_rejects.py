"""The list of rows that were put aside goes back whether there are any or none."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from backoffice.contract import Sow
from backoffice.delivery.writing import write_into
from backoffice.transform import Engine
from tests.transform.conftest import memory

SOW: dict[str, Any] = {
    "title": "t", "owner": "o", "description": "d", "purpose": "p",
    "input": {"format": "csv", "columns": {"id": "required", "born": "required"}},
    "steps": [{"step": "dates", "columns": ["born"], "formats": ["YYYY-MM-DD"], "unreadable": "reject"}],
    "output": {"format": "zip", "filename": "a.zip", "files": [
        {"format": "csv", "filename": "result.csv"}, {"format": "csv", "filename": "rejects.csv", "table": "rejects"}]},
    "approval": False, "retention": {"results": {"until": "acceptance", "at_most_days": 1}}, "signers": ["acme"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "rejects"),
    [("1,2020-01-01\n2,x\n", "1,1,2,x\n"), ("1,2020-01-01\n", ""), ("1,\n", "")],
    ids=["one", "none", "blank"],
)
def test_rejected_rows_are_a_file_of_their_own_also_where_there_are_none(rows, rejects):
    sow, file = Sow.model_validate(SOW), io.BytesIO()
    with memory("id,born\n" + rows) as path, Engine() as engine:
        engine.load(sow, path)
        figures = engine.run(sow)
        write_into(engine.connection, sow.output, file)
    lines = zipfile.ZipFile(file).read("rejects.csv").decode().splitlines()
    assert lines[0] == "reject_row,reject_reason,id,born"
    assert len(lines) - 1 == figures.tables["rejects"] == len(rejects.splitlines())
