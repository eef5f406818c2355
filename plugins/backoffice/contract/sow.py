"""The Statement of Work: what comes in, what is done to it, what goes back, and when it is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PrivateAttr

from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.contract.model import ColumnName, Model, Slug, Text
from backoffice.contract.step import Step
from backoffice.contract.steps import AnyStep

__all__ = ["InputSpec", "OutputSpec", "Retention", "RetentionRule", "Sow", "column_faults"]

Loc = tuple[str | int, ...]


def _delimiter(text: str) -> str:
    if len(text) != 1 or text.isalnum() or text in "\"'\n\r. ":
        raise ValueError('a delimiter is one sign, like `,` `;` `|` or `"\\t"`')
    return text


def _file_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}\.csv", text) or ".." in text:
        raise ValueError("write a file name in lower case, digits, `-`, `_` and `.` that ends in `.csv`")
    return text


Delimiter = Annotated[str, AfterValidator(_delimiter)]


class InputSpec(Model):
    """How the client's file is read."""

    format: Literal["csv"]
    encoding: Literal["auto", "utf-8", "utf-16", "cp1252", "latin-1"] = "auto"
    """``auto``: a byte-order mark decides; else UTF-8 where the file is that throughout; else Windows-1252."""
    delimiter: Delimiter = ","
    header: bool = True
    """Whether the first line names the columns. If not, they stand in the order given here, and all of them."""
    null_markers: tuple[Text, ...] = ()
    """What the client writes for "nothing", like ``n/a``; case does not matter. An empty cell always is."""
    max_bytes: int = Field(default=1024**3, ge=1)
    max_line_bytes: int = Field(default=1024**2, ge=1024, le=64 * 1024**2)
    columns: dict[ColumnName, Literal["required", "optional"]] = Field(min_length=1)
    """The header's names; upper and lower case and white space around them do not matter. An optional column that is
    missing is empty. This says whether the column has to be there, not whether its cells have to be filled."""
    extra_columns: Literal["refuse", "drop"] = "refuse"
    """What to do with a file that has other columns too: refuse it, or drop them unread (P11)."""


class OutputSpec(Model):
    """What goes back."""

    format: Literal["csv"]
    filename: Annotated[str, AfterValidator(_file_name)]
    """The same for every delivery: nothing of a client's data belongs in a name."""
    columns: tuple[ColumnName, ...] | None = Field(default=None, min_length=1)
    """Left out: the columns that the last step leaves."""


class RetentionRule(Model):
    """How long results are kept."""

    until: Literal["acceptance"]
    at_most_days: int = Field(ge=1, le=365)
    """The deadline, whatever happens; days after delivery."""


class Retention(Model):
    """When what is deleted. Originals and intermediates go as soon as the result is delivered."""

    results: RetentionRule


class Sow(Model):
    """One project's Statement of Work, as in ``sow/<client>/<name>.yaml``."""

    title: Text
    owner: Text
    """Which of us answers for it: a team or a role, shown in the UI."""
    description: Text
    purpose: Slug
    """One of the DPA's purposes (P11)."""
    input: InputSpec
    steps: tuple[AnyStep, ...] = Field(min_length=1)
    output: OutputSpec
    approval: bool
    """Whether one of us looks at the result before it is delivered."""
    retention: Retention
    signers: tuple[Slug, ...] = Field(min_length=1)
    """Whose signature a drop may carry: names under which the client's OpenPGP certificates are enrolled."""

    _path: Path = PrivateAttr(default=Path())
    _digest: str = PrivateAttr(default="")

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    @property
    def name(self) -> str:
        """The SOW's name: its file's, without the ending."""
        return self._path.stem

    @property
    def client(self) -> str:
        """The client's name: the folder's."""
        return self._path.parent.name

    @property
    def digest(self) -> str:
        """SHA-256 of that file, in hexadecimal."""
        return self._digest

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the result."""
        columns = tuple(self.input.columns)
        for step in self.steps:
            columns = step.columns_after(columns)
        return self.output.columns or columns


def column_faults(
    columns: tuple[str, ...], steps: list[tuple[int, Step | None]], output: tuple[str, ...] | None
) -> Iterator[tuple[Loc, str, str]]:
    """Follow the columns through the steps. ``None`` stands for a step that cannot be read: what follows is unknown.

    Yields the place, what is wrong, and what to do.
    """
    told = _twice(columns)
    if twice := told:
        yield ("input", "columns", twice), f"Two columns are called `{twice}` but for upper and lower case.", ""
    made: set[str] = set()
    for index, step in steps:
        if step is None:
            return
        for loc, column in step.columns_named():
            if column not in columns:
                fault = f"No column is called `{column}` at this step."
                yield ("steps", index, *loc), fault, did_you_mean(column, columns) or one_of(columns)
        for loc, column in step.columns_made():
            if column in columns and column not in made:
                yield ("steps", index, *loc), f"The input has a column `{column}` already.", "Choose another name."
            made.add(column)
        columns = step.columns_after(columns)
        if (twice := _twice(columns)) and twice != told:
            told = twice
            yield ("steps", index), f"After this step two columns are called `{twice}`.", "Each name may be there once."
    for index, column in enumerate(output or ()):
        if column not in columns:
            fault = f"No column is called `{column}` in the result."
            yield ("output", "columns", index), fault, did_you_mean(column, columns) or one_of(columns)
    if twice := _twice(output or ()):
        yield ("output", "columns"), f"`{twice}` is here twice.", "Each column may be there once."


def _twice(columns: tuple[str, ...]) -> str | None:
    seen: set[str] = set()
    for column in columns:
        if column.casefold() in seen:
            return column
        seen.add(column.casefold())
    return None
