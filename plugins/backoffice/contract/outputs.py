"""What goes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from backoffice.contract.model import ColumnName, Model, TableId, Text

__all__ = ["RESULT", "AnyOutput", "CsvOutput", "Output", "Part"]

RESULT = "result"
"""The table that the SOW's ``steps`` leave."""


class Part(Model):
    """A table, or some columns of one."""

    table: TableId = RESULT
    """The result of ``steps``, one of ``tables``, or a table that a step made."""
    columns: tuple[ColumnName, ...] | None = Field(default=None, min_length=1)
    """Left out: all of the table's."""


class Output(Part):
    """What all formats share. The file name is the same for every delivery: no client's data belongs in a name."""

    suffix: ClassVar[str] = ""
    filename: Text

    def parts(self) -> Iterator[tuple[tuple[str | int, ...], Part]]:
        """Every table that is delivered, with its place in the output."""
        yield (), self

    @field_validator("filename")
    @classmethod
    def _named_as_it_is(cls, name: str) -> str:
        if not re.fullmatch(rf"[a-z0-9][a-z0-9._-]{{0,99}}\{cls.suffix}", name) or ".." in name:
            raise ValueError(f"write a file name in lower case, digits, `-`, `_` and `.` that ends in `{cls.suffix}`")
        return name


class CsvOutput(Output):
    """A text file with separators: UTF-8, LF, a header."""

    suffix: ClassVar[str] = ".csv"
    format: Literal["csv"]


AnyOutput = Annotated[CsvOutput, Field(discriminator=None)]
