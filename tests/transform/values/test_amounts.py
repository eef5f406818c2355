"""Amounts as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.transform.values.amounts import decimal_sign, number, price
from backoffice.transform.values.currencies import CODES


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1.234,56 €", "1234.56", "EUR"),
        ("EUR 1,234.56", "1234.56", "EUR"),
        ("1\u00a0234,50 Kč", "1234.50", "CZK"),
        ("CHF 12.-", "12", "CHF"),
        ("CHF 1\u2019200.\u2014", "1200", "CHF"),
        ("Fr.12", "12", "CHF"),
        ("Fr. 1'200.50", "1200.50", "CHF"),
        ("12,-- €", "12", "EUR"),
        ("-12,50 EUR", "-12.50", "EUR"),
        ("12,50- EUR", "-12.50", "EUR"),
        ("€ -12,50", "-12.50", "EUR"),
        ("\u221212,50 €", "-12.50", "EUR"),
        ("(12.50 £)", "-12.50", "GBP"),
        ("+5 €", "5", "EUR"),
        ("US$ 5", "5", "USD"),
        ("1,23,456.78 INR", "123456.78", "INR"),
        ("0,500 €", "0.5", "EUR"),
        ("1 234,567 zł", "1234.567", "PLN"),
        ("1234,567 zł", "1234.567", "PLN"),
        ("999999999999,999999 €", "999999999999.999999", "EUR"),
        ("12.50 Euro", "12.5", "EUR"),
        ("$5 USD", "5", "USD"),
        ("CAD$ 5", "5", "CAD"),
        ("US$:12.99", "12.99", "USD"),
        ("850 \u0440\u0443\u0431.", "850", "RUB"),
    ],
)
def test_a_price_that_can_be_read_one_way_is_read_so(text, amount, currency):
    for sign in (None, ",", "."):
        assert price(text, sign, None) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "12-15 €", "12 € 13 €", "ab 12 €", "12 € / kg", "€ 12 $", "EUR$ 5", "1.2.3,4 €.", "EUR 12 USD", "XXX 5", "5 %",
     "12 000 000 000 000 €x", "--5 €", "1e5 €", "€" * 200 + "5"],
)  # fmt: skip
def test_what_is_no_price_is_none(text):
    assert price(text, ",", None) is None


@pytest.mark.parametrize("text", ["1.2.3,4 €", "1.23.456 €", "1000000000000 €", "0,1234567 €", "1,2,3 €"])
def test_a_number_that_is_none_has_no_amount_but_its_currency(text):
    assert price(text, ",", None) == (None, "EUR")


def test_an_amount_that_can_be_read_two_ways_is_never_guessed():
    assert price("1,234 €", None, None) == (None, "EUR")
    assert price("1,234 €", ",", None) == (Decimal("1.234"), "EUR")
    assert price("1,234 €", ".", None) == (Decimal(1234), "EUR")
    assert price("1.000 €", None, None) == (None, "EUR")


def test_a_sign_for_several_currencies_is_read_only_as_the_one_that_was_stated():
    assert price("$5", None, None) == (Decimal(5), None)
    assert price("$5", None, "CAD") == (Decimal(5), "CAD")
    assert price("$5", None, "EUR") == (Decimal(5), None)
    assert price("5 kr", None, "SEK") == (Decimal(5), "SEK")
    assert price("5", None, "SEK") == (Decimal(5), "SEK")
    assert price("5", None, None) == (Decimal(5), None)


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'")]),
)
def test_what_is_written_with_two_decimals_is_read_as_written(amount, signs):
    point, group = signs
    text = f"{amount:,.2f}".replace(",", "_").replace(".", point).replace("_", group)
    assert number(text, None) == amount
    assert decimal_sign(text) == point


@given(st.text(max_size=30), st.sampled_from([None, ",", "."]))
def test_any_text_is_a_price_or_none(text, sign):
    found = price(text, sign, None)
    assert found is None or found[1] in {*CODES, None}
    if found and found[0] is not None:
        assert abs(found[0]) < 10**12
        assert found[0] == found[0].quantize(Decimal("0.000001"))
