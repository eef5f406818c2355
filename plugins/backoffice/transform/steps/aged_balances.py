"""Open items by age."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Day
from backoffice.contract.step import (
    AnyColumn,
    DateColumn,
    Example,
    Family,
    Made,
    NewColumn,
    NewTable,
    NumberColumn,
    Step,
)
from backoffice.transform.fragment import Rows, Source
from backoffice.transform.sql import col, query, sql, table

if TYPE_CHECKING:
    from sqlglot import exp

NOT_DUE, UNDATED, TOTAL = "not due", "without date", "total"


class AgedBalances(Step):
    """Say how many days each open item is overdue, and in which bucket it falls; and add the buckets up, by customer say.

    ``days: [30, 60, 90]`` makes the buckets ``not due``, ``1-30``, ``31-60``, ``61-90``, ``over 90``, and
    ``without date``. An item is overdue from the day after its due day. What is paid, or credited, counts with its sign.
    """

    step: Literal["aged_balances"] = "aged_balances"
    amount: NumberColumn
    """What is open."""
    due: DateColumn
    as_of: Day | None = None
    """The day on which it is looked at; or ``as_of_column``."""
    as_of_column: DateColumn | None = None
    days: tuple[Annotated[int, Field(ge=1, le=3650)], ...] = Field(default=(30, 60, 90), min_length=1, max_length=20)
    overdue_as: Annotated[ColumnName, Made(Kind.INTEGER)]
    """Days overdue; before the due day below zero."""
    bucket_as: NewColumn
    totals_to: NewTable | None = None
    """A table with one row for each ``by``: a column for each bucket, and their total."""
    by: tuple[AnyColumn, ...] = ()

    family: ClassVar[Family] = "transactions"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: open
  amount_as: amount
- step: dates
  columns: [due]
  formats: [YYYY-MM-DD]
- step: aged_balances
  amount: amount
  due: due
  as_of: 2026-03-31
  days: [30, 60]
  overdue_as: days
  bucket_as: bucket
  totals_to: ages
  by: [customer]
""",
        before="""\
customer,open,due
C1,100.00,2026-03-31
C1,50.50,2026-03-01
C2,70.00,2026-01-15
C2,-20.00,2026-03-30
C2,5.00,
""",
        after="""\
customer,open,due,amount,days,bucket
C1,100.00,2026-03-31,100.000000,0,not due
C1,50.50,2026-03-01,50.500000,30,1-30
C2,70.00,2026-01-15,70.000000,75,over 60
C2,-20.00,2026-03-30,-20.000000,1,1-30
C2,5.00,,5.000000,,without date
""",
        made={
            "ages": """customer,not due,1-30,31-60,over 60,without date,total
C1,100.000000,50.500000,0.000000,0.000000,0.000000,150.500000
C2,0.000000,-20.000000,0.000000,70.000000,5.000000,55.000000
"""
        },
    )
    blanks: ClassVar[str] = "An item without a due day is in `without date`; one without an amount adds nothing."

    @model_validator(mode="after")
    def _belongs_together(self) -> AgedBalances:
        if (self.as_of is None) == (self.as_of_column is None):
            raise ValueError("say the day on which it is looked at: `as_of` or `as_of_column`, one of the two")
        if any(after <= before for before, after in pairwise(self.days)):
            raise ValueError("`days` go up: [30, 60, 90]")
        if (self.totals_to is None) != (not self.by):
            raise ValueError("`totals_to` and `by` belong together: say both or neither")
        if clash := {*self.by} & {*self.buckets, TOTAL}:
            raise ValueError(f"`{sorted(clash)[0]}` is the name of a bucket: rename that column before")
        return self

    @property
    def buckets(self) -> tuple[str, ...]:
        """Their names, from the youngest to the oldest."""
        between = [f"{low + 1}-{high}" for low, high in pairwise((0, *self.days))]
        return (NOT_DUE, *between, f"over {self.days[-1]}", UNDATED)

    @override
    def words(self) -> str:
        on = str(self.as_of) if self.as_of else f"the day in {self.as_of_column}"
        also = f"; add them up by {', '.join(self.by)} in {self.totals_to}" if self.totals_to else ""
        return f"Say how long {self.amount} is overdue on {on} by {self.due}: {', '.join(self.buckets)}{also}."

    @override
    def tables_made(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, dict[str, Kind]]:
        if not self.totals_to:
            return {}
        keys = {name: columns[name] for name in self.by if name in columns}
        return {self.totals_to: keys | dict.fromkeys((*self.buckets, TOTAL), Kind.NUMBER)}

    @override
    def compile(self, source: Source) -> Rows:
        undated = query("select count(*) from :t where :d is null", t=table(source.table), d=col(self.due))
        return Rows(
            ((source.name, _aged(self, source)),), counts={"without_date": undated}, sides=_totals(self, source)
        )


def _aged(step: AgedBalances, source: Source) -> exp.Query:
    from sqlglot import exp

    on = (
        sql("cast(:d as date)", d=step.as_of.isoformat())
        if step.as_of
        else sql("cast(:d as date)", d=col(step.as_of_column or ""))
    )
    overdue = sql("date_diff('day', cast(:due as date), :today)", due=col(step.due), today=on)
    bucket = exp.Case().when(sql(":n is null", n=overdue), exp.convert(UNDATED))
    for last, name in zip((0, *step.days), step.buckets, strict=False):
        bucket = bucket.when(sql(":n <= :last", n=overdue, last=last), exp.convert(name))
    bucket = bucket.else_(exp.convert(step.buckets[-2]))
    made = {step.overdue_as: overdue, step.bucket_as: bucket}
    chosen = [exp.alias_(made[name], name, quoted=True) if name in made else col(name) for name in source.after]
    return exp.select(col("_row"), *chosen).from_(table(source.table))


def _totals(step: AgedBalances, source: Source) -> dict[str, exp.Query]:
    """One row for each ``by``, in the order of the file."""
    from sqlglot import exp

    if not step.totals_to:
        return {}
    keys: list[exp.Expr] = [col(one) for one in step.by]
    chosen: list[exp.Expr] = [sql("min(_row) as _row"), *keys]
    for name in step.buckets:
        total = "try_cast(coalesce(sum(case when :b = :name then :a end), 0) as decimal(18, 6))"
        chosen.append(exp.alias_(sql(total, b=col(step.bucket_as), name=name, a=col(step.amount)), name, quoted=True))
    total = sql("try_cast(coalesce(sum(:a), 0) as decimal(18, 6))", a=col(step.amount))
    chosen.append(exp.alias_(total, TOTAL, quoted=True))
    grouped = exp.select(*chosen).from_(table(source.name)).group_by(*(key.copy() for key in keys))
    return {step.totals_to: grouped.order_by(sql("min(_row)"))}
