"""Cells that show only their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


class Mask(Step):
    """Show the first and the last signs of a cell only. A cell that has no more than those is hidden altogether."""

    step: Literal["mask"] = "mask"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    first: int = Field(default=0, ge=0, le=100)
    last: int = Field(default=0, ge=0, le=100)
    sign: str = Field(default="*", min_length=1, max_length=1)
    length: int | None = Field(default=None, ge=1, le=100)
    """How many signs stand for what is hidden. Left out: as many as are hidden, which tells how long it was."""

    example: ClassVar[Example] = Example(
        """- step: mask
  columns: [iban]
  first: 2
  last: 4
""",
        before="""\
name,iban
Ann,AT611904300234573201
Bo,AT61
""",
        after="""\
name,iban
Ann,AT**************3201
Bo,****
""",
    )

    @override
    def words(self) -> str:
        ends = [f"first {self.first}"] * bool(self.first) + [f"last {self.last}"] * bool(self.last)
        shown = f"all but the {' and '.join(ends)} signs" if ends else "all"
        return f"Hide {shown} of {', '.join(self.columns)}."

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: self._masked(col(name)) for name in self.columns}, loses=False)

    def _masked(self, cell: exp.Expr) -> exp.Expr:
        ends = self.first + self.last
        hidden = str(self.length) if self.length else "length(:cell)"
        rest = str(self.length) if self.length else f"(length(:cell) - {ends})"
        # substr counts from 1; right(…, 0) would be nothing, which is what is wanted.
        text = f"""case when length(:cell) <= {ends} then repeat(:sign, {hidden})
            else left(:cell, {self.first}) || repeat(:sign, {rest}) || right(:cell, {self.last}) end"""
        return sql(text, cell=cell, sign=self.sign)
