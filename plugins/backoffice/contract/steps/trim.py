"""Trim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


class Trim(Step):
    """Take white space off both ends, and make one blank of any run within. A cell with nothing else becomes empty."""

    step: Literal["trim"] = "trim"
    columns: tuple[ColumnName, ...] | None = None
    """Left out: every column."""

    @override
    def words(self) -> str:
        where = ", ".join(self.columns) if self.columns else "every column"
        return f"Take superfluous white space out of {where}."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("columns", self.columns)
