"""This year against the last."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import AnyColumn, Example, Family, Made, NumberColumn, Step, TextColumn
from backoffice.transform.fragment import Rows, Source
from backoffice.transform.sql import col, query, sql, table
from backoffice.transform.values.rounding import millionths, quotient

if TYPE_CHECKING:
    from sqlglot import exp

NewNumber = Annotated[ColumnName, Made(Kind.NUMBER)]


class YearOnYear(Step):
    """Add up a column by group and period, and put the same period of the year before beside it.

    Periods are written as ``periods`` writes them: ``2026``, ``2026-Q3``, ``2026-07``, ``2026-W09``, ``2025/26``. The result
    has one row for each group and period, sorted; a group that had something in the year before and nothing in a period that
    others have stands there with 0. Where there was nothing in the year before, or nothing but 0, there is no percentage.
    """

    step: Literal["year_on_year"] = "year_on_year"
    by: tuple[AnyColumn, ...] = ()
    """What makes a group; left out: the whole table is one."""
    period: TextColumn
    value: NumberColumn
    before_as: NewNumber
    """The year before; empty where the group had no row."""
    difference_as: NewNumber | None = None
    percent_as: NewNumber | None = None
    """The difference in percent of the year before, to a hundredth."""

    family: ClassVar[Family] = "transactions"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: sales
  amount_as: amount
- step: year_on_year
  by: [region]
  period: quarter
  value: amount
  before_as: year_before
  difference_as: difference
  percent_as: percent
""",
        before="""\
region,quarter,sales
North,2025-Q1,100.00
North,2026-Q1,60.00
North,2026-Q1,51.50
South,2025-Q1,80.00
South,2025-Q2,5.00
""",
        after="""\
region,quarter,amount,year_before,difference,percent
North,2025-Q1,100.000000,,,
North,2026-Q1,111.500000,100.000000,11.500000,11.500000
South,2025-Q1,80.000000,,,
South,2025-Q2,5.000000,,,
South,2026-Q1,0.000000,80.000000,-80.000000,-100.000000
""",
    )
    blanks: ClassVar[str] = (
        "An empty value adds nothing; empty cells in `by` are a group; rows without a period are left out."
    )

    @override
    def words(self) -> str:
        by = f" for each {', '.join(self.by)}" if self.by else ""
        return f"Add up {self.value} by {self.period}{by}, beside the same period of the year before."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        after = {name: columns[name] for name in (*self.by, self.period)} | {self.value: Kind.NUMBER}
        made = (self.before_as, self.difference_as, self.percent_as)
        return after | {name: Kind.NUMBER for name in made if name}

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        return Rows(
            (
                (f"{name}_sums", _sums(self, source)),
                (f"{name}_cells", _cells(self, source)),
                (name, _beside(self, source)),
            ),
            counts={
                "without_period": query(
                    "select count(*) from :t where :p is null", t=table(source.table), p=col(self.period)
                )
            },
        )


def _sums(step: YearOnYear, source: Source) -> exp.Query:
    from sqlglot import exp

    keys: list[exp.Expr] = [col(one) for one in (*step.by, step.period)]
    total = sql("coalesce(try_cast(sum(:v) as decimal(18, 6)), 0)", v=col(step.value))
    sums = exp.select(*keys, exp.alias_(total, step.value, quoted=True)).from_(table(source.table))
    return sums.where(sql(":p is not null", p=col(step.period))).group_by(*(key.copy() for key in keys))


def _moved(period: exp.Expr, years: int) -> exp.Expr:
    """The same period some years on; empty where it is none."""
    year = sql("cast(cast(left(:p, 4) as integer) + :n as varchar)", p=period, n=years)
    ending = sql(
        "lpad(cast((cast(right(left(:p, 7), 2) as integer) + :n + 100) % 100 as varchar), 2, '0')", p=period, n=years
    )
    text = r"""
    case when regexp_full_match(:p, '[0-9]{4}(-(H[12]|Q[1-4]|W[0-5][0-9]|[01][0-9]))?') then lpad(:y, 4, '0') || substr(:p, 5)
    when regexp_full_match(:p, '[0-9]{4}/[0-9]{2}(-Q[1-4])?') then lpad(:y, 4, '0') || '/' || :e || substr(:p, 8) end"""
    return sql(text, p=period, y=year, e=ending)


def _cells(step: YearOnYear, source: Source) -> exp.Query:
    """Every group and period that has a value, or had one a year before in a period that there is."""
    from sqlglot import exp

    sums = f"{source.name}_sums"
    keys: list[exp.Expr] = [col(one) for one in step.by]
    here = exp.select(*keys, col(step.period)).from_(table(sums))
    next_year = _moved(col(step.period), 1)
    later = exp.select(*(key.copy() for key in keys), exp.alias_(next_year, step.period, quoted=True)).from_(
        table(sums)
    )
    known = exp.select(col(step.period)).from_(table(sums))
    later = later.where(next_year.copy().isin(query=known))
    return here.union(later, distinct=True)


def _beside(step: YearOnYear, source: Source) -> exp.Query:
    from sqlglot import exp

    def same(alias: str, period: exp.Expr) -> exp.Expr:
        keys = [sql(":a is not distinct from :b", a=col(one, "c"), b=col(one, alias)) for one in step.by]
        return exp.and_(*keys, exp.EQ(this=period, expression=col(step.period, alias)))

    now = sql("coalesce(:v, 0)", v=col(step.value, "n"))
    before = col(step.value, "b")
    difference = sql(
        "try_cast(cast(:n as decimal(20, 6)) - cast(:b as decimal(20, 6)) as decimal(18, 6))", n=now, b=before
    )
    above = sql("(:n - :b) * 100000000", n=millionths(now), b=millionths(before))
    percent = quotient(above, sql("abs(:b)", b=millionths(before)), Decimal("0.01"), "half_up")
    made = {step.before_as: before, step.difference_as: difference, step.percent_as: percent}
    order = ", ".join(f":k{index} nulls last" for index in range(len(step.by) + 1))
    keys = {f"k{index}": col(one, "c") for index, one in enumerate((*step.by, step.period))}
    chosen: list[exp.Expr] = [exp.alias_(sql(f"row_number() over (order by {order})", **keys), "_row", quoted=True)]
    chosen += [col(one, "c") for one in (*step.by, step.period)]
    chosen.append(exp.alias_(sql("cast(:n as decimal(18, 6))", n=now), step.value, quoted=True))
    chosen += [exp.alias_(value, name, quoted=True) for name, value in made.items() if name]
    found = exp.select(*chosen).from_(table(f"{source.name}_cells", "c"))
    found = found.join(table(f"{source.name}_sums", "n"), on=same("n", col(step.period, "c")), join_type="left")
    return found.join(
        table(f"{source.name}_sums", "b"), on=same("b", _moved(col(step.period, "c"), -1)), join_type="left"
    )
