"""Values to columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import ROW, Demand, Rows, Source
from backoffice.transform.literals import Value, fits, literal, misfit
from backoffice.transform.sql import call, col, sql, table
from backoffice.transform.totals import Total

if TYPE_CHECKING:
    from sqlglot import exp


class Pivot(Step):
    """One row for each group, and a column for each of the listed values, with a figure over the rows that have it."""

    step: Literal["pivot"] = "pivot"
    by: tuple[AnyColumn, ...] = Field(min_length=1)
    """What makes a row."""
    column: AnyColumn
    """Whose values become columns."""
    values: dict[Value, ColumnName] | tuple[Value, ...] = Field(min_length=1)
    """The values: a list, or each with its column's name."""
    make: Total
    """What stands in the columns."""
    others: Literal["count", "stop"] = "count"
    """Rows with another value count for no column; they are counted, or the file is refused. Empty cells are others."""

    example: ClassVar[Example] = Example(
        """- step: number
  columns: [amount]
  to: integer
- step: pivot
  by: [town]
  column: quarter
  values: {Q1: first, Q2: second}
  make: {how: sum, of: amount}
""",
        before="""\
town,quarter,amount
Graz,Q1,10
Ulm,Q2,7
Graz,Q1,5
Graz,Q2,1
""",
        after="""\
town,first,second
Graz,15,1
Ulm,,7
""",
    )
    blanks: ClassVar[str] = (
        "A cell is empty where a group has no such row. Rows empty in `by` are a group of their own."
    )

    @property
    def _named(self) -> dict[str, str]:
        return self.values if isinstance(self.values, dict) else {one: one for one in self.values}

    @override
    def words(self) -> str:
        names = ", ".join(self._named.values())
        return f"Make the columns {names} of {self.column}: {self.make.words()}, for each {' and '.join(self.by)}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        kept = {name: columns[name] for name in self.by if name in columns}
        return kept | dict.fromkeys(self._named.values(), self.make.kind(columns))

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        yield from self.make.faults(columns, ("make",))
        seen = {one.casefold() for one in self.by}
        for place, (value, name) in enumerate(self._named.items()):
            where = ("values", value if isinstance(self.values, dict) else place)
            if not fits(value, columns[self.column]):
                yield where, *misfit(value, columns[self.column], self.column)
            if name.casefold() in seen:
                yield where, f"Two columns would be called `{name}`.", "Each name may be there once."
            if name.startswith("_") or not name.isprintable() or name != name.strip():
                yield where, f"No column can be called `{name[:40]}`.", "Give it a name: `values: {value: name}`."
            seen.add(name.casefold())

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        keys = [col(name) for name in self.by]
        kind = source.columns[self.column]
        made = []
        for value, name in self._named.items():
            only = exp.EQ(this=col(self.column), expression=literal(value, kind))
            made.append(exp.alias_(self.make.over(source.columns, only), name, quoted=True))
        first = exp.alias_(call("min", col(ROW)), "_first")
        grouped = exp.select(first, *keys, *made).from_(table(source.table)).group_by(*(key.copy() for key in keys))
        number = exp.alias_(sql("row_number() over (order by _first)"), ROW, quoted=True)
        groups = f"{source.name}_groups"
        result = exp.select(number, *map(col, source.after)).from_(table(groups))
        others = exp.select(sql("count_if(not coalesce(:known, false))", known=self._known(kind))).from_(
            table(source.table)
        )
        tables = ((groups, grouped), (source.name, result))
        if self.others == "stop":
            query = exp.select(sql(":n = 0", n=others.subquery()), others.copy().subquery())
            return Rows(
                tables, demands=(Demand(query, f"{{0}} rows have another value in {self.column} than agreed."),)
            )
        return Rows(tables, counts={"rows of other values": others})

    def _known(self, kind: Kind) -> exp.Expr:
        return col(self.column).isin(*(literal(one, kind) for one in self._named))
