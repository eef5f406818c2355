"""Months, quarters, weeks, fiscal years."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.step import DateColumn, Example, Family, NewColumn, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


class Periods(Step):
    """Say which year, half-year, quarter, month and week a day is in, in columns that sort as they should.

    Written ``2026``, ``2026-H1``, ``2026-Q3``, ``2026-07``, ``2026-W09`` (ISO 8601: weeks begin on Monday, week 1 has the
    year's first Thursday, so the days around New Year may be in a week of the other year). A fiscal year that begins in
    January is written like a year, any other as ``2025/26``; its quarters ``2025/26-Q1``.
    """

    step: Literal["periods"] = "periods"
    day: DateColumn
    year_as: NewColumn | None = None
    half_year_as: NewColumn | None = None
    quarter_as: NewColumn | None = None
    month_as: NewColumn | None = None
    week_as: NewColumn | None = None
    fiscal_year_as: NewColumn | None = None
    fiscal_quarter_as: NewColumn | None = None
    fiscal_year_begins: int = Field(default=1, ge=1, le=12)
    """The first month of the fiscal year."""

    family: ClassVar[Family] = "transactions"
    example: ClassVar[Example] = Example(
        """- step: dates
  columns: [day]
  formats: [YYYY-MM-DD]
- step: periods
  day: day
  quarter_as: quarter
  month_as: month
  week_as: week
  fiscal_year_as: fiscal_year
  fiscal_year_begins: 4
""",
        before="""\
no,day
1,2026-03-31
2,2026-04-01
3,2027-01-01
4,
""",
        after="""\
no,day,quarter,month,week,fiscal_year
1,2026-03-31,2026-Q1,2026-03,2026-W14,2025/26
2,2026-04-01,2026-Q2,2026-04,2026-W14,2026/27
3,2027-01-01,2027-Q1,2027-01,2026-W53,2026/27
4,,,,,
""",
    )
    blanks: ClassVar[str] = "A row without a day is in no period."

    @model_validator(mode="after")
    def _something(self) -> Periods:
        if not self._made():
            raise ValueError("say which periods to make: `year_as`, `quarter_as`, `month_as`, …")
        if self.fiscal_year_begins != 1 and not (self.fiscal_year_as or self.fiscal_quarter_as):
            raise ValueError("`fiscal_year_begins` belongs to `fiscal_year_as` and `fiscal_quarter_as`")
        return self

    def _made(self) -> dict[str, str]:
        named = {
            "year": self.year_as, "half": self.half_year_as, "quarter": self.quarter_as, "month": self.month_as,
            "week": self.week_as, "fiscal": self.fiscal_year_as, "fiscal_quarter": self.fiscal_quarter_as,
        }  # fmt: skip
        return {what: name for what, name in named.items() if name}

    @override
    def words(self) -> str:
        begins = ""
        if self.fiscal_year_as or self.fiscal_quarter_as:
            begins = f"; the fiscal year begins with month {self.fiscal_year_begins}"
        return f"Say which periods {self.day} is in: {', '.join(self._made().values())}{begins}."

    @override
    def compile(self, source: Source) -> Cells:
        day = sql("cast(:d as date)", d=col(self.day))
        return Cells(
            {name: _period(what, day, self.fiscal_year_begins) for what, name in self._made().items()}, loses=False
        )


def _period(what: str, day: exp.Expr, begins: int) -> exp.Expr:
    year, month = sql("year(:d)", d=day), sql("month(:d)", d=day)
    if what in ("fiscal", "fiscal_quarter"):
        # The first day of the fiscal year as if it were 1 January.
        year = sql("year(:d) - case when month(:d) < :b then 1 else 0 end", d=day, b=begins)
        month = sql("(month(:d) - :b + 12) % 12 + 1", d=day, b=begins)
    if what == "week":
        thursday = sql("date_trunc('week', :d) + interval 3 day", d=day)
        return sql(
            "lpad(cast(year(:t) as varchar), 4, '0') || '-W' || lpad(cast(week(:d) as varchar), 2, '0')",
            t=thursday,
            d=day,
        )
    written = sql("lpad(cast(:y as varchar), 4, '0')", y=year)
    if what.startswith("fiscal") and begins != 1:
        written = sql(":w || '/' || lpad(cast((:y + 1) % 100 as varchar), 2, '0')", w=written, y=year)
    text = {
        "half": ":w || '-H' || cast((:m + 5) // 6 as varchar)",
        "quarter": ":w || '-Q' || cast((:m + 2) // 3 as varchar)",
        "fiscal_quarter": ":w || '-Q' || cast((:m + 2) // 3 as varchar)",
        "month": ":w || '-' || lpad(cast(:m as varchar), 2, '0')",
    }.get(what, ":w")
    return sql(text, w=written, m=month)
