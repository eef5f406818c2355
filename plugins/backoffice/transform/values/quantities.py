"""Quantities with units: ``500 g``, ``0,5 kg``, ``6x330ml``, ``12 oz``, ``1/2 gal``, ``6 PK/12 OZ``.

Factors are exact: SI (BIPM brochure), and the international yard and pound of 1959 (1 yd = 0.9144 m, 1 lb = 0.45359237 kg).
Gallons: United States 231 cubic inches, imperial 4.54609 l (UK Weights and Measures Act 1985).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import cache
from math import gcd
from typing import Literal

from backoffice.transform.values.amounts import NUMBER_TEXT, decimal_sign, number, plain

__all__ = ["SPELLINGS", "Unit", "converted", "quantities", "quantity", "shown_signs", "unit_of"]

Unit = Literal["mg", "g", "kg", "t", "oz", "lb", "ml", "cl", "dl", "l", "m3", "fl oz", "pt", "qt", "gal", "mm", "cm", "m", "km",
    "in", "ft", "yd", "m2", "cm2", "pcs", "dz"]  # fmt: skip

_INCH, _POUND, _YARD = Fraction(254, 10), Fraction(45359237, 100000), Fraction(9144, 10)

_GALLONS = {"us": _INCH**3 * 231 / 1000, "imperial": Fraction(454609, 100)}
_PARTS = {"us": {"fl oz": 128, "pt": 8, "qt": 4, "gal": 1}, "imperial": {"fl oz": 160, "pt": 8, "qt": 4, "gal": 1}}

_FACTORS: dict[str, tuple[str, Fraction]] = {
    "mg": ("mass", Fraction(1, 1000)),
    "g": ("mass", Fraction(1)),
    "kg": ("mass", Fraction(1000)),
    "t": ("mass", Fraction(1_000_000)),
    "oz": ("mass", _POUND / 16),
    "lb": ("mass", _POUND),
    "ml": ("volume", Fraction(1)),
    "cl": ("volume", Fraction(10)),
    "dl": ("volume", Fraction(100)),
    "l": ("volume", Fraction(1000)),
    "m3": ("volume", Fraction(1_000_000)),
    "mm": ("length", Fraction(1)),
    "cm": ("length", Fraction(10)),
    "m": ("length", Fraction(1000)),
    "km": ("length", Fraction(1_000_000)),
    "in": ("length", _INCH),
    "ft": ("length", _YARD / 3),
    "yd": ("length", _YARD),
    "cm2": ("area", Fraction(1)),
    "m2": ("area", Fraction(10_000)),
    "pcs": ("count", Fraction(1)),
    "dz": ("count", Fraction(12)),
}

SPELLINGS: dict[str, str] = {
    written: unit
    for unit, spellings in {
        "mg": "mg milligram milligrams milligramm",
        "g": "g gr gram grams gramm gramme grammes gms gm",
        "kg": "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme",
        "t": "t ton tonne tonnes tonnen",
        "oz": "oz ounce ounces unze unzen",
        "lb": "lb lbs pound pounds",
        "ml": "ml milliliter milliliters millilitre millilitres",
        "cl": "cl centiliter centilitre zentiliter",
        "dl": "dl deciliter decilitre deziliter",
        "l": "l lt ltr liter liters litre litres",
        "m3": "m3 m³ cbm",
        "fl oz": "fl_oz floz fluid_ounce fluid_ounces",
        "pt": "pt pint pints",
        "qt": "qt quart quarts",
        "gal": "gal ga gallon gallons",
        "mm": "mm millimeter millimeters millimetre millimetres",
        "cm": "cm centimeter centimeters centimetre centimetres zentimeter",
        "m": "m meter meters metre metres",
        "km": "km kilometer kilometers kilometre kilometres",
        "in": 'in inch inches zoll "',
        "ft": "ft foot feet",
        "yd": "yd yds yard yards",
        "m2": "m2 m² qm sqm",
        "cm2": "cm2 cm² qcm",
        "pcs": "pcs pc pce piece pieces stk stück stück. stueck st ct count pk pks pack packs ea each er",
        "dz": "dz doz dozen dutzend",
    }.items()
    for written in spellings.split()
}

_TIMES = r"[x\u00d7*]"
_PACKS = r"(?:(?P<packs>[0-9]{1,5}) ?(?:(?:pk|ct|pack|er)s?\.? ?/|/|TIMES) ?)?".replace("TIMES", _TIMES)
_ONE = (
    rf"{_PACKS}(?P<number>NUMBER) ?"
    r"(?P<unit>fl\. ?oz|fl oz|fluid ounces?|sq\. ?(?:in|ft)|[^\W\d_]{1,14}[23²³]?|\")\.?"
    rf"(?: ?(?:{_TIMES}) ?(?P<times>[0-9]{{1,5}}))?"
)
_DENOMINATORS = (2, 3, 4, 8, 16, 32)
_FRACTION = r"(?:[0-9]{1,4}[ -])?[1-9][0-9]?/[1-9][0-9]?"
_WHOLE = re.compile(_ONE.replace("NUMBER", rf"[.,]?{NUMBER_TEXT}"), re.IGNORECASE)
_BROKEN = re.compile(_ONE.replace(_PACKS, "(?P<packs>(?!))?").replace("NUMBER", _FRACTION), re.IGNORECASE)
# In a text two numbers may stand side by side: none has blanks within.
_ANYWHERE = _ONE.replace("NUMBER", r"[0-9]+(?:[.,'][0-9]+)*")
_WITHIN = re.compile(rf"(?<![\w.,/-]){_ANYWHERE}(?![\w/])", re.IGNORECASE)


def unit_of(written: str) -> str | None:
    """The unit that a word stands for."""
    return SPELLINGS.get(re.sub(r"[. ]+", "_", written.strip().lower()).strip("_"))


@cache
def _factor(unit: str, gallons: str | None) -> tuple[str, Fraction] | None:
    if unit in _PARTS["us"]:
        return ("volume", _GALLONS[gallons] / _PARTS[gallons][unit]) if gallons else None
    return _FACTORS[unit]


def converted(amount: Decimal, unit: str, to: str, gallons: str | None) -> Decimal | None:
    """An amount in another unit, to six decimals; nothing where the units measure different things.

    :param gallons: ``us`` or ``imperial``: whose gallons, pints and fluid ounces; ``None``: not known.
    """
    if unit == to:
        return amount
    old, new = _factor(unit, gallons), _factor(to, gallons)
    if old is None or new is None or old[0] != new[0]:
        return None
    exact = Fraction(amount) * old[1] / new[1]
    with localcontext() as context:
        context.prec = 60
        found = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return found if abs(found) < 10**12 else None


def _found(text: str, within: bool) -> re.Match[str] | None:
    ready = plain(text)
    if len(ready) > 2000:
        return None
    if not within:
        found = _BROKEN.fullmatch(ready)
        if not found or not _is_fraction(found["number"]):
            found = _WHOLE.fullmatch(ready)
        return found if found and unit_of(found["unit"]) else None
    known = [one for one in _WITHIN.finditer(ready) if unit_of(one["unit"]) and not one[0].lower().endswith(" in")]
    return known[0] if len({one[0].lower() for one in known}) == 1 else None


def quantity(
    text: str, sign: str | None, targets: str, gallons: str | None, within: bool
) -> tuple[Decimal, str, int] | None:
    """The amount, its unit and the number of packs that it is in all: ``6x330ml`` is 1980, ml, 6.

    :param sign: the decimal sign where a number can be read both ways.
    :param targets: units to convert into, with ``;`` between; the first that measures the same counts. Empty: none.
    :param within: whether the quantity may stand anywhere in a text; several different ones are none.
    """
    if not (found := _found(text, within)):
        return None
    amount, unit = _amount(found["number"], sign), unit_of(found["unit"])
    if amount is None or unit is None or (found["packs"] and found["times"]):
        return None
    packs = int(found["packs"] or found["times"] or 1)
    amount *= packs
    if not targets:
        return (amount, unit, packs) if amount < 10**12 else None
    for target in targets.split(";"):
        answer = converted(amount, unit, target, gallons)
        if answer is not None:
            return answer, target, packs
    return None


def _is_fraction(text: str) -> bool:
    """``1/2``, ``3/4``; not ``6/12`` or ``4/187``, which are packs."""
    above, below = (int(one) for one in re.split("[ -]", text)[-1].split("/"))
    return below in _DENOMINATORS and above < below and gcd(above, below) == 1


def _amount(text: str, sign: str | None) -> Decimal | None:
    """A number, or a fraction that a decimal can be: ``1/2``, ``10 3/4``. ``3/4`` alone may be three packs of four."""
    if "/" not in text:
        return number(text, sign)
    whole, _, part = text.replace("-", " ").rpartition(" ")
    above, below = (int(one) for one in part.split("/"))
    if below == 3 or (above != 1 and not whole):
        return None
    return int(whole or 0) + Decimal(above) / below


def quantities(rows: Sequence[tuple[str, str | None, str, str | None, bool]]) -> Iterable[object]:
    """:func:`quantity` for many cells."""
    return [quantity(*row) for row in rows]


def shown_signs(rows: Sequence[tuple[str, bool]]) -> Iterable[str | None]:
    """The decimal sign that each of many quantities shows beyond doubt."""
    return [decimal_sign(found["number"]) if (found := _found(text, within)) else None for text, within in rows]
