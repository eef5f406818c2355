"""Prices: an amount and a currency in one cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import Example, Family, Made, NewColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, query, sql, table
from backoffice.transform.values.currencies import Currency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlglot import exp


def _prices(rows: Sequence[tuple[str, str | None, str | None]]) -> Iterable[object]:
    from backoffice.transform.values.amounts import prices

    return prices(rows)


def _amounts(rows: Sequence[tuple[str, str | None, str | None]]) -> Iterable[object]:
    from backoffice.transform.values.amounts import prices

    return [found and found[0] for found in prices(rows)]


def _signs(rows: Sequence[tuple[str]]) -> Iterable[str | None]:
    from backoffice.transform.values.amounts import shown_signs

    return shown_signs(rows)


PRICE = Function("price_parts", [Kind.TEXT] * 3, {"amount": Kind.NUMBER, "currency": Kind.TEXT}, _prices)
AMOUNT = Function("price_amount", [Kind.TEXT] * 3, Kind.NUMBER, _amounts)
"""The same without the currency: quicker."""
SIGN = Function("price_decimal_sign", [Kind.TEXT], Kind.TEXT, _signs)


class Prices(Step):
    """Read an amount and its currency out of one cell: ``1.234,56 €``, ``EUR 1,234.56``, ``1 234,50 Kč``, ``CHF 12.-``.

    Currencies are found as codes of ISO 4217 and as signs. A sign that several share, like ``$`` or ``kr``, is read as the
    stated ``currency`` if that is one of them, else not at all.

    An amount like ``1,234`` can be read two ways. ``decimal`` says which is meant. Under ``auto`` the column's other
    cells do, where they all show the same sign; else the cell is unreadable.
    """

    step: Literal["prices"] = "prices"
    column: TextColumn
    amount_as: Annotated[ColumnName, Made(Kind.NUMBER)]
    currency_as: NewColumn | None = None
    currency: Currency | None = None
    """The currency of cells that name none."""
    decimal: Literal["auto", ".", ","] = "auto"
    """The sign that begins the fraction, where an amount can be read two ways."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: price
  amount_as: amount
  currency_as: currency
  currency: EUR
""",
        before="""\
sku,price
A1,"1.234,56 €"
A2,CHF 12.-
A3,"1 234,50 Kč"
A4,"1,234"
A5,on request
A6,
""",
        after="""\
sku,price,amount,currency
A1,"1.234,56 €",1234.560000,EUR
A2,CHF 12.-,12.000000,CHF
A3,"1 234,50 Kč",1234.500000,CZK
A4,"1,234",1.234000,EUR
A5,on request,,
A6,,,
""",
    )

    @override
    def words(self) -> str:
        into = " and ".join([self.amount_as, *([self.currency_as] if self.currency_as else [])])
        stated = f"; where none is named, the currency is {self.currency}" if self.currency else ""
        doubt = {
            "auto": "an amount that can be read two ways is read as the column's others are",
            ",": "where an amount can be read two ways, the comma is the decimal sign",
            ".": "where an amount can be read two ways, the point is the decimal sign",
        }[self.decimal]
        return f"Read prices in {self.column} into {into}{stated}; {doubt}."

    @override
    def compile(self, source: Source) -> Cells:
        told = (col(self.column), _sign(self, source), self.currency)
        if not self.currency_as:
            cells = {self.amount_as: AMOUNT(*told)}
            return Cells(cells, reads={self.amount_as: self.column}, unreadable=self.unreadable)
        parts = PRICE(*told)
        cells = {self.amount_as: sql(":f.amount", f=parts), self.currency_as: sql(":f.currency", f=parts)}
        return Cells(cells, reads=dict.fromkeys(cells, self.column), unreadable=self.unreadable)


def _sign(step: Prices, source: Source) -> exp.Expr:
    from sqlglot import exp

    if step.decimal != "auto":
        return exp.convert(step.decimal)
    text = "select case when min(:sign) = max(:sign) then min(:sign) end from :t"
    return query(text, sign=SIGN(col(step.column)), t=table(source.table)).subquery()
