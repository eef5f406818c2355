"""What comes in: how a client's file, or one of several in a ZIP, is read into a table.

Every cell is read as text, in one way of writing whatever the format: a spreadsheet's date as YYYY-MM-DD, its numbers
with a point and without exponents. The steps say what the text means.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.documents import DocumentsInput
from backoffice.contract.incoming import Incoming
from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName, FileName, Model, Text

__all__ = [
    "AnyInput",
    "CsvInput",
    "DocumentsInput",
    "Input",
    "InputColumn",
    "JsonLinesInput",
    "Lookup",
    "ParquetInput",
    "SpreadsheetInput",
]

Need = Literal["required", "optional"]


def _delimiter(text: str) -> str:
    if text != "auto" and (len(text) != 1 or text.isalnum() or text in "\"'\n\r. "):
        raise ValueError('a delimiter is one sign, like `,` `;` `|` or `"\\t"`, or `auto`')
    return text


def _sheet(said: str | int) -> str | int:
    if isinstance(said, int) and said < 1:
        raise ValueError("sheets are numbered from 1")
    if isinstance(said, str) and not said.strip():
        raise ValueError("a sheet has a name, or a number from 1")
    return said


Sheet = Annotated[str | int, AfterValidator(_sheet)]
Delimiter = Annotated[str, AfterValidator(_delimiter)]


class InputColumn(Model):
    """A column, and how it is found."""

    need: Need = "required"
    """Whether it has to be there. This does not say whether its cells have to be filled."""
    header: Text | None = None
    """What stands above it in the file, if that is not what the SOW calls it. In JSON lines its key, or the way to it
    within nested values: ``/address/city`` (RFC 6901)."""


def _long_form(said: Any) -> Any:
    return said if isinstance(said, dict | InputColumn) else {"need": said}


Column = Annotated[InputColumn, BeforeValidator(_long_form, json_schema_input_type=Need | InputColumn)]


class Input(Incoming):
    """What all formats of tables share."""

    null_markers: tuple[Text, ...] = ()
    """What the client writes for "nothing", like ``n/a``; case does not matter. An empty cell always is."""
    columns: dict[ColumnName, Column] = Field(min_length=1)
    """``name: required`` or ``name: optional``; where the file calls it something else,
    ``name: {header: E-Mail, need: optional}``. Upper and lower case and white space around headers do not matter.
    An optional column that is missing is empty."""
    extra_columns: Literal["refuse", "drop"] = "refuse"
    """What to do with a file that has other columns too: refuse it, or drop them unread (P11)."""

    @property
    @override
    def kinds(self) -> dict[str, Kind]:
        return dict.fromkeys(self.columns, Kind.TEXT)

    @property
    @override
    def agreed(self) -> dict[str, tuple[Any, ...]]:
        return {name: ("columns", name) for name in self.columns}


class CsvInput(Input):
    """A text file with separators."""

    format: Literal["csv"]
    encoding: Literal["auto", "utf-8", "utf-16", "cp1252", "latin-1"] = "auto"
    """``auto``: a byte-order mark decides; else UTF-8 where the file is that throughout; else Windows-1252."""
    delimiter: Delimiter = "auto"
    """``auto``: the one of ``,`` ``;`` tab and ``|`` under which the header has the agreed columns."""
    header: bool = True
    """Whether the first line names the columns. If not, they stand in the order given here, and all of them."""
    max_line_bytes: int = Field(default=1024**2, ge=1024, le=64 * 1024**2)

    @model_validator(mode="after")
    def _by_place_or_by_name(self) -> Self:
        if not self.header and any(one.header for one in self.columns.values()):
            raise ValueError("`header: false` means that columns are found by their place, so none has a `header`")
        return self


class SpreadsheetInput(Input):
    """A sheet of a workbook. Formulas are not worked out: what the program that saved it has shown is read."""

    format: Literal["xlsx", "xls", "xlsb", "ods"]
    sheet: Sheet | None = None
    """Its name (case does not matter) or its number, from 1; left out: the first that is not hidden."""
    header_row: int = Field(default=1, ge=1, le=1000)
    """The row that names the columns, as the program numbers it; what is above it is not read."""
    skip_below_header: int = Field(default=0, ge=0, le=1000)
    """Rows below the header that are no data: units, explanations."""
    merged: Literal["first", "fill"] = "first"
    """What a cell that was merged of several means: ``first`` leaves its value in the first and the rest empty, as the
    program does; ``fill`` gives it to all of them. XLSX and XLS only."""

    @model_validator(mode="after")
    def _merged_are_known(self) -> Self:
        if self.merged == "fill" and self.format in ("xlsb", "ods"):
            raise ValueError(f"`merged: fill` is for xlsx and xls; merged cells of {self.format} are not known")
        return self


class JsonLinesInput(Input):
    """A text file (UTF-8) with one JSON object in each line. Its keys are the columns; case matters."""

    format: Literal["jsonl"]
    max_line_bytes: int = Field(default=1024**2, ge=1024, le=64 * 1024**2)


class ParquetInput(Input):
    """A Parquet file; nested columns cannot be agreed."""

    format: Literal["parquet"]


AnyInput = Annotated[
    CsvInput | SpreadsheetInput | JsonLinesInput | ParquetInput | DocumentsInput, Field(discriminator="format")
]


class Lookup(Model):
    """A table of ours that belongs to the SOW: a CSV file (UTF-8, commas, header) in ``lookups/`` beside it."""

    file: FileName
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    """The header's names, all of them, in any order."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """Its columns: text, as an input's."""
        return dict.fromkeys(self.columns, Kind.TEXT)
