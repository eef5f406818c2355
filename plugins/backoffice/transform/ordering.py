"""The order of rows, as ``sort`` and ``window`` take it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model
from backoffice.contract.step import AnyColumn
from backoffice.transform.fragment import ROW
from backoffice.transform.sql import call, col, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Key", "ordered"]

# As a binary number: exact decimals of any length are fifteen times slower, and equal ones are told apart by the text.
_NUMBER = "case when regexp_full_match(trim(:cell), '[+-]?[0-9]+([.][0-9]+)?') then try_cast(trim(:cell) as double) end"


class Key(Model):
    """One column that rows are put in order by."""

    column: AnyColumn
    descending: bool = False
    blanks: Literal["first", "last"] = "last"
    compare: Literal["signs", "words", "numbers"] = "signs"
    """How text is compared: ``signs`` by its characters (Unicode's order, capitals first); ``words`` as in a telephone
    book (case and accents do not matter); ``numbers`` by its value (2 before 10), what is no number after the others.
    Numbers, dates and the like are compared by their value."""

    def words(self) -> str:
        """The key, in words."""
        return f"{self.column}{' descending' if self.descending else ''}"


def ordered(keys: Iterable[Key], columns: Columns) -> list[exp.Ordered]:
    """The keys for ``ORDER BY``; the rows' own order decides where all are equal, so there is one order only."""
    from sqlglot import exp

    found: list[exp.Ordered] = []
    for key in keys:
        first = key.blanks == "first"
        cell: exp.Expr = col(key.column)
        if key.compare != "signs" and columns[key.column] is Kind.TEXT:
            blank = exp.not_(cell.copy().is_(exp.null())) if first else cell.copy().is_(exp.null())
            found.append(exp.Ordered(this=exp.paren(blank), nulls_first=False))
            if key.compare == "numbers":
                cell = sql(_NUMBER, cell=cell)
                first = False
            else:
                cell = call("lower", call("strip_accents", cell))
        found.append(exp.Ordered(this=cell, desc=key.descending, nulls_first=first))
        if key.compare != "signs" and columns[key.column] is Kind.TEXT:
            found.append(exp.Ordered(this=col(key.column), desc=key.descending, nulls_first=False))
    return [*found, exp.Ordered(this=col(ROW), nulls_first=False)]
