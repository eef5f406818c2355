"""What goes back: one file in an agreed format, or several in a ZIP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from typing_extensions import override

from backoffice.contract.documents import DOCUMENT
from backoffice.contract.inputs import Delimiter
from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Model, TableId, Text
from backoffice.contract.parts import RESULT, Chart, DateFormat, Fault, Part, Shown

__all__ = [
    "REPORT_NAMES",
    "RESULT",
    "AnyFile",
    "AnyOutput",
    "CsvOutput",
    "FiledDocuments",
    "JsonlOutput",
    "OdsOutput",
    "Output",
    "ParquetOutput",
    "Part",
    "PdfOutput",
    "Section",
    "Sheet",
    "XlsxOutput",
    "XlsxSheet",
    "ZipOutput",
]

Loc = tuple[str | int, ...]
REPORT_NAMES = ("report.html", "report.pdf")
"""What the job's own report is called, beside the delivery."""


class Output(Model):
    """What all formats share. The file name is the same for every delivery: no client's data belongs in a name."""

    suffix: ClassVar[str] = ""
    filename: Text

    def parts(self) -> Iterator[tuple[Loc, Part]]:
        """Every table that is delivered, with its place in the output; the main one first."""
        raise NotImplementedError

    @property
    def main(self) -> Part:
        """The main table: the first that is written."""
        return next(self.parts())[1]

    @field_validator("filename")
    @classmethod
    def _named_as_it_is(cls, name: str) -> str:
        if not re.fullmatch(rf"[a-z0-9][a-z0-9._-]{{0,99}}\{cls.suffix}", name) or ".." in name:
            raise ValueError(f"write a file name in lower case, digits, `-`, `_` and `.` that ends in `{cls.suffix}`")
        if name in REPORT_NAMES:
            raise ValueError("the job's own report has that name; choose another")
        return name


class OneTable(Part, Output):
    """A format that holds one table."""

    @override
    def parts(self) -> Iterator[tuple[Loc, Part]]:
        yield (), self


class SeveralParts(Output):
    """A format that holds several. ``table`` and ``columns`` are those of the main one."""

    @property
    def table(self) -> str:
        """The main table."""
        return self.main.table

    @property
    def columns(self) -> tuple[ColumnName, ...] | None:
        """Its columns."""
        return self.main.columns


class CsvOutput(OneTable):
    """A text file with separators. As it stands here: UTF-8, commas, LF, a header, quotes where they are needed."""

    suffix: ClassVar[str] = ".csv"
    format: Literal["csv"]
    delimiter: Delimiter = ","
    encoding: Literal["utf-8", "utf-8-sig", "cp1252", "utf-16"] = "utf-8"
    """``utf-8-sig``: with the mark that makes Excel read it right. ``utf-16``: little-endian, with its mark."""
    unencodable: Literal["stop", "transliterate", "replace"] = "stop"
    """What becomes of a sign that the encoding does not have. ``stop``: nothing is delivered, and an operator hears how
    many there are. ``transliterate``: the nearest Latin letters (``Ł`` to ``L``). ``replace``: a question mark."""
    line_ends: Literal["lf", "crlf"] = "lf"
    quotes: Literal["needed", "text", "all"] = "needed"
    """``text``: around every filled cell of a text column too. ``all``: around every cell, empty ones too."""
    header: bool = True
    decimal: Literal["point", "comma"] = "point"
    decimals: dict[ColumnName, Annotated[int, Field(ge=0, le=6)]] = Field(default_factory=dict)
    """At least so many places after the point. A number is never rounded in writing; noughts at its end are left out."""
    dates: DateFormat = "YYYY-MM-DD"

    @model_validator(mode="after")
    def _apart(self) -> CsvOutput:
        if self.decimal == "comma" and self.delimiter == ",":
            raise ValueError("with a decimal comma choose another `delimiter`, like `;`")
        if self.delimiter == "auto":
            raise ValueError("`auto` is for reading; name the `delimiter`")
        return self

    @override
    def named(self):
        from backoffice.contract.kind import Kind

        for name in self.decimals:
            yield ("decimals", name), name, frozenset({Kind.NUMBER, Kind.INTEGER})


class JsonlOutput(OneTable):
    """JSON lines (UTF-8, LF): one object per row. Empty cells are ``null``, numbers exact, dates text."""

    suffix: ClassVar[str] = ".jsonl"
    format: Literal["jsonl"]


class ParquetOutput(OneTable):
    """Apache Parquet (zstd), with types: numbers as decimal(18, 6), dates, timestamps without a zone."""

    suffix: ClassVar[str] = ".parquet"
    format: Literal["parquet"]


def _sheet_name(text: str) -> str:
    if (
        len(text) > 31
        or re.search(r"[\[\]:*?/\\]", text)
        or text[0] == "'"
        or text[-1] == "'"
        or not text.isprintable()
    ):
        raise ValueError("a sheet's name has at most 31 signs, none of `[]:*?/\\`, and no apostrophe at its ends")
    if text.casefold() == "history":
        raise ValueError("Excel keeps the name `History` for itself; choose another")
    return text


class Sheet(Shown):
    """One sheet of a workbook."""

    name: Annotated[Text, AfterValidator(_sheet_name)]
    frozen_header: bool = True
    filter: bool = True


class XlsxSheet(Sheet):
    """One sheet, with charts to the right of the table."""

    charts: tuple[Chart, ...] = Field(default=(), max_length=12)


class _Workbook(SeveralParts):
    apostrophes: bool = False
    """Whether cells that look like formulas get an apostrophe in front, as in CSV. They are text and cannot run in the
    workbook either way; this is for a client who saves a sheet as CSV and opens that."""

    @override
    def parts(self) -> Iterator[tuple[Loc, Part]]:
        for index, sheet in enumerate(self._sheets):
            yield ("sheets", index), sheet

    @property
    def _sheets(self) -> tuple[Sheet, ...]:
        return getattr(self, "sheets", ())

    @model_validator(mode="after")
    def _once(self):
        names = [sheet.name.casefold() for sheet in self._sheets]
        if len(set(names)) < len(names):
            raise ValueError("two sheets have the same name")
        return self


class XlsxOutput(_Workbook):
    """An Excel workbook: text as text, numbers and dates as such, one sheet per part."""

    suffix: ClassVar[str] = ".xlsx"
    format: Literal["xlsx"]
    sheets: tuple[XlsxSheet, ...] = Field(default=(XlsxSheet(name="Result"),), min_length=1, max_length=100)


class OdsOutput(_Workbook):
    """An OpenDocument spreadsheet, as LibreOffice writes it. Without charts."""

    suffix: ClassVar[str] = ".ods"
    format: Literal["ods"]
    sheets: tuple[Sheet, ...] = Field(default=(Sheet(name="Result"),), min_length=1, max_length=100)


class Section(Shown):
    """One part of a report: a heading, words, charts, a table."""

    heading: Text | None = None
    text: Text | None = None
    rows: int = Field(default=200, ge=0, le=5000)
    """How many rows are printed at most; the report says how many there are. 0: no table."""
    charts: tuple[Chart, ...] = Field(default=(), max_length=12)


class PdfOutput(SeveralParts):
    """A report to read and print: A4, PDF 1.7, tagged for screen readers."""

    suffix: ClassVar[str] = ".pdf"
    format: Literal["pdf"]
    title: Text
    subtitle: Text | None = None
    landscape: bool = False
    sections: tuple[Section, ...] = Field(default=(Section(),), min_length=1, max_length=50)

    @override
    def parts(self) -> Iterator[tuple[Loc, Part]]:
        for index, section in enumerate(self.sections):
            yield ("sections", index), section


AnyFile = Annotated[
    CsvOutput | XlsxOutput | OdsOutput | JsonlOutput | ParquetOutput | PdfOutput, Field(discriminator="format")
]


def _folder(name: str) -> str:
    if re.fullmatch("con|prn|aux|nul|(com|lpt)[0-9]", name):
        raise ValueError("Windows keeps that name for itself; choose another")
    return name


Folder = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_-]{0,39}$"), AfterValidator(_folder)]
"""In a ZIP: lower case, digits, ``-`` and ``_``. So it is never the name of a file, which has a point in it."""


class _Paths(Part):
    """Of the table that says where documents are filed, what is needed for it."""

    @override
    def faults(self, columns: Columns) -> Iterator[Fault]:
        for name, kind in zip(self.columns or (), (Kind.INTEGER, Kind.TEXT), strict=True):
            if name in columns and columns[name] is not kind:
                fault = f"`{name}` holds {columns[name]}; where documents are filed is said by {kind}."
                yield ("path",), fault, "`file_documents` makes the paths; the column `document` stays as it came in."


class FiledDocuments(Model):
    """The documents that came in, as they came in, each under its path."""

    path: ColumnName
    """The column that holds the path, as the step ``file_documents`` makes it."""
    table: TableId = RESULT
    """Its table, with a row for each document to be filed and the column ``document``. Where several rows name the same
    document, the first counts."""
    of: TableId = "input"
    """The input whose documents they are."""
    folder: Folder = "documents"
    """Where they lie in the ZIP."""
    others: Folder | None = None
    """The folder for documents that no row names, like those in the review sheet: by number, as ``7.pdf``. Left out: they
    are not delivered."""

    @model_validator(mode="after")
    def _apart(self) -> FiledDocuments:
        if self.others == self.folder:
            raise ValueError("`others` is a folder of its own")
        return self


class ZipOutput(SeveralParts):
    """Several files, each an output of its own. The first holds the main table."""

    suffix: ClassVar[str] = ".zip"
    format: Literal["zip"]
    files: tuple[AnyFile, ...] = Field(min_length=1, max_length=100)
    documents: FiledDocuments | None = None
    """The documents that came in, filed beside them."""

    @override
    def parts(self) -> Iterator[tuple[Loc, Part]]:
        for index, file in enumerate(self.files):
            for loc, part in file.parts():
                yield ("files", index, *loc), part
        if self.documents is not None:
            yield ("documents",), _Paths(table=self.documents.table, columns=(DOCUMENT, self.documents.path))

    @model_validator(mode="after")
    def _once(self) -> ZipOutput:
        names = [file.filename for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        return self


AnyOutput = Annotated[
    CsvOutput | XlsxOutput | OdsOutput | JsonlOutput | ParquetOutput | PdfOutput | ZipOutput,
    Field(discriminator="format"),
]
