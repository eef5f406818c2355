"""Groups of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import call, col, sql, table
from backoffice.transform.totals import Total


class Aggregate(Step):
    """One row for each group of rows that agree in ``by``, with figures over them; in the order of the groups' first rows.

    Sums and averages are exact; an average has six digits, rounded half away from zero.
    """

    step: Literal["aggregate"] = "aggregate"
    by: tuple[AnyColumn, ...] = ()
    """Left out: one row over the whole table."""
    make: dict[ColumnName, Total] = Field(min_length=1)
    """The new columns."""

    example: ClassVar[Example] = Example(
        """- step: number
  columns: [amount]
- step: aggregate
  by: [town]
  make:
    orders: {how: count}
    total: {how: sum, of: amount}
    average: {how: average, of: amount}
    names: {how: list, of: name, separator: " & "}
- step: text
  columns: [total, average]
""",
        before="""\
town,name,amount
Graz,Ann,10
Ulm,Bo,
Graz,Cy,5.5
""",
        after="""\
town,orders,total,average,names
Graz,2,15.5,7.75,Ann & Cy
Ulm,1,,,Bo
""",
    )
    blanks: ClassVar[str] = (
        "Rows that are empty in `by` are a group of their own. Figures skip empty cells; of none they are empty."
    )

    @override
    def words(self) -> str:
        figures = ", ".join(f"{name}: {one.words()}" for name, one in self.make.items())
        where = f"for each {' and '.join(self.by)}" if self.by else "over all rows"
        return f"Work out {figures}; {where}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        kept = {name: columns[name] for name in self.by if name in columns}
        return kept | {name: one.kind(columns) for name, one in self.make.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        taken = {one.casefold() for one in self.by}
        for name, one in self.make.items():
            if name.casefold() in taken:
                yield ("make", name), f"`{name}` stands in `by` already.", "Choose another name."
            yield from one.faults(columns, ("make", name))

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        keys = [col(name) for name in self.by]
        first = exp.alias_(call("min", col(ROW)), "_first")
        made = [exp.alias_(one.over(source.columns), name, quoted=True) for name, one in self.make.items()]
        grouped = exp.select(first, *keys, *made).from_(table(source.table)).group_by(*(key.copy() for key in keys))
        number = exp.alias_(sql("row_number() over (order by _first)"), ROW, quoted=True)
        groups = f"{source.name}_groups"
        return Rows(
            ((groups, grouped), (source.name, exp.select(number, *map(col, source.after)).from_(table(groups))))
        )
