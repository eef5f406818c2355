"""Choosing columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


class Select(Step):
    """Keep these columns, in this order."""

    step: Literal["select"] = "select"
    columns: tuple[ColumnName, ...] = Field(min_length=1)

    @override
    def words(self) -> str:
        return f"Keep the columns {', '.join(self.columns)}, in this order."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("columns", self.columns)

    @override
    def columns_after(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return self.columns
