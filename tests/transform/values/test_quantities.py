"""Quantities with units."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.transform.values.quantities import SPELLINGS, converted, quantity, unit_of


@pytest.mark.parametrize(
    ("text", "to", "amount", "unit", "packs"),
    [
        ("500 g", "", "500", "g", 1),
        ("0,5 kg", "g", "500", "g", 1),
        ("6x330ml", "", "1980", "ml", 6),
        ("6 \u00d7 0,33 l", "l", "1.98", "l", 6),
        ("330 ml x 6", "ml", "1980", "ml", 6),
        ("12 oz", "g", "340.194278", "g", 1),
        ("1 lb.", "g", "453.592370", "g", 1),
        ("1.500,5 g", "kg", "1.500500", "kg", 1),
        ("20 Stück", "", "20", "pcs", 1),
        ('15,6"', "cm", "39.624000", "cm", 1),
        ("2 m²", "cm2", "20000", "cm2", 1),
        ("750ML", "kg;l", "0.75", "l", 1),
        ("6 PK/12 OZ", "", "72", "oz", 6),
        ("6/12 OZ", "", "72", "oz", 6),
        ("10/6.75 OZ", "", "67.5", "oz", 10),
        ("12 PK", "", "12", "pcs", 1),
        (".5 OZ", "", "0.5", "oz", 1),
        ("1/2 lb", "g", "226.796185", "g", 1),
        ("10 3/4 OZ", "", "10.75", "oz", 1),
        ("1 DZ", "pcs", "12", "pcs", 1),
    ],
)
def test_quantities_are_read_and_converted(text, to, amount, unit, packs):
    assert quantity(text, None, to, None, False) == (Decimal(amount), unit, packs)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "large",
        "5",
        "5 apples",
        "g",
        "1,500 g",
        "2x3x4 cm",
        "12 fl oz",
        "10000000 t",
        "1-2 kg",
        "3/4 oz",
        "1/3 oz",
        "PT",
    ],
)
def test_what_is_no_quantity_or_measures_something_else_is_none(text):
    assert quantity(text, None, "g;ml", None, False) is None


def test_gallons_are_converted_only_if_it_is_known_whose_they_are():
    assert quantity("1 gal", None, "ml", None, False) is None
    assert quantity("1 gal", None, "ml", "us", False) == (Decimal("3785.411784"), "ml", 1)
    assert quantity("1 gallon", None, "ml", "imperial", False) == (Decimal("4546.09"), "ml", 1)
    assert quantity("12 fl. oz.", None, "ml", "us", False) == (Decimal("354.882355"), "ml", 1)
    assert quantity("12 fl oz", None, "", None, False) == (Decimal(12), "fl oz", 1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Cola 6x330ml bottles", (Decimal(1980), "ml", 6)),
        ("Flour type 405, 1kg", (Decimal(1), "kg", 1)),
        ("Milk 1l, 1l", (Decimal(1), "l", 1)),
        ("Set 500 g and 250 g", None),
        ("Pack of 5 in a box", None),
        ("iPhone 12", None),
        ("100 g/m", None),
    ],
)
def test_a_quantity_within_a_text_is_found_if_there_is_one(text, wanted):
    assert quantity(text, None, "", None, True) == wanted


@given(st.decimals(min_value=0, max_value=10**5, places=3), st.sampled_from(sorted(set(SPELLINGS.values()))))
def test_there_and_back_is_the_same_but_for_the_last_decimal(amount, unit):
    for other in ("g", "ml", "cm", "cm2", "pcs"):
        there = converted(amount, unit, other, "us")
        if there is not None:
            back = converted(there, other, unit, "us")
            assert back is not None
            assert abs(back - amount) <= Decimal("0.001") * max(1, amount)


def test_every_spelling_is_found():
    assert all(unit_of(written) == unit for written, unit in SPELLINGS.items())


@given(st.text(max_size=40), st.booleans())
def test_any_text_is_a_quantity_or_none(text, within):
    found = quantity(text, None, "", None, within)
    assert found is None or (0 <= found[0] < 10**12 and found[2] >= 0)
