"""Patterns that cells have to match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.model import ColumnName, Regex
from backoffice.contract.step import Named, Step, listed


class Pattern(Step):
    """Keep cells that match a regular expression as a whole. Any other is blanked and counted."""

    step: Literal["pattern"] = "pattern"
    columns: dict[ColumnName, Regex] = Field(min_length=1)
    digits_only: bool = False
    """Take everything but digits out of the cell first."""

    @override
    def words(self) -> str:
        digits = ", reduced to digits," if self.digits_only else ""
        return f"Keep {', '.join(self.columns)}{digits} where the cell has its agreed form; blank it elsewhere."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("columns", self.columns)
