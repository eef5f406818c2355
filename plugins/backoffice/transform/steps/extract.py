"""Parts of a cell by their form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Regex
from backoffice.contract.step import Example, NewColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


class Extract(Step):
    """Take what the groups of a regular expression find into new columns: at the first place where it matches."""

    step: Literal["extract"] = "extract"
    column: TextColumn
    pattern: Regex
    """RE2; one ``( )`` for each new column. It may match anywhere: ``^`` and ``$`` hold it to the cell's ends."""
    into: tuple[NewColumn, ...] = Field(min_length=1)
    ignore_case: bool = False
    unreadable: Literal["blank", "reject", "stop"] = "blank"
    """What becomes of a filled cell in which it does not match."""

    example: ClassVar[Example] = Example(
        """- step: extract
  column: street
  pattern: "^(.*?) +([0-9]+[a-z]?)$"
  into: [road, number]
""",
        before="""\
street
Main Street 12a
At the church
""",
        after="""\
street,road,number
Main Street 12a,Main Street,12a
At the church,,
""",
    )
    blanks: ClassVar[str] = "An empty cell, and one in which nothing is found, gives empty ones."

    @model_validator(mode="after")
    def _a_column_each(self) -> Extract:
        groups = re.compile(self.pattern).groups
        if groups != len(self.into):
            raise ValueError(f"`pattern` has {groups} groups `( )`, `into` has {len(self.into)} columns")
        return self

    @override
    def words(self) -> str:
        return f"Take {', '.join(self.into)} out of {self.column}, where it has the agreed form."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {**columns, **dict.fromkeys(self.into, Kind.TEXT)}

    @override
    def compile(self, source: Source) -> Cells:
        pattern = f"(?i){self.pattern}" if self.ignore_case else self.pattern
        cells: dict[str, exp.Expr] = {}
        for place, name in enumerate(self.into, start=1):
            text = f"nullif(regexp_extract(:cell, :pattern, {place}), '')"
            cells[name] = sql(text, cell=col(self.column), pattern=pattern)
        # A group that may find nothing has lost nothing where the whole matches.
        missed = ":cell is not null and not regexp_matches(:cell, :pattern)"
        lost = sql(missed, cell=col(self.column), pattern=pattern)
        return Cells(
            cells,
            reads=dict.fromkeys(self.into, self.column),
            lost=dict.fromkeys(self.into, lost),
            unreadable=self.unreadable,
        )
