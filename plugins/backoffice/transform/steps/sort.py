"""The order of rows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.step import Example, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.ordering import Key, ordered
from backoffice.transform.sql import col, table


class Sort(Step):
    """Put the rows in order. Rows that are equal in all keys stay in the order that they had."""

    step: Literal["sort"] = "sort"
    by: tuple[Key, ...] = Field(min_length=1)

    example: ClassVar[Example] = Example(
        """- step: sort
  by:
    - {column: town, compare: words}
    - {column: floor, compare: numbers, descending: true}
""",
        before="""\
name,town,floor
Ann,Ulm,2
Bo,graz,1
Cy,,5
Di,Ulm,10
""",
        after="""\
name,town,floor
Bo,graz,1
Di,Ulm,10
Ann,Ulm,2
Cy,,5
""",
    )
    blanks: ClassVar[str] = "Empty cells come last, whatever the direction, or first where `blanks: first` is said."

    @override
    def words(self) -> str:
        return f"Put the rows in order by {', then '.join(key.words() for key in self.by)}."

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        order = exp.Order(expressions=ordered(self.by, source.columns))
        number = exp.Window(this=exp.Anonymous(this="row_number"), order=order)
        chosen = [exp.alias_(number, ROW, quoted=True), *map(col, source.columns)]
        return Rows(((source.name, exp.select(*chosen).from_(table(source.table))),))
