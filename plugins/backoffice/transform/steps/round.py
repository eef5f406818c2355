"""Rounding."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.step import Example, Family, NumberColumn, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import cast, col, sql
from backoffice.transform.values.rounding import Rounding, StepWidth, millionths, quotient, rounding_words


class Round(Step):
    """Round amounts to a multiple of 0.01, 0.05, 1 or any other width, exactly."""

    step: Literal["round"] = "round"
    columns: tuple[NumberColumn, ...] = Field(min_length=1)
    to: StepWidth = Decimal("0.01")
    rounding: Rounding = "half_up"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: price
  amount_as: amount
- step: round
  columns: [amount]
  to: 0.05
""",
        before="""\
sku,price
A1,1.025
A2,2.67
A3,
""",
        after="""\
sku,price,amount
A1,1.025,1.050000
A2,2.67,2.650000
A3,,
""",
    )

    @override
    def words(self) -> str:
        return f"Amounts in {', '.join(self.columns)} are {rounding_words(self.to, self.rounding)}."

    @override
    def compile(self, source: Source) -> Cells:
        one = sql("cast(1 as hugeint)")
        cells = {
            name: cast(quotient(millionths(col(name)), one, self.to, self.rounding), source.columns[name])
            for name in self.columns
        }
        return Cells(cells)
