"""Reordering columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


class Reorder(Step):
    """Put these columns first, in this order; the others follow as they stood."""

    step: Literal["reorder"] = "reorder"
    first: tuple[ColumnName, ...] = Field(min_length=1)

    @override
    def words(self) -> str:
        return f"Put the columns {', '.join(self.first)} first."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("first", self.first)

    @override
    def columns_after(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return (*self.first, *(column for column in columns if column not in self.first))
