"""Columns to rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import AnyColumn, Example, NewColumn, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import col, sql, table


class Unpivot(Step):
    """Make a row of each of these columns: its name in one new column, its cell in another. All else is repeated."""

    step: Literal["unpivot"] = "unpivot"
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    names_to: NewColumn
    values_to: NewColumn
    blanks_too: bool = False
    """Make rows of empty cells as well."""

    example: ClassVar[Example] = Example(
        """- step: unpivot
  columns: [q1, q2]
  names_to: quarter
  values_to: amount
""",
        before="""\
town,q1,q2
Graz,10,5
Ulm,,7
""",
        after="""\
town,quarter,amount
Graz,q1,10
Graz,q2,5
Ulm,q2,7
""",
    )
    blanks: ClassVar[str] = "An empty cell makes no row, unless `blanks_too` is said."

    @override
    def words(self) -> str:
        return f"Make a row of each of {', '.join(self.columns)}: its name in {self.names_to}, the cell in {self.values_to}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        kept = {name: kind for name, kind in columns.items() if name not in self.columns}
        kind = columns.get(self.columns[0], Kind.TEXT)
        return {**kept, self.names_to: Kind.TEXT, self.values_to: kind}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        first = columns[self.columns[0]]
        for place, name in enumerate(self.columns):
            if columns[name] != first:
                fault = f"`{name}` holds {columns[name]}, `{self.columns[0]}` holds {first}."
                yield ("columns", place), fault, "Make them the same first: `text`, `number` or `dates`."

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        parts = []
        kept = [col(name) for name in source.after if name not in (self.names_to, self.values_to)]
        for place, name in enumerate(self.columns):
            made = [
                exp.alias_(exp.convert(place), "_part"), exp.alias_(col(ROW), "_from"), *kept,
                exp.alias_(exp.convert(name), self.names_to, quoted=True),
                exp.alias_(col(name), self.values_to, quoted=True),
            ]  # fmt: skip
            part = exp.select(*made).from_(table(source.table))
            parts.append(part if self.blanks_too else part.where(sql(":cell is not null", cell=col(name))))
        every = (exp.union(*parts, distinct=False) if len(parts) > 1 else parts[0]).subquery("_all")
        number = exp.alias_(sql("row_number() over (order by _from, _part)"), ROW, quoted=True)
        return Rows(((source.name, exp.select(number, *map(col, source.after)).from_(every)),))
