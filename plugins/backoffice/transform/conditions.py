"""Conditions on the cells of a row, as ``filter`` and ``assert`` take them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model, Regex
from backoffice.contract.step import AnyColumn
from backoffice.transform.literals import Value, fits, literal, misfit
from backoffice.transform.sql import call, col, filled, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Condition"]

_COMPARED = {"less_than": "<", "at_most": "<=", "more_than": ">", "at_least": ">="}
_COLUMNS = {"same_as": "=", "less_than_column": "<", "at_most_column": "<="}
_TEXTS = ("matches", "starts_with", "ends_with", "contains")
_GROUPS = ("any_of", "all_of", "not_any_of")
_PLAIN = ("filled", "one_of", "none_of", "between")
_WORDS = {
    "less_than": "is less than", "at_most": "is at most", "more_than": "is more than", "at_least": "is at least",
    "same_as": "equals", "less_than_column": "is less than", "at_most_column": "is at most",
    "starts_with": "begins with", "ends_with": "ends with", "contains": "contains",
}  # fmt: skip
Fault = tuple[tuple[str | int, ...], str, str]


class Condition(Model):
    """What one cell of a row has to be, or several conditions together. Exactly one test each.

    An empty cell meets ``filled: false`` and ``none_of``, and no other test.
    """

    column: AnyColumn | None = None
    filled: bool | None = None
    """``true``: not empty; ``false``: empty."""
    one_of: tuple[Value, ...] | None = Field(default=None, min_length=1)
    none_of: tuple[Value, ...] | None = Field(default=None, min_length=1)
    """An empty cell is none of them."""
    less_than: Value | None = None
    """Of numbers and dates, as the three that follow."""
    at_most: Value | None = None
    more_than: Value | None = None
    at_least: Value | None = None
    between: tuple[Value, Value] | None = None
    """Numbers or dates from the first to the second, both included."""
    matches: Regex | None = None
    """A regular expression (RE2) that the whole text has to match."""
    starts_with: Value | None = None
    ends_with: Value | None = None
    contains: Value | None = None
    same_as: AnyColumn | None = None
    """Another column that holds the same."""
    less_than_column: AnyColumn | None = None
    at_most_column: AnyColumn | None = None
    ignore_case: bool = False
    """For texts: upper and lower case do not matter."""
    any_of: tuple[Condition, ...] | None = Field(default=None, min_length=1)
    all_of: tuple[Condition, ...] | None = Field(default=None, min_length=1)
    not_any_of: tuple[Condition, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_test(self) -> Condition:
        tests = [
            name for name in (*_PLAIN, *_COMPARED, *_TEXTS, *_COLUMNS, *_GROUPS) if getattr(self, name) is not None
        ]
        if len(tests) != 1:
            raise ValueError(
                "say exactly one test, like `filled`, `one_of`, `none_of`, `at_least`, `matches`, `any_of`"
            )
        if (self.column is None) != (tests[0] in _GROUPS):
            raise ValueError(f"`{tests[0]}` stands without a `column`" if self.column else "say the `column`")
        return self

    @property
    def test(self) -> str:
        """The name of its test."""
        names = (*_PLAIN, *_COMPARED, *_TEXTS, *_COLUMNS, *_GROUPS)
        return next(name for name in names if getattr(self, name) is not None)

    def words(self) -> str:
        """The condition, in words."""
        test = self.test
        value: Any = getattr(self, test)
        if test in _GROUPS:
            joined = (" and " if test == "all_of" else " or ").join(one.words() for one in value)
            return f"not ({joined})" if test == "not_any_of" else f"({joined})"
        if test == "filled":
            return f"{self.column} is {'filled' if value else 'empty'}"
        if test in ("one_of", "none_of"):
            return f"{self.column} is {'not ' if test == 'none_of' else ''}{' or '.join(value)}"
        if test == "between":
            return f"{self.column} is from {value[0]} to {value[1]}"
        if test == "matches":
            return f"{self.column} has its agreed form"
        return f"{self.column} {_WORDS[test]} {value}"

    def faults(self, columns: Columns, loc: tuple[str | int, ...] = ()) -> Iterator[Fault]:
        """What does not fit the columns' kinds."""
        test = self.test
        value: Any = getattr(self, test)
        if test in _GROUPS:
            for index, one in enumerate(value):
                yield from one.faults(columns, (*loc, test, index))
            return
        kind = columns[self.column or ""]
        if test in _TEXTS and kind is not Kind.TEXT:
            yield (
                (*loc, test),
                f"`{self.column}` holds {kind}s; `{test}` looks at text.",
                "Compare it, or use `one_of`.",
            )
        elif (test in _COMPARED or test == "between") and kind in (Kind.TEXT, Kind.BOOLEAN):
            fault = f"`{self.column}` holds {kind}; `{test}` compares numbers and dates."
            yield (*loc, test), fault, "A step before it has to read the text as that: `number`, `dates`."
        elif test in _COLUMNS and columns[value] != kind and not {columns[value], kind} <= {Kind.NUMBER, Kind.INTEGER}:
            yield (
                (*loc, test),
                f"`{self.column}` holds {kind}s, `{value}` holds {columns[value]}s.",
                "Make them the same.",
            )
        elif test in ("one_of", "none_of", "between", *_COMPARED):
            for one in value if isinstance(value, tuple) else (value,):
                if not self._fits(one, kind):
                    yield (*loc, test), *misfit(one, kind, self.column or "")

    def _fits(self, value: str, kind: Kind) -> bool:
        whole = kind is Kind.INTEGER and self.test not in ("one_of", "none_of")
        return fits(value, kind) or (whole and fits(value, Kind.NUMBER))

    def holds(self, columns: Columns) -> exp.Expr:
        """The condition, as SQL that is never empty itself."""
        from sqlglot import exp

        test = self.test
        value: Any = getattr(self, test)
        if test in _GROUPS:
            parts = [one.holds(columns) for one in value]
            met = exp.and_(*parts) if test == "all_of" else exp.or_(*parts)
            return exp.paren(exp.not_(exp.paren(met)) if test == "not_any_of" else met)
        name = self.column or ""
        if test == "filled":
            return filled(name) if value else exp.not_(filled(name))
        kind = columns[name]
        cell = self._folded(col(name), kind)
        if test in ("one_of", "none_of"):
            listed = cell.isin(*(self._folded(literal(one, kind), kind) for one in value))
            met = call("coalesce", listed, exp.false())
            return exp.not_(met) if test == "none_of" else met
        return call("coalesce", self._met(test, cell, value, columns), exp.false())

    def _met(self, test: str, cell: exp.Expr, value: Any, columns: Columns) -> exp.Expr:
        kind = columns[self.column or ""]

        def stated(one: str) -> exp.Expr:
            return self._folded(literal(one, kind if fits(one, kind) else Kind.NUMBER), kind)

        if test == "between":
            return sql(":cell between :low and :high", cell=cell, low=stated(value[0]), high=stated(value[1]))
        if test == "matches":
            pattern = f"(?i){value}" if self.ignore_case else value
            return sql("regexp_full_match(:cell, :pattern)", cell=col(self.column or ""), pattern=pattern)
        if test in _TEXTS:
            return call(test, cell, stated(value))
        if test in _COLUMNS:
            return sql(f":cell {_COLUMNS[test]} :other", cell=cell, other=self._folded(col(value), columns[value]))
        return sql(f":cell {_COMPARED[test]} :value", cell=cell, value=stated(value))

    def _folded(self, text: exp.Expr, kind: Kind) -> exp.Expr:
        return call("lower", text) if self.ignore_case and kind is Kind.TEXT else text
