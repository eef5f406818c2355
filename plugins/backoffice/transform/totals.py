"""Figures over several rows: sums, counts, the first, the list. What ``aggregate``, ``pivot`` and ``window`` share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model
from backoffice.contract.step import AnyColumn
from backoffice.transform.fragment import ROW
from backoffice.transform.literals import as_text
from backoffice.transform.sql import call, cast, col, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["How", "Total", "micros", "ratio"]

How = Literal[
    "count", "count_distinct", "sum", "average", "median", "min", "max", "first", "last", "list", "list_distinct"
]
"""``count`` without ``of`` counts rows, all others look at filled cells only. ``first`` and ``last``: of the filled cells."""

_NUMBERS = ("sum", "average", "median")


class Total(Model):
    """One figure over the rows of a group."""

    how: How
    of: AnyColumn | None = None
    separator: str = Field(default="; ", max_length=20)
    """For lists."""

    @model_validator(mode="after")
    def _of_what(self) -> Total:
        if self.of is None and self.how != "count":
            raise ValueError(f"say which column it is the {self.how} `of`")
        return self

    def kind(self, columns: Columns) -> Kind:
        """What it holds."""
        if self.how.startswith("count"):
            return Kind.INTEGER
        if self.how.startswith("list"):
            return Kind.TEXT
        return Kind.NUMBER if self.how in ("average", "median") else columns.get(self.of or "", Kind.TEXT)

    def faults(self, columns: Columns, loc: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """What does not fit the columns."""
        if self.how in _NUMBERS and columns[self.of or ""] not in (Kind.NUMBER, Kind.INTEGER):
            fault = f"`{self.of}` holds {columns[self.of or '']}; `{self.how}` works on numbers."
            yield (*loc, "of"), fault, "A step before it has to read the text as that: `number`."
        if self.how in ("min", "max") and columns[self.of or ""] is Kind.TEXT:
            fault = f"`{self.of}` holds text; the {self.how} of text is seldom meant."
            yield (*loc, "of"), fault, "Read it as numbers or dates first (`number`, `dates`), or take `first`."

    def words(self) -> str:
        """The figure, in words."""
        if self.of is None:
            return "the number of rows"
        names = {"count": "number of filled cells", "count_distinct": "number of different values"}
        names |= {"list": "list", "list_distinct": "list of different values", "min": "least", "max": "greatest"}
        return f"the {names.get(self.how, self.how)} of {self.of}"

    def over(self, columns: Columns, where: exp.Expr | None = None) -> exp.Expr:
        """It as an aggregate.

        :param where: the rows of the group that count; left out: all.
        """
        from sqlglot import exp

        def only(aggregate: exp.Expr) -> exp.Expr:
            return aggregate if where is None else exp.Filter(this=aggregate, expression=exp.Where(this=where.copy()))

        if self.of is None:
            return only(exp.Count(this=exp.Star()))
        cell, kind = col(self.of), columns[self.of]
        if self.how == "count":
            return only(exp.Count(this=cell))
        if self.how == "count_distinct":
            return only(exp.Count(this=exp.Distinct(expressions=[cell])))
        if self.how in ("first", "last"):
            return only(call("arg_min" if self.how == "first" else "arg_max", cell, col(ROW)))
        if self.how == "average":
            return ratio(only(call("sum", micros(cell))), only(exp.Count(this=cell.copy())))
        if self.how == "median":
            low = only(sql("quantile_disc(:cell, 0.5)", cell=cell))
            high = only(sql("quantile_disc(-:cell, 0.5)", cell=cell))  # from above: equal where their number is odd
            return ratio(sql(":low - :high", low=micros(low), high=micros(high)), exp.convert(2))
        if self.how in ("list", "list_distinct"):
            return _listed(self, as_text(cell, kind), only)
        found = only(call(self.how, cell))
        return cast(found, kind) if self.how == "sum" else found


def _listed(total: Total, text: exp.Expr, only: object) -> exp.Expr:
    from sqlglot import exp

    order = [exp.Ordered(this=col(ROW))]
    every = exp.Anonymous(this="list", expressions=[exp.Order(this=text, expressions=order)])
    chosen = only(every)  # pyright: ignore[reportCallIssue]
    words = "list_filter(:all, lambda one: one is not null)"
    if total.how == "list_distinct":
        words = "list_filter(:all, lambda one, place: one is not null and list_position(:all, one) = place)"
    return sql(f"nullif(array_to_string({words}, :separator), '')", all=chosen, separator=total.separator)


def micros(number: exp.Expr) -> exp.Expr:
    """A number in millionths, whole."""
    return sql("cast(:number * 1000000 as hugeint)", number=sql("cast(:number as decimal(38, 6))", number=number))


def ratio(micros: exp.Expr, count: exp.Expr) -> exp.Expr:
    """A quotient with six digits, rounded half away from zero, without binary fractions. Empty where ``count`` is 0.

    :param micros: a sum in millionths.
    """
    text = """case when :count <> 0 then cast(cast(
        (case when (:micros < 0) <> (:count < 0) then -1 else 1 end)
        * ((2 * abs(:micros) + abs(:count)) // (2 * abs(:count))) as decimal(38, 0))
        * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)) end"""
    return sql(text, micros=micros, count=count)
