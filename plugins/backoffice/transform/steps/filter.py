"""Keeping and dropping rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import Example, NewTable, Step
from backoffice.transform.conditions import Condition
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import col, table


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
    - any_of:
        - {column: name, starts_with: A}
        - {column: town, one_of: [Ulm]}
  others_to: others
""",
        before="""\
name,town
Ann,Graz
Bo,
Cy,Ulm
Di,Rome
""",
        after="""\
name,town
Ann,Graz
Cy,Ulm
""",
        made={
            "others": """name,town
Bo,
Di,Rome
"""
        },
    )
    blanks: ClassVar[str] = "An empty cell meets `filled: false` and any `none_of`, and no other test."

    @override
    def words(self) -> str:
        others = f"put the others into {self.others_to}" if self.others_to else "drop the others"
        return f"Keep the rows whose {' and '.join(condition.words() for condition in self.keep)}; {others}."

    @override
    def tables_made(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, dict[str, Kind]]:
        return {self.others_to: dict(columns)} if self.others_to else {}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for place, condition in enumerate(self.keep):
            yield from condition.faults(columns, ("keep", place))

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        meets = exp.and_(*(condition.holds(source.columns) for condition in self.keep))
        every = exp.select(*map(col, (ROW, *source.columns))).from_(table(source.table))
        sides = {self.others_to: every.where(exp.not_(meets))} if self.others_to else {}
        dropped = exp.select(col(ROW)).from_(table(source.table)).where(exp.not_(meets))
        return Rows(((source.name, every.where(meets)),), sides=sides, dropped=dropped)
