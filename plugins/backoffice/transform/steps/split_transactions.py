"""An amount in several parts that add up to it."""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Model, Text
from backoffice.contract.step import DateColumn, Example, Family, Made, NewColumn, NumberColumn, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import col, query, sql, table
from backoffice.transform.values.rounding import StepWidth, millionths

if TYPE_CHECKING:
    from sqlglot import exp

NewAmount = Annotated[ColumnName, Made(Kind.NUMBER)]

_MOST_MONTHS = 1200
_MILLION = 1_000_000


def _exact(share: Decimal) -> Decimal:
    if not share.is_finite() or not 0 < share <= _MILLION or share * _MILLION % 1:
        raise ValueError("a share is a number over 0 and up to 1000000, with at most 6 decimals")
    return share


class Part(Model):
    """One part: what it is called, an account or a cost centre, and its share of the shares of all."""

    name: Text
    share: Annotated[Decimal, AfterValidator(_exact)]


class Months(Model):
    """The calendar months that lie between two days, both included."""

    first: DateColumn
    last: DateColumn
    by: Literal["days", "months"] = "days"
    """``days``: each month gets as much as it has days of the time; ``months``: all get the same."""


class SplitTransactions(Step):
    """Split each amount over accounts by shares, or over the months that it is for: a row for each part.

    The parts add up to the amount, to its last digit. Each is first cut off to a multiple of ``to``; what is left of the
    multiples goes to those that were cut most, of equal ones to the earlier (largest remainder, Hamilton's rule); what an
    amount has beyond a multiple of ``to`` goes to the first part. A negative amount is split as a positive one.
    """

    step: Literal["split_transactions"] = "split_transactions"
    column: NumberColumn
    """The amount; it stays as it is in each row."""
    amount_as: NewAmount
    part_as: NewColumn
    """The part's name; of a month ``2026-03``."""
    parts: tuple[Part, ...] = Field(default=(), max_length=100)
    months: Months | None = None
    to: StepWidth = Decimal("0.01")

    family: ClassVar[Family] = "transactions"
    example: ClassVar[Example] = Example(
        """- step: number
  columns: [amount]
- step: split_transactions
  column: amount
  amount_as: booked
  part_as: account
  parts:
    - {name: "4000", share: 1}
    - {name: "4100", share: 1}
    - {name: "4200", share: 1}
""",
        before="""\
invoice,amount
7,100.00
8,-0.05
""",
        after="""\
invoice,amount,booked,account
7,100.000000,33.340000,4000
7,100.000000,33.330000,4100
7,100.000000,33.330000,4200
8,-0.050000,-0.020000,4000
8,-0.050000,-0.020000,4100
8,-0.050000,-0.010000,4200
""",
    )
    blanks: ClassVar[str] = (
        "A row without an amount stays one row, and so does one without its days, or whose last day is before its first "
        "or more than 100 years after it: with the whole amount, no part, and counted."
    )

    @model_validator(mode="after")
    def _one_way(self) -> SplitTransactions:
        if bool(self.parts) == (self.months is not None):
            raise ValueError("say either `parts` or `months`")
        names = [one.name for one in self.parts]
        if len(set(names)) < len(names):
            raise ValueError("two of `parts` have the same name")
        return self

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {**columns, self.amount_as: Kind.NUMBER, self.part_as: Kind.TEXT}

    @override
    def words(self) -> str:
        if self.months:
            how = f"over the months from {self.months.first} to {self.months.last}, by {self.months.by}"
        else:
            how = "over " + ", ".join(f"{one.name} ({one.share.normalize():f})" for one in self.parts)
        return (
            f"Split {self.column} {how}, in multiples of {self.to.normalize():f}; the parts add up to the whole, "
            "what is left goes to the largest remainders."
        )

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        width = int(self.to * _MILLION)
        parts = self._months(source, self.months) if self.months else self._fixed(source)
        shares = query(
            f"""select *, abs(whole) * weight // ({width} * total) as units, abs(whole) * weight % ({width} * total) as cut
            from (select *, sum(weight) over (partition by line)::hugeint as total from {name}_parts) as p"""
        )
        given = query(
            f"""select line, place, part, sign(whole)::hugeint * (
                {width} * (units + case when row_number() over (partition by line order by cut desc, place)
                  <= abs(whole) // {width} - sum(units) over (partition by line) then 1 else 0 end)
                + case when place = 1 then abs(whole) % {width} else 0 end) as given
            from {name}_shares"""
        )
        tables = ((f"{name}_parts", parts), (f"{name}_shares", shares), (f"{name}_given", given))
        counts = {
            "parts": query(f"select count(*) from {name}_given"),
            "not_split": query("select count(*) from :t where :part is null", t=table(name), part=col(self.part_as)),
        }
        return Rows((*tables, (name, self._joined(source))), counts)

    def _fixed(self, source: Source) -> exp.Query:
        listed = ", ".join(f"({place}, :name{place}, {int(one.share * _MILLION)})" for place, one in self._numbered())
        return query(
            f"""select _row as line, v.place, v.part, v.weight::hugeint as weight, :whole as whole
            from :t cross join (values {listed}) as v(place, part, weight) where :amount is not null""",
            t=table(source.table),
            whole=millionths(col(self.column)),
            amount=col(self.column),
            **{f"name{place}": one.name for place, one in self._numbered()},
        )

    def _numbered(self) -> list[tuple[int, Part]]:
        return list(enumerate(self.parts, start=1))

    def _months(self, source: Source, months: Months) -> exp.Query:
        first, last = (sql("cast(:day as date)", day=col(name)) for name in (months.first, months.last))
        weight = "least(last_day(start), last) - greatest(start, first) + 1" if months.by == "days" else "1"
        return query(
            f"""select line, row_number() over (partition by line order by start) as place,
                strftime(start, '%Y-%m') as part, ({weight})::hugeint as weight, whole
            from (select line, first, last, whole,
                    cast(unnest(generate_series(date_trunc('month', first), date_trunc('month', last), interval 1 month))
                         as date) as start
                  from (select _row as line, :first as first, :last as last, :whole as whole from :t
                        where :amount is not null and :first <= :last
                          and datediff('month', :first, :last) < {_MOST_MONTHS}) as rows_) as months_""",
            t=table(source.table),
            first=first,
            last=last,
            whole=millionths(col(self.column)),
            amount=col(self.column),
        )

    def _joined(self, source: Source) -> exp.Query:
        from sqlglot import exp

        booked = sql(_AMOUNT, amount=col(self.column, "t"))
        chosen: list[exp.Expr] = [sql("row_number() over (order by t._row, g.place)").as_(ROW)]
        made = {self.amount_as: booked, self.part_as: sql("g.part")}
        for name in source.after:
            chosen.append(exp.alias_(made[name], name, quoted=True) if name in made else col(name, "t"))
        joined = exp.select(*chosen).from_(table(source.table, "t"))
        return joined.join(table(f"{source.name}_given", "g"), on="g.line = t._row", join_type="left")


_AMOUNT = """case when g.part is null then cast(:amount as decimal(18, 6))
    else cast(cast(g.given as decimal(18, 0)) * cast(0.000001 as decimal(6, 6)) as decimal(18, 6)) end"""
"""By a product: a quotient would be a binary fraction."""
