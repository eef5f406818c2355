"""Renaming columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


class Rename(Step):
    """Give columns other names; ``columns`` maps old to new."""

    step: Literal["rename"] = "rename"
    columns: dict[ColumnName, ColumnName] = Field(min_length=1)

    @override
    def words(self) -> str:
        return f"Rename {', '.join(f'{old} to {new}' for old, new in self.columns.items())}."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("columns", self.columns)

    @override
    def columns_after(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self.columns.get(column, column) for column in columns)
