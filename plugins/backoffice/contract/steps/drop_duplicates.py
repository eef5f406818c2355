"""Exact duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


class DropDuplicates(Step):
    """Of rows that are equal, keep the most complete; of equally complete ones, the first.

    ``by`` names the columns that make rows equal; a row with an empty one of them equals no other. ``ignore`` names the
    columns that do not matter; all others have to be equal, and empty cells equal empty cells. Neither: all columns.
    """

    step: Literal["drop_duplicates"] = "drop_duplicates"
    by: tuple[ColumnName, ...] | None = Field(default=None, min_length=1)
    ignore: tuple[ColumnName, ...] | None = Field(default=None, min_length=1)
    ids: ColumnName | None = None
    """The client's own reference, to list what was merged."""
    list_as: ColumnName | None = None
    """The column that lists the references of merged rows, joined by ``;``. Empty where nothing was merged."""

    @model_validator(mode="after")
    def _belongs_together(self) -> DropDuplicates:
        if self.by and self.ignore:
            raise ValueError("say `by` or `ignore`, not both")
        if (self.ids is None) != (self.list_as is None):
            raise ValueError("`ids` and `list_as` belong together: say both or neither")
        return self

    @override
    def words(self) -> str:
        if self.by:
            equal = f"equal in {', '.join(self.by)}"
        else:
            equal = "equal" + (f" but for {', '.join(self.ignore)}" if self.ignore else "")
        return f"Of rows that are {equal}, keep the most complete."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("by", self.by)
        yield from listed("ignore", self.ignore)
        if self.ids:
            yield ("ids",), self.ids

    @override
    def columns_after(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return columns if self.list_as is None or self.list_as in columns else (*columns, self.list_as)

    @override
    def columns_made(self) -> Iterator[Named]:
        if self.list_as:
            yield ("list_as",), self.list_as
