"""Documents that come in: invoices, forms and letters as PDF or scan, one row each.

What is read of a document is agreed field by field: right of a label, below one, or by the form of the text. Everything
else in it is never kept (P11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.incoming import Incoming
from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName, Model, Regex, TableId, Text

__all__ = [
    "CONFIDENCE",
    "DOCUMENT",
    "FACTS",
    "LANGUAGES",
    "DocumentField",
    "DocumentTable",
    "DocumentsInput",
    "Language",
    "columns_of",
    "rows_of",
]

CONFIDENCE = "_confidence"
"""Ends the name of the column that says how sure the reading of a field is."""
DOCUMENT = "document"
"""The column that says which document of the drop a row is of."""
FACTS: dict[str, Kind] = {
    DOCUMENT: Kind.INTEGER,
    "file_type": Kind.TEXT,
    "pages": Kind.INTEGER,
    "read_from": Kind.TEXT,
}
"""What every row says of its document: its number in the drop, from 1, in the order of the names in the ZIP; ``pdf``,
``png``, ``jpg`` or ``tif``; its pages; ``text``, ``ocr`` or, where its pages differ, ``both``."""
_LINE_FACTS: dict[str, Kind] = {DOCUMENT: Kind.INTEGER, "page": Kind.INTEGER, "line": Kind.INTEGER}


def columns_of(fields: Iterable[str], *, taken: Iterable[str] = ()) -> dict[str, Kind]:
    """The columns of documents with these fields.

    :param taken: those of them that do not stand at a place: nothing is said of how sure they are.
    """
    every, without = list(fields), set(taken)
    sure = [name + CONFIDENCE for name in every if name not in without]
    return {**FACTS, **dict.fromkeys(every, Kind.TEXT), **dict.fromkeys(sure, Kind.NUMBER)}


def rows_of(columns: Iterable[str]) -> dict[str, Kind]:
    """The columns of a table within documents: document, page, number of the row in the document, those that are agreed,
    and how sure the reading of the row is."""
    return {**_LINE_FACTS, **dict.fromkeys(columns, Kind.TEXT), "confidence": Kind.NUMBER}


Language = Literal["deu", "eng", "fra", "ita", "slv"]
"""What a scan is written in: as ISO 639-2 names languages."""
LANGUAGES: dict[Language, str] = {
    "deu": "German",
    "eng": "English",
    "fra": "French",
    "ita": "Italian",
    "slv": "Slovene",
}
"""What people call them."""


def _label(text: str) -> str:
    if not re.search(r"\w", text) or len(text) > 200:
        raise ValueError("a label has letters or digits, and at most 200 signs")
    return text


Label = Annotated[Text, AfterValidator(_label)]
"""What stands beside or above a value. Case, white space and a colon after it do not matter."""


def _one_group(pattern: str) -> str:
    if re.compile(re.sub(r"\\[pP](\{\^?\w+\}|\w)", "x", pattern).replace("\\z", "")).groups > 1:
        raise ValueError("a pattern has at most one group `( )`: what is in it is the value. Others begin with `(?:`")
    return pattern


ValuePattern = Annotated[Regex, AfterValidator(_one_group)]
"""A regular expression (RE2). It may match anywhere in the text; its group ``( )``, if it has one, is the value."""


class DocumentField(Model):
    """Where a value stands in a document. Without a label, ``pattern`` is looked for in all of its text."""

    right_of: tuple[Label, ...] = Field(default=(), max_length=50)
    """Labels that stand left of it, in the same line: the first of them that has such a value counts."""
    below: tuple[Label, ...] = Field(default=(), max_length=50)
    """Labels that stand above it. Tried after those of ``right_of``."""
    lines: int = Field(default=1, ge=1, le=20)
    """With ``below``: how many lines are read, as an address has several."""
    pattern: ValuePattern | None = None
    """What of the text there is the value. Left out: right of a label all up to the next wide gap, below it the whole line."""
    take: Literal["file_name", "text"] | None = None
    """Instead of a place: ``file_name``, the file's name in the ZIP; ``text``, all that the document says."""
    pages: Literal["all", "first", "last"] = "all"
    """Where it is looked for."""
    which: Literal["first", "last"] = "first"
    """Which one counts, where a label or a pattern is there several times."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        placed = bool(self.right_of or self.below or self.pattern)
        if placed == (self.take is not None):
            raise ValueError("say where it stands: `right_of`, `below` or `pattern`; or `take` alone")
        if self.lines > 1 and not self.below:
            raise ValueError("`lines` belongs to `below`")
        return self


class DocumentTable(Model):
    """A table within each document, like an invoice's items: a row each, in a further table of the SOW."""

    columns: dict[ColumnName, tuple[Label, ...]] = Field(min_length=1)
    """Its columns, and what may stand above each of them. They stand in one line; a column that is not found is empty."""
    starts: ColumnName | None = None
    """The column that is filled where a row begins: a line without it goes on with the row above. Left out: the first."""
    ends_at: tuple[Label, ...] = ()
    """Labels of the line after the last row. Left out: it goes on to the end of the page."""

    @model_validator(mode="after")
    def _labelled(self) -> Self:
        bare = [name for name, labels in self.columns.items() if not labels]
        if bare:
            raise ValueError(f"say what stands above `{bare[0]}`")
        if self.starts is not None and self.starts not in self.columns:
            raise ValueError(f"`starts` names one of its columns: {', '.join(self.columns)}")
        taken = [name for name in self.columns if name in (*_LINE_FACTS, "confidence")]
        if taken:
            raise ValueError(f"each row has a column `{taken[0]}` of ours; choose another name")
        return self

    @property
    def kinds(self) -> dict[str, Kind]:
        """As :func:`rows_of` says."""
        return rows_of(self.columns)


class DocumentsInput(Incoming):
    """A PDF, a picture of a page (PNG, JPEG, TIFF), or a ZIP of them: one row for each document.

    Besides its columns each row has ``document``, ``file_type``, ``pages``, ``read_from``, and for each field how sure its
    reading is: ``total_confidence`` from 0 to 1, and 1 where it was text already.
    """

    format: Literal["documents"]
    languages: tuple[Language, ...] = Field(default=(), max_length=5)
    """What scans are written in, the main one first. Left out: a page that is a picture refuses the file."""
    dpi: int = Field(default=300, ge=100, le=600)
    """How finely a page of a PDF is drawn before it is recognised; dots per inch."""
    max_documents: int = Field(default=1000, ge=1, le=10_000)
    max_pages: int = Field(default=100, ge=1, le=2000)
    """Of one document."""
    columns: dict[ColumnName, DocumentField] = Field(min_length=1)
    """Each field by its name, and where it stands: ``number: {right_of: [Invoice no.]}``."""
    tables: dict[TableId, DocumentTable] = Field(default_factory=dict)
    """Tables within the documents: each is a further table of the SOW, and ``document`` says where its rows are from."""

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        for name in self.columns:
            if name in FACTS:
                raise ValueError(f"each row has a column `{name}` of ours; choose another name")
            if name.endswith(CONFIDENCE) and name.removesuffix(CONFIDENCE) in self.columns:
                raise ValueError(f"`{name}` is a column of ours; choose another name")
        return self

    @property
    def fields(self) -> dict[str, DocumentField]:
        """The columns that stand somewhere in the document."""
        return {name: one for name, one in self.columns.items() if one.take is None}

    @property
    @override
    def kinds(self) -> dict[str, Kind]:
        return columns_of(self.columns, taken=(name for name in self.columns if name not in self.fields))

    @property
    @override
    def more_kinds(self) -> dict[str, dict[str, Kind]]:
        return {name: one.kinds for name, one in self.tables.items()}

    @property
    @override
    def agreed(self) -> dict[str, tuple[Any, ...]]:
        found: dict[str, tuple[Any, ...]] = {name: ("columns", name) for name in self.columns}
        for name, one in self.tables.items():
            found |= {column: ("tables", name, "columns", column) for column in one.columns if column not in found}
        return found
