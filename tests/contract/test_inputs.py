"""What can be said about inputs, and what is a mistake."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from backoffice.contract import AnyInput, CsvInput, InputColumn, JsonLinesInput, ParquetInput, SpreadsheetInput

ONE: TypeAdapter[Any] = TypeAdapter(AnyInput)


def made(format_: str, **more: Any) -> Any:
    return ONE.validate_python({"format": format_, "columns": {"id": "required"}, **more})


@pytest.mark.parametrize(
    ("format_", "model"),
    [("csv", CsvInput), ("jsonl", JsonLinesInput), ("parquet", ParquetInput)]
    + [(one, SpreadsheetInput) for one in ("xlsx", "xls", "xlsb", "ods")],
)
def test_the_format_says_what_else_can_be_said(format_, model):
    assert isinstance(made(format_), model)


def test_a_column_has_a_short_and_a_long_form():
    columns = {"id": "optional", "email": {"header": "E-Mail"}, "name": {"need": "optional", "header": "Name, Vorname"}}
    assert made("csv", columns=columns).columns == {
        "id": InputColumn(need="optional"),
        "email": InputColumn(header="E-Mail"),
        "name": InputColumn(need="optional", header="Name, Vorname"),
    }
    assert dict(made("csv", columns=columns).kinds) == {"id": "text", "email": "text", "name": "text"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "docx"},
        {"format": "csv", "sheet": 1},
        {"format": "csv", "delimiter": ";;"},
        {"format": "csv", "header": False, "columns": {"id": {"header": "x"}}},
        {"format": "csv", "columns": {"id": "requird"}},
        {"format": "csv", "columns": {"id": {"heder": "x"}}},
        {"format": "csv", "member": "..\\x.csv"},
        {"format": "xlsx", "sheet": 0},
        {"format": "xlsx", "header_row": 0},
        {"format": "ods", "merged": "fill"},
        {"format": "xlsb", "merged": "fill"},
        {"format": "jsonl", "delimiter": ","},
    ],
)
def test_what_does_not_fit_is_a_mistake(wrong):
    with pytest.raises(ValidationError):
        ONE.validate_python({"columns": {"id": "required"}, **wrong})


def test_the_schema_knows_both_forms_of_a_column():
    schema = ONE.json_schema()
    column = schema["$defs"]["CsvInput"]["properties"]["columns"]["additionalProperties"]
    assert {"enum", "$ref"} == {key for one in column["anyOf"] for key in one if key != "type"}
    assert schema["discriminator"]["propertyName"] == "format"
