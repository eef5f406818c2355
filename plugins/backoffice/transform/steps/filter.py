"""Keeping and dropping rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model, Text
from backoffice.contract.step import AnyColumn, Example, NewTable, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import col, filled, table

if TYPE_CHECKING:
    from sqlglot import exp


class Condition(Model):
    """What one cell of a row has to be. Exactly one of the three."""

    column: AnyColumn
    filled: bool | None = None
    """``true``: not empty; ``false``: empty."""
    one_of: tuple[Text, ...] | None = None
    none_of: tuple[Text, ...] | None = None
    """An empty cell is none of them."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        if [self.filled, self.one_of, self.none_of].count(None) != 2:
            raise ValueError("say exactly one of `filled`, `one_of`, `none_of`")
        return self

    def words(self) -> str:
        """The condition, in words."""
        if self.one_of is not None:
            return f"{self.column} is {' or '.join(self.one_of)}"
        if self.none_of is not None:
            return f"{self.column} is not {' or '.join(self.none_of)}"
        return f"{self.column} is {'filled' if self.filled else 'empty'}"

    def holds(self) -> exp.Expr:
        """The condition, as SQL that is never empty itself."""
        from sqlglot import exp

        if self.filled is not None:
            return filled(self.column) if self.filled else exp.not_(filled(self.column))
        if self.one_of is not None:
            return exp.and_(filled(self.column), col(self.column).isin(*self.one_of))
        return exp.or_(exp.not_(filled(self.column)), exp.not_(col(self.column).isin(*(self.none_of or ()))))


class Filter(Step):
    """Keep the rows that meet every condition; drop and count the others."""

    step: Literal["filter"] = "filter"
    keep: tuple[Condition, ...] = Field(min_length=1)
    others_to: NewTable | None = None
    """The table that the other rows go to. Left out: they are dropped."""

    example: ClassVar[Example] = Example(
        """- step: filter
  keep:
    - {column: town, filled: true}
  others_to: without_town
""",
        before="""\
name,town
Ann,Graz
Bo,
""",
        after="""\
name,town
Ann,Graz
""",
        made={
            "without_town": """name,town
Bo,
"""
        },
    )
    blanks: ClassVar[str] = "An empty cell meets `filled: false` and any `none_of`, never `one_of`."

    @override
    def words(self) -> str:
        others = f"put the others into {self.others_to}" if self.others_to else "drop the others"
        return f"Keep the rows whose {' and '.join(condition.words() for condition in self.keep)}; {others}."

    @override
    def tables_made(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, dict[str, Kind]]:
        return {self.others_to: dict(columns)} if self.others_to else {}

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        meets = exp.and_(*(condition.holds() for condition in self.keep))
        every = exp.select(*map(col, (ROW, *source.columns))).from_(table(source.table))
        sides = {self.others_to: every.where(exp.not_(meets))} if self.others_to else {}
        return Rows(((source.name, every.where(meets)),), sides=sides)
