"""Patterns that cells have to match."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.model import Regex
from backoffice.contract.step import Example, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql


class Pattern(Step):
    """Keep cells that match a regular expression as a whole. Any other is unreadable."""

    step: Literal["pattern"] = "pattern"
    columns: dict[TextColumn, Regex] = Field(min_length=1)
    digits_only: bool = False
    """Take everything but digits out of the cell first."""
    unreadable: Unreadable = "blank"

    example: ClassVar[Example] = Example(
        """- step: pattern
  columns: {postcode: "[0-9]{4}"}
""",
        before="""\
town,postcode
Graz,8010
Ulm,89o77
""",
        after="""\
town,postcode
Graz,8010
Ulm,
""",
    )

    @override
    def words(self) -> str:
        digits = ", reduced to digits," if self.digits_only else ""
        return f"Keep {', '.join(self.columns)}{digits} where the cell has its agreed form."

    @override
    def compile(self, source: Source) -> Cells:
        asked = {name: f"_digits_{place}" if self.digits_only else name for place, name in enumerate(self.columns)}
        text = "case when regexp_full_match(:cell, :pattern) then :cell end"
        cells = {name: sql(text, cell=col(asked[name]), pattern=pattern) for name, pattern in self.columns.items()}
        if not self.digits_only:
            return Cells(cells, unreadable=self.unreadable)
        digits = {asked[name]: sql("regexp_replace(:cell, '[^0-9]', '', 'g')", cell=col(name)) for name in asked}
        return Cells(cells, unreadable=self.unreadable, before=(digits,))
