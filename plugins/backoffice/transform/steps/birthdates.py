"""Dates of birth."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName, Day
from backoffice.contract.step import DateColumn, Example, Made, Step, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import cast, col, sql

if TYPE_CHECKING:
    from sqlglot import exp


class Birthdates(Step):
    """Check dates of birth against a stated day, and work out ages.

    A date of birth after that day, or that makes a person younger or older than agreed, is unreadable; so is one that a
    program has put in for \"not known\". The day is stated, or in a column of the row: never today's, so that the same
    file gives the same result tomorrow. Who is born on 29 February has the next birthday of a common year on 1 March.
    """

    step: Literal["birthdates"] = "birthdates"
    column: DateColumn
    at: Day | None = None
    at_column: DateColumn | None = None
    """Where it is empty, nothing is checked against it, and there is no age."""
    youngest: int = Field(default=0, ge=0, le=150)
    """In years."""
    oldest: int = Field(default=120, ge=0, le=150)
    not_dates: tuple[Day, ...] = ()
    """Days that stand for \"not known\" in this list: 1900-01-01, 1970-01-01."""
    age_as: Annotated[ColumnName, Made(Kind.INTEGER)] | None = None
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: dates
  columns: [born]
  formats: [YYYY-MM-DD]
- step: birthdates
  column: born
  at: 2026-07-01
  not_dates: [1900-01-01]
  age_as: age
""",
        before="""\
name,born
Ann,1990-07-01
Bo,1990-07-02
Cy,2062-01-01
Di,1900-01-01
""",
        after="""\
name,born,age
Ann,1990-07-01,36
Bo,1990-07-02,35
Cy,,
Di,,
""",
    )

    @model_validator(mode="after")
    def _fits(self) -> Birthdates:
        if (self.at is None) == (self.at_column is None):
            raise ValueError("say either `at`, the day that ages are counted at, or `at_column`")
        if self.youngest > self.oldest:
            raise ValueError("`youngest` is more than `oldest`")
        return self

    @override
    def words(self) -> str:
        day = self.at.isoformat() if self.at else f"the day in {self.at_column}"
        age = f"; write the ages into {self.age_as}" if self.age_as else ""
        return f"Keep the dates in {self.column} that make a person {self.youngest} to {self.oldest} on {day}{age}."

    @override
    def compile(self, source: Source) -> Cells:
        born, on = cast(col(self.column), Kind.DATE), self._on()
        age = sql(
            "date_part('year', :day) - date_part('year', :born) - case when date_part('month', :day) * 100 +"
            " date_part('day', :day) < date_part('month', :born) * 100 + date_part('day', :born) then 1 else 0 end",
            day=on, born=born,
        )  # fmt: skip
        plausible = sql(
            "coalesce(:born <= :day and :age between :youngest and :oldest, true)",
            born=born, day=on, age=age, youngest=self.youngest, oldest=self.oldest,
        )  # fmt: skip
        for one in self.not_dates:
            plausible = sql("(:so_far) and :born <> :placeholder", so_far=plausible, born=born, placeholder=_day(one))
        cells: dict[str, exp.Expr] = {
            self.column: sql("case when :plausible then :cell end", plausible=plausible, cell=col(self.column))
        }
        if self.age_as:
            cells[self.age_as] = cast(
                sql("case when :plausible then :age end", plausible=plausible, age=age), Kind.INTEGER
            )
        return Cells(cells, unreadable=self.unreadable)

    def _on(self) -> exp.Expr:
        return _day(self.at) if self.at else cast(col(self.at_column or ""), Kind.DATE)


def _day(day: date) -> exp.Expr:
    from sqlglot import exp

    return cast(exp.convert(day.isoformat()), Kind.DATE)
