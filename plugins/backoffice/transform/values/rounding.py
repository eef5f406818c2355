"""Exact arithmetic with amounts: rounded quotients of whole numbers, as SQL.

DuckDB divides decimals as binary fractions, and a product of two NUMBER columns can have more digits than a decimal
holds. So amounts are counted in millionths, as whole numbers of up to 38 digits, and every quotient is rounded once.
A result that is no NUMBER (12 digits before the point) is empty.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator

from backoffice.transform.sql import sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = [
    "MILLION",
    "Rounding",
    "StepWidth",
    "digits_of",
    "millionths",
    "quotient",
    "rounding_words",
    "tenths_of_billionths",
]

MILLION = 1_000_000

Rounding = Literal["half_up", "half_even", "down", "commercial"]
"""What becomes of the part that is cut off. ``half_up``, also called ``commercial`` (DIN 1333): from a half on away from
zero. ``half_even`` (IEEE 754, ISO 80000-1): a half goes to the even neighbour. ``down``: towards zero."""


def _width(width: Decimal) -> Decimal:
    if not width.is_finite() or not 0 < width <= MILLION or width * MILLION % 1:
        raise ValueError("a number over 0 and up to 1000000, with at most 6 decimals, like 0.01 or 0.05")
    return width


StepWidth = Annotated[Decimal, AfterValidator(_width)]
"""What amounts are rounded to a multiple of: ``0.01``, ``0.05``, ``1``."""


def rounding_words(to: Decimal, rounding: Rounding) -> str:
    """The rule, for the client to sign."""
    how = {
        "half_up": "a half goes up, away from zero",
        "commercial": "commercially, a half goes up, away from zero",
        "half_even": "a half goes to the even neighbour",
        "down": "towards zero",
    }[rounding]
    return f"rounded to {to.normalize():f} ({how})"


def millionths(amount: exp.Expr) -> exp.Expr:
    """A NUMBER or INTEGER as a whole number of millionths."""
    return sql("cast(cast(:a as decimal(24, 6)) * cast(1000000 as decimal(7, 0)) as hugeint)", a=amount)


def tenths_of_billionths(rate: exp.Expr) -> exp.Expr:
    """Text or a number as a rate: a whole number of units of 10 to the power of -10; empty where it is none, or not
    over zero. Eight digits before the point.
    """
    text = "cast(cast(:r as decimal(28, 10)) * cast(10000000000 as decimal(11, 0)) as hugeint)"
    exact = sql(text, r=sql("try_cast(:rate as decimal(18, 10))", rate=rate))
    return sql("case when :exact > 0 then :exact end", exact=exact)


def quotient(above: exp.Expr, below: exp.Expr, to: Decimal, rounding: Rounding) -> exp.Expr:
    """``above / below`` millionths, rounded to a multiple of ``to``, as a NUMBER.

    :param above: a whole number of up to 37 digits, of either sign.
    :param below: a whole number over zero; times ``to`` in millionths up to 37 digits. Zero gives an empty cell.
    """
    unit = int(to * MILLION)
    up = {
        "half_up": "case when 2 * (abs(:n) % :d) >= :d then 1 else 0 end",
        "commercial": "case when 2 * (abs(:n) % :d) >= :d then 1 else 0 end",
        "half_even": (
            "case when 2 * (abs(:n) % :d) > :d or (2 * (abs(:n) % :d) = :d and (abs(:n) // :d) % 2 = 1)"
            " then 1 else 0 end"
        ),
        "down": "0",
    }[rounding]
    divisor = sql("nullif(:b, 0)", b=below) if unit == 1 else sql("nullif((:b) * :unit, 0)", b=below, unit=unit)
    text = "try_cast(sign(:n) * ((abs(:n) // :d) + :up) * :unit as decimal(18, 0)) * cast(0.000001 as decimal(6, 6))"
    rounded = sql(text, n=above, d=divisor, up=sql(up, n=above, d=divisor), unit=unit)
    return sql("cast(:rounded as decimal(18, 6))", rounded=rounded)


def digits_of(width: Decimal) -> int:
    """The decimals of a step width."""
    exponent = width.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
