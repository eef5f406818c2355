"""What a SOW may say of what goes back: mistakes are found before any file is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from backoffice.contract import load_sow
from backoffice.contract.parts import number_format
from backoffice.errors import ContractError

SOW: dict[str, Any] = {
    "title": "t", "owner": "o", "description": "d", "purpose": "p",
    "input": {"format": "csv", "columns": {"id": "required", "born": "required"}},
    "steps": [{"step": "dates", "columns": ["born"], "formats": ["YYYY-MM-DD"]}],
    "tables": {"more": {"steps": [{"step": "trim"}]}},
    "approval": False, "retention": {"results": {"until": "acceptance", "at_most_days": 1}}, "signers": ["acme"],
}  # fmt: skip
SHEETS = [{"name": "S"}]


def load(tmp_path: Path, output: dict[str, Any]):
    path = tmp_path / "sow" / "acme" / "x.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(SOW | {"output": output}, sort_keys=False))
    return load_sow(path)


def refused(tmp_path: Path, output: dict[str, Any]) -> str:
    with pytest.raises(ContractError) as caught:
        load(tmp_path, output)
    return str(caught.value)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ({"format": "xls", "filename": "a.xls"}, "There is no format `xls` here"),
        ({"format": "csv", "filename": "a.xlsx"}, "ends in `.csv`"),
        ({"format": "pdf", "filename": "report.pdf", "title": "t"}, "the job's own report has that name"),
        ({"format": "csv", "filename": "a.csv", "decimal": "comma"}, "choose another `delimiter`"),
        ({"format": "csv", "filename": "a.csv", "dates": "mm/dd/yy"}, "not a date format"),
        ({"format": "csv", "filename": "a.csv", "decimals": {"id": 2}}, "`id` holds text"),
        ({"format": "csv", "filename": "a.csv", "table": "mroe"}, "Did you mean `more`"),
        ({"format": "xlsx", "filename": "a.xlsx", "sheets": [{"name": "a/b"}]}, "a sheet's name"),
        ({"format": "xlsx", "filename": "a.xlsx", "sheets": [{"name": "A"}, {"name": "a"}]}, "two sheets"),
        ({"format": "xlsx", "filename": "a.xlsx", "sheets": [{"name": "A", "totals": {"id": "sum"}}]}, "`id` holds text"),
        ({"format": "xlsx", "filename": "a.xlsx", "sheets": [{"name": "A", "formats": {"born": "0.00"}}]}, "holds date"),
        ({"format": "xlsx", "filename": "a.xlsx", "sheets": [{"name": "A", "formats": {"born": "x"}}]}, "not a format"),
        (
            {"format": "xlsx", "filename": "a.xlsx", "sheets": [{"name": "A", "colours": [{"column": "id", "colour": "red"}]}]},
            "exactly one of",
        ),
        (
            {"format": "xlsx", "filename": "a.xlsx", "sheets": [
                {"name": "A", "charts": [{"kind": "pie", "title": "t", "labels": "idd", "values": ["id"]}]}]},
            "Did you mean `id`",
        ),
        ({"format": "ods", "filename": "a.ods", "sheets": [{"name": "A", "charts": []}]}, "Unknown key `charts`"),
        ({"format": "zip", "filename": "a.zip", "files": []}, "at least one entry"),
        (
            {"format": "zip", "filename": "a.zip", "files": [{"format": "zip", "filename": "b.zip", "files": []}]},
            "There is no format `zip` here",
        ),
        (
            {"format": "zip", "filename": "a.zip", "files": [
                {"format": "csv", "filename": "b.csv"}, {"format": "csv", "filename": "b.csv"}]},
            "two files have",
        ),
        (
            {"format": "zip", "filename": "a.zip", "files": [{"format": "csv", "filename": "b.csv", "columns": ["bron"]}]},
            "Did you mean `born`",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_words(tmp_path, output, words):
    assert words.lower() in refused(tmp_path, output).lower()


def test_a_mistake_within_a_file_of_a_zip_is_shown_at_its_line(tmp_path):
    files = [{"format": "xlsx", "filename": "b.xlsx", "sheets": [{"name": "A", "totals": {"born": "sum"}}]}]
    shown = refused(tmp_path, {"format": "zip", "filename": "a.zip", "files": files})
    assert "born: sum" in shown


def test_every_table_that_goes_back_with_its_columns(tmp_path):
    files = [
        {"format": "xlsx", "filename": "b.xlsx", "sheets": [{"name": "A", "columns": ["born"]}, {"name": "B"}]},
        {"format": "jsonl", "filename": "c.jsonl", "table": "more", "columns": ["id"]},
    ]
    sow = load(tmp_path, {"format": "zip", "filename": "a.zip", "files": files})
    assert {table: list(columns) for table, columns in sow.delivered.items()} == {
        "result": ["id", "born"],
        "more": ["id"],
    }
    assert sow.output.main.table == "result"
    assert sow.columns == ("born",)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("0", ("", False, 0, "")), ("#,##0.00 €", ("", True, 2, " €")), ("€ #,##0", ("€ ", True, 0, "")),
        ("0.0 %", ("", False, 1, " %")), ("0.0.0", None), ("abc", None), ("", None), ("=0", ("=", False, 0, "")),
    ],
)  # fmt: skip
def test_number_formats(code, wanted):
    found = number_format(code)
    assert (found and (found.before, found.grouped, found.places, found.after)) == wanted
