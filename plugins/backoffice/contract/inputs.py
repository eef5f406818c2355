"""What comes in: how a client's file, or one of several in a ZIP, is read into a table.

Every cell is read as text, in one way of writing whatever the format: a spreadsheet's date as YYYY-MM-DD, its numbers
with a point and without exponents. The steps say what the text means.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName, FileName, Model, Text

__all__ = ["AnyInput", "CsvInput", "Input", "Lookup"]

Need = Literal["required", "optional"]


def _delimiter(text: str) -> str:
    if text != "auto" and (len(text) != 1 or text.isalnum() or text in "\"'\n\r. "):
        raise ValueError('a delimiter is one sign, like `,` `;` `|` or `"\\t"`, or `auto`')
    return text


Delimiter = Annotated[str, AfterValidator(_delimiter)]


class Input(Model):
    """What all formats share."""

    member: Text | None = None
    """Which file it is where the client sends a ZIP: its name, with ``*`` for any signs. Case does not matter."""
    null_markers: tuple[Text, ...] = ()
    """What the client writes for "nothing", like ``n/a``; case does not matter. An empty cell always is."""
    max_bytes: int = Field(default=1024**3, ge=1)
    columns: dict[ColumnName, Need] = Field(min_length=1)
    """The header's names; upper and lower case and white space around them do not matter. An optional column that is
    missing is empty. This says whether the column has to be there, not whether its cells have to be filled."""
    extra_columns: Literal["refuse", "drop"] = "refuse"
    """What to do with a file that has other columns too: refuse it, or drop them unread (P11)."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns of the table that it becomes."""
        return dict.fromkeys(self.columns, Kind.TEXT)


class CsvInput(Input):
    """A text file with separators."""

    format: Literal["csv"]
    encoding: Literal["auto", "utf-8", "utf-16", "cp1252", "latin-1"] = "auto"
    """``auto``: a byte-order mark decides; else UTF-8 where the file is that throughout; else Windows-1252."""
    delimiter: Delimiter = ","
    header: bool = True
    """Whether the first line names the columns. If not, they stand in the order given here, and all of them."""
    max_line_bytes: int = Field(default=1024**2, ge=1024, le=64 * 1024**2)


AnyInput = Annotated[CsvInput, Field(discriminator=None)]


class Lookup(Model):
    """A table of ours that belongs to the SOW: a CSV file (UTF-8, commas, header) in ``lookups/`` beside it."""

    file: FileName
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    """The header's names, all of them, in any order."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """Its columns: text, as an input's."""
        return dict.fromkeys(self.columns, Kind.TEXT)
