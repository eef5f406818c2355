"""Amounts in another currency."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import (
    DateColumn,
    Example,
    Family,
    Found,
    Made,
    NumberColumn,
    Step,
    TableName,
    TextColumn,
)
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.sql import col, query, sql, table
from backoffice.transform.values.currencies import Currency
from backoffice.transform.values.rounding import (
    Rounding,
    StepWidth,
    millionths,
    quotient,
    rounding_words,
    tenths_of_billionths,
)

if TYPE_CHECKING:
    from sqlglot import exp

RateColumn = Annotated[ColumnName, Found(table_field="rates")]


class ConvertCurrency(Step):
    """Convert amounts by a table of rates; with days, by the last rate up to the row's day.

    Rates count with ten decimals, days as ``YYYY-MM-DD``; a line of the table that has neither counts for nothing. Of two
    rates of one currency and day the later line counts. Amounts that are in the wanted currency already stay.
    """

    step: Literal["convert_currency"] = "convert_currency"
    amount: NumberColumn
    currency: TextColumn
    """Codes of ISO 4217."""
    to: Currency
    converted_as: Annotated[ColumnName, Made(Kind.NUMBER)]
    rates: TableName
    """A look-up, or a table of the SOW."""
    rate_currency: RateColumn
    rate: RateColumn
    says: Literal["units_per_base", "base_per_unit"]
    """``units_per_base``: what one unit of the wanted currency costs in the other, as the European Central Bank states its
    rates; the amount is divided. ``base_per_unit``: what one unit of the other is worth; the amount is multiplied."""
    day: DateColumn | None = None
    rate_day: RateColumn | None = None
    at_most_days: int = Field(default=7, ge=0, le=366)
    """How old a rate may be on the row's day: there is none on weekends and holidays."""
    round_to: StepWidth = Decimal("0.01")
    rounding: Rounding = "half_up"
    unreadable: Literal["blank", "reject", "stop"] = "blank"
    """For amounts without a rate."""

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: price
  amount_as: amount
  currency_as: currency
- step: dates
  columns: [day]
  formats: [YYYY-MM-DD]
- step: convert_currency
  amount: amount
  currency: currency
  to: EUR
  converted_as: eur
  rates: rates
  rate_currency: code
  rate: rate
  says: units_per_base
  day: day
  rate_day: date
""",
        before="""\
sku,price,day
A1,USD 10,2026-03-07
A2,10 €,2026-03-07
A3,CHF 10,2026-03-07
""",
        after="""\
sku,price,day,amount,currency,eur
A1,USD 10,2026-03-07,10.000000,USD,9.260000
A2,10 €,2026-03-07,10.000000,EUR,10.000000
A3,CHF 10,2026-03-07,10.000000,CHF,
""",
        tables={
            "rates": """code,date,rate
USD,2026-03-06,1.0795
USD,2026-03-09,1.0811
"""
        },
    )
    blanks: ClassVar[str] = "A row without amount, currency or day gets nothing."

    @model_validator(mode="after")
    def _belongs_together(self) -> ConvertCurrency:
        if (self.day is None) != (self.rate_day is None):
            raise ValueError("`day` and `rate_day` belong together: say both or neither")
        return self

    @override
    def words(self) -> str:
        on = f" of {self.day}, or the last before it, at most {self.at_most_days} days old" if self.day else ""
        rule = rounding_words(self.round_to, self.rounding)
        return f"Convert {self.amount} into {self.to}, as {self.converted_as}, at the rate in {self.rates}{on}; {rule}."

    @override
    def compile(self, source: Source) -> Cells:
        amount, rate = millionths(col(self.amount)), _rate(self, source)
        whole = sql("cast(10000000000 as hugeint)")
        above, below = (amount, rate) if self.says == "units_per_base" else (sql(":a * :r", a=amount, r=rate), whole)
        if self.says == "units_per_base":
            above = sql(":a * :w", a=amount, w=whole)
        cell = quotient(above, below, self.round_to, self.rounding)
        return Cells({self.converted_as: cell}, reads={self.converted_as: self.amount}, unreadable=self.unreadable)


def _rate(step: ConvertCurrency, source: Source) -> exp.Expr:
    """In units of ten to the power of -10; of the wanted currency itself it is one."""
    code = sql("upper(trim(:c))", c=col(step.currency, source.table))
    rate = tenths_of_billionths(col(step.rate, "rates"))
    latest: exp.Expr = col(ROW, "rates")
    known = query(
        "select max_by(:rate, :latest) from :t where upper(trim(:of)) = :code and :rate is not null",
        rate=rate,
        latest=sql("struct_pack(d := :d, r := :r)", d=_day(step), r=latest) if step.rate_day else latest,
        t=table(step.rates, "rates"),
        of=col(step.rate_currency, "rates"),
        code=code,
    )
    if step.day:
        day = sql("cast(:d as date)", d=col(step.day, source.table))
        text = ":rd <= :d and :rd >= :d - cast(:n as integer)"
        known = known.where(sql(text, rd=_day(step), d=day, n=step.at_most_days))  # pyright: ignore[reportAttributeAccessIssue]
    one = "case when :code = :to then cast(10000000000 as hugeint) else :known end"
    return sql(one, code=code, to=step.to, known=known.subquery())


def _day(step: ConvertCurrency) -> exp.Expr:
    return sql("try_cast(:d as date)", d=col(step.rate_day or "", "rates"))
