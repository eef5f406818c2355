"""Quantities with units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import Example, Family, Made, NewColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, query, sql, table
from backoffice.transform.values.quantities import Unit, converted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlglot import exp


def _quantities(rows: Sequence[tuple[str, str | None, str, str | None, bool]]) -> Iterable[object]:
    from backoffice.transform.values.quantities import quantities

    return quantities(rows)


def _signs(rows: Sequence[tuple[str, bool]]) -> Iterable[str | None]:
    from backoffice.transform.values.quantities import shown_signs

    return shown_signs(rows)


QUANTITY = Function(
    "quantity_parts",
    [Kind.TEXT, Kind.TEXT, Kind.TEXT, Kind.TEXT, Kind.BOOLEAN],
    {"amount": Kind.NUMBER, "unit": Kind.TEXT, "packs": Kind.INTEGER},
    _quantities,
)
SIGN = Function("quantity_decimal_sign", [Kind.TEXT, Kind.BOOLEAN], Kind.TEXT, _signs)


class Units(Step):
    """Read quantities like ``500 g``, ``0,5 kg``, ``6x330ml``, ``12 oz`` into an amount and a unit; packs are multiplied.

    With ``to`` they are converted, exactly (international yard and pound of 1959; SI), and rounded to six decimals; a
    quantity that none of those units measures is unreadable. Pints, gallons and fluid ounces are converted only if the SOW
    says whose they are. ``oz`` alone is a mass.
    """

    step: Literal["units"] = "units"
    column: TextColumn
    amount_as: Annotated[ColumnName, Made(Kind.NUMBER)]
    unit_as: NewColumn | None = None
    packs_as: Annotated[ColumnName, Made(Kind.INTEGER)] | None = None
    """The number of packs: 6 of ``6x330ml``; else 1."""
    to: tuple[Unit, ...] = ()
    """Units to convert into, one for each thing that is measured: ``[g, ml]``. Left out: as they are."""
    gallons: Literal["us", "imperial"] | None = None
    within: bool = False
    """Whether the quantity stands somewhere in a text, like an article's name. Several different ones are unreadable."""
    decimal: Literal["auto", ".", ","] = "auto"
    """The sign that begins the fraction where ``1,500 g`` can be read two ways; ``auto``: as the column's others are."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: units
  column: content
  to: [g, ml]
  amount_as: amount
  unit_as: unit
""",
        before="""\
sku,content
A1,"0,5 kg"
A2,6x330ml
A3,12 oz
A4,large
A5,
""",
        after="""\
sku,content,amount,unit
A1,"0,5 kg",500.000000,g
A2,6x330ml,1980.000000,ml
A3,12 oz,340.194278,g
A4,large,,
A5,,,
""",
    )

    @model_validator(mode="after")
    def _tell_apart(self) -> Units:
        from decimal import Decimal

        for index, one in enumerate(self.to):
            for other in self.to[index + 1 :]:
                if converted(Decimal(1), one, other, self.gallons or "us") is not None:
                    raise ValueError(f"`{one}` and `{other}` measure the same: name one of them in `to`")
            if one in ("fl oz", "pt", "gal") and self.gallons is None:
                raise ValueError(f"`{one}`: say `gallons`, `us` or `imperial`")
        if self.to and self.unit_as is None and len(self.to) > 1:
            raise ValueError("with several units in `to`, say `unit_as` too")
        return self

    @override
    def words(self) -> str:
        into = f", converted into {' or '.join(self.to)}" if self.to else ""
        place = "somewhere in the text of" if self.within else "in"
        return f"Read the quantities {place} {self.column} into {self.amount_as}{into}."

    @override
    def compile(self, source: Source) -> Cells:
        cell = col(self.column)
        parts = QUANTITY(cell, _sign(self, source), ";".join(self.to), self.gallons, self.within)
        cells = {self.amount_as: sql(":f.amount", f=parts)}
        if self.unit_as:
            cells[self.unit_as] = sql(":f.unit", f=parts)
        if self.packs_as:
            cells[self.packs_as] = sql(":f.packs", f=parts)
        return Cells(cells, reads=dict.fromkeys(cells, self.column), unreadable=self.unreadable)


def _sign(step: Units, source: Source) -> exp.Expr:
    from sqlglot import exp

    if step.decimal != "auto":
        return exp.convert(step.decimal)
    text = "select case when min(:sign) = max(:sign) then min(:sign) end from :t"
    return query(text, sign=SIGN(col(step.column), step.within), t=table(source.table)).subquery()
