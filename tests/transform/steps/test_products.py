"""Prices, tax, currencies, units, article numbers, categories: what each step makes of cells and rows, and counts."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backoffice.errors import DropRejected
from tests.transform.conftest import column
from tests.transform.steps.tabular import agreed, run

D = Decimal
odd = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)

PRICES = """
- step: prices
  column: price
  amount_as: amount
  currency_as: currency
"""


def cells(values, name="price"):
    return [[name], *([one] for one in values)]


def test_the_other_cells_decide_how_an_amount_is_read():
    ran = run(PRICES, cells(["1,234 €", "5,00 €", None, "1.000 €"]))
    assert ran["amount"] == [D("1.234"), D(5), None, D(1000)]
    ran = run(PRICES, cells(["1,234 €", "5.00 €"]))
    assert ran["amount"] == [D(1234), D(5)]


def test_where_they_do_not_agree_the_amount_is_unreadable_and_counted():
    ran = run(PRICES, cells(["1,234 €", "5.00 €", "5,00 €"]))
    assert ran["amount"] == [None, D(5), D(5)]
    assert ran["currency"] == ["EUR"] * 3
    assert ran.step.blanked == {"amount": 1}
    assert run(PRICES, cells(["1,234 €"])).step.blanked == {"amount": 1}
    assert run(PRICES + "  decimal: ','\n", cells(["1,234 €"]))["amount"] == [D("1.234")]


def test_the_sign_is_decided_by_cells_as_the_step_before_left_them():
    steps = "- step: trim\n" + PRICES
    assert run(steps, cells(["  1,234 € ", " 5,00\u00a0€ "]))["amount"] == [D("1.234"), D(5)]


def test_a_price_that_is_none_is_counted_in_both_columns_and_can_stop_the_file():
    ran = run(PRICES, cells(["on request", "$5", None]))
    assert ran.step.blanked == {"amount": 1, "currency": 2}
    with pytest.raises(DropRejected) as refused:
        run(PRICES + "  unreadable: stop\n", cells(["on request"]))
    assert "on request" not in str(refused.value)


@given(values=st.lists(odd, min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_prices_take_any_text(values):
    ran = run(PRICES, cells(values))
    assert len(ran.rows) == len(values)


def amounts(steps, values):
    """Run steps over a NUMBER column ``a``, rate column ``r``."""
    first = "".join(f"- {{step: prices, column: {one}t, amount_as: {one}, decimal: .}}\n" for one in values[0])
    rows = [[f"{one}t" for one in values[0]], *([None if c is None else str(c) for c in row] for row in values[1:])]
    return run(first + steps, rows)


def test_rounding_is_exact_where_binary_fractions_are_not():
    steps = "- {step: round, columns: [a]}"
    values = ["1.005", "2.675", "-2.675", "1.115", "999999999999.994", None, "0.285"]
    ran = amounts(steps, [["a"], *([one] for one in values)])
    assert ran["a"] == [D("1.01"), D("2.68"), D("-2.68"), D("1.12"), D("999999999999.99"), None, D("0.29")]


@pytest.mark.parametrize(
    ("to", "rounding", "wanted"),
    [
        ("0.05", "commercial", ["1.05", "1.10", "-1.05"]),
        ("0.05", "half_even", ["1.00", "1.10", "-1.00"]),
        ("0.05", "down", ["1.00", "1.05", "-1.00"]),
        ("1", "half_up", ["1", "1", "-1"]),
    ],
)
def test_rounding_rules(to, rounding, wanted):
    steps = f"- {{step: round, columns: [a], to: {to}, rounding: {rounding}}}"
    assert amounts(steps, [["a"], ["1.025"], ["1.075"], ["-1.025"]])["a"] == [D(one) for one in wanted]


def test_an_amount_that_rounding_makes_too_large_is_counted():
    ran = amounts("- {step: round, columns: [a], to: 1}", [["a"], ["999999999999.5"]])
    assert ran["a"] == [None]
    assert ran.step.blanked == {"a": 1}


@pytest.mark.parametrize("width", ["0", "-0.01", "0.0000001", ".nan", "x"])
def test_a_width_that_is_none_is_a_mistake(width):
    with pytest.raises(ValidationError):
        agreed(f"- {{step: round, columns: [a], to: {width}}}", ["a"], {})


def test_net_and_tax_always_make_up_gross():
    cents = [[D(one) / 100] for one in (*range(1, 120), 99999, 123456789, 99999999999999)]
    steps = "- {step: vat, gross: a, net_as: net, tax_as: tax, rates: [{rate: 19}]}"
    ran = amounts(steps, [["a"], *cents])
    for (gross,), net, tax in zip(cents, ran["net"], ran["tax"], strict=True):
        assert net == (gross / D("1.19")).quantize(D("0.01"), ROUND_HALF_UP)
        assert net + tax == gross
    steps = "- {step: vat, net: a, gross_as: gross, tax_as: tax, rates: [{rate: 19}]}"
    ran = amounts(steps, [["a"], *cents[:-1]])
    for (net,), gross, tax in zip(cents[:-1], ran["gross"], ran["tax"], strict=True):
        assert gross == (net * D("1.19")).quantize(D("0.01"), ROUND_HALF_UP)
        assert net + tax == gross


def test_tax_of_credit_notes_is_that_of_the_invoice_with_its_sign():
    steps = "- {step: vat, gross: a, net_as: net, rates: [{rate: 20}]}"
    assert amounts(steps, [["a"], ["100.01"], ["-100.01"]])["net"] == [D("83.34"), D("-83.34")]


def test_swiss_gross_prices_end_in_five_centimes():
    steps = "- {step: vat, net: a, gross_as: gross, tax_as: tax, rates: [{rate: 8.1}], to: 0.05}"
    ran = amounts(steps, [["a"], ["10.00"], ["9.99"]])
    assert ran["gross"] == [D("10.80"), D("10.80")]
    assert ran["tax"] == [D("0.80"), D("0.81")]


def test_the_rate_of_net_and_gross():
    steps = "- {step: vat, net: a, gross: b, rate_as: rate, tax_as: tax}"
    ran = amounts(steps, [["a", "b"], ["10", "12"], ["-10", "-10.55"], ["0", "1"], ["83.34", "100.01"], ["1", None]])
    assert ran["rate"] == [D(20), D("5.5"), None, D(20), None]
    assert ran["tax"] == [D(2), D("-0.55"), D(1), D("16.67"), None]


def test_rates_by_country_category_and_day():
    steps = """
- {step: prices, column: net, amount_as: n}
- {step: dates, columns: [day], formats: [YYYY-MM-DD]}
- step: vat
  net: n
  country: country
  day: day
  rates:
    - {country: DE, rate: 16, since: 2020-07-01, until: 2020-12-31}
    - {country: DE, rate: 19}
    - {country: AT, rate: 20}
  rate_as: rate
  gross_as: gross
"""
    rows = (
        "net,country,day\n100,DE,2020-06-30\n100,DE,2020-07-01\n100,DE,2020-12-31\n100,DE,\n"
        "100,AT,2020-08-01\n100,FR,2020-08-01\n100,,\n"
    )
    ran = run(steps, rows)
    assert ran["rate"] == [D(19), D(16), D(16), D(19), D(20), None, None]
    assert ran.step.blanked == {"rate": 2, "gross": 2}


def test_a_gross_amount_that_is_too_large_is_counted_and_does_not_stop_the_run():
    ran = amounts("- {step: vat, net: a, gross_as: gross, tax_as: tax, rates: [{rate: 20}]}", [["a"], ["999999999999"]])
    assert ran["gross"] == [None]
    assert ran["tax"] == [None]
    assert ran.step.blanked == {"gross": 1, "tax": 1}


def test_a_rate_in_a_column_counts_between_nothing_and_a_hundred():
    steps = "- {step: vat, net: a, gross_as: gross, rate_column: r}"
    ran = amounts(steps, [["a", "r"], ["10", "5.5"], ["10", "0"], ["10", "-100"], ["10", "101"], ["10", None]])
    assert ran["gross"] == [D("10.55"), D(10), None, None, None]


@pytest.mark.parametrize(
    "fields",
    ["", "net: a", "net: a, gross_as: g", "net: a, gross: a, rate_as: r, rates: [{rate: 1}]",
     "net: a, net_as: b, rates: [{rate: 1}]", "net: a, gross_as: g, rates: [{rate: 101}]",
     "net: a, gross_as: g, rates: [{rate: 1, country: AT}]", "net: a, rates: [{rate: 1}]",
     "net: a, gross_as: g, rates: [{rate: 1}], rate_column: a"],
)  # fmt: skip
def test_vat_that_does_not_say_enough_or_too_much_is_a_mistake(fields):
    with pytest.raises(ValidationError):
        agreed(f"- {{step: vat, {fields}}}", ["a"], {})


CONVERT = """
- {step: prices, column: price, amount_as: amount, currency_as: currency}
- {step: dates, columns: [day], formats: [YYYY-MM-DD]}
- step: convert_currency
  amount: amount
  currency: currency
  to: EUR
  converted_as: eur
  rates: rates
  rate_currency: code
  rate: rate
  says: units_per_base
  day: day
  rate_day: date
  at_most_days: 3
"""
RATES = """code,date,rate
USD,2026-03-06,1.0795
usd,2026-03-09,1.0811
USD,2026-03-09,1.0812
VND,2026-03-06,27543.5
JPY,2026-03-06,not yet
CHF,2026-03-06,0
GBP,soon,0.8
"""


def test_the_last_rate_up_to_the_day_counts_if_it_is_fresh_enough():
    days = ["2026-03-05", "2026-03-06", "2026-03-08", "2026-03-09", "2026-03-12", "2026-03-13"]
    ran = run(CONVERT, [["price", "day"], *([["USD 100", day] for day in days])], rates=RATES)
    assert ran["eur"] == [None, D("92.64"), D("92.64"), D("92.49"), D("92.49"), None]
    assert ran.step.blanked == {"eur": 2}


def test_amounts_without_a_usable_rate_are_counted_and_those_in_the_currency_stay():
    rows = (
        "price,day\nJPY 5,2026-03-06\nCHF 5,2026-03-06\nGBP 5,2026-03-06\nEUR 5,2026-03-06\nEUR 5,\n"
        "VND 1000000,2026-03-06\n,2026-03-06\n"
    )
    ran = run(CONVERT, rows, rates=RATES)
    assert ran["eur"] == [None, None, None, D(5), D(5), D("36.31"), None]
    assert ran.step.blanked == {"eur": 3}


def test_rates_can_multiply_and_the_largest_amounts_stay_exact():
    steps = """
- {step: prices, column: price, amount_as: amount, currency_as: currency}
- {step: convert_currency, amount: amount, currency: currency, to: EUR, converted_as: eur, rates: rates,
   rate_currency: code, rate: rate, says: base_per_unit, round_to: 0.000001}
"""
    rates = "code,rate\nUSD,0.9259259259\nKWD,3.0\n"
    ran = run(steps, "price\nUSD 999999999999.999999\nKWD 999999999999\nUSD 0.1\n", rates=rates)
    with_all_digits = D("999999999999.999999") * D("0.9259259259")
    assert ran["eur"] == [with_all_digits.quantize(D("0.000001"), ROUND_HALF_UP), None, D("0.092593")]


def test_units_are_read_counted_and_converted():
    steps = "- {step: units, column: content, to: [g, ml], amount_as: a, unit_as: u, packs_as: p}"
    ran = run(steps, cells(["6x0,33 l", "1,500 kg", "2 m", "12 oz", None], "content"))
    assert ran["a"] == [D(1980), D(1500), None, D("340.194278"), None]
    assert ran["u"] == ["ml", "g", None, "g", None]
    assert ran["p"] == [6, 1, None, 1, None]
    assert ran.step.blanked == {"a": 1, "u": 1, "p": 1}


@pytest.mark.parametrize("fields", ["to: [g, kg], unit_as: u", "to: [gal]", "to: [g, ml]", "to: [stone]"])
def test_units_that_cannot_be_converted_into_are_a_mistake(fields):
    with pytest.raises(ValidationError):
        agreed(f"- {{step: units, column: c, amount_as: a, {fields}}}", ["c"], {})


def test_article_numbers_are_checked_counted_and_kept_if_asked():
    step = {"step": "gtin", "column": "c", "write": "13"}
    values = ["036000291452", "4006381333931", "4006381333932", "x' OR 1=1 --", None, "4006381333931"]
    found, figures = column(step, values)
    assert found == ["0036000291452", "4006381333931", None, None, None, "4006381333931"]
    assert figures.blanked == {"c": 2}
    assert figures.changed == {"c": 1}
    kept, figures = column({**step, "unreadable": "keep"}, values)
    assert kept[2:4] == values[2:4]
    assert figures.blanked == {"c": 2}


def test_eight_digits_have_to_be_told_apart():
    with pytest.raises(ValidationError, match="eight digits"):
        agreed("- {step: gtin, column: c, kinds: [ean8, upce]}", ["c"], {})


def test_references_are_written_in_one_way():
    step = {"step": "sku", "column": "c", "separator": "-"}
    assert column(step, [" ab_1/2 ", "AB-12", "--", "ä 1", None, "a\u00a0\u2003b"])[0] == [
        "AB-1-2", "AB-12", None, "Ä-1", None, "A-B",
    ]  # fmt: skip
    assert column({"step": "sku", "column": "c", "separator": "", "case": "lower"}, ["A-B 1"])[0] == ["ab1"]
    assert column({"step": "sku", "column": "c", "case": "keep"}, [" aB 1 "])[0] == ["aB 1"]


def test_a_reference_that_is_there_already_is_counted():
    values = ["A1", "a1", "A2", None, None, "A1"]
    found, figures = column({"step": "sku", "column": "c", "unique": True}, values)
    assert found == ["A1", None, "A2", None, None, None]
    assert figures.blanked == {"c": 2}
    found, figures = column({"step": "sku", "column": "c", "unique": True, "unreadable": "keep"}, values)
    assert found == ["A1", "a1", "A2", None, None, "A1"]
    assert figures.blanked == {"c": 2}


def test_a_reference_that_does_not_look_as_agreed_can_be_put_aside():
    steps = "- {step: sku, column: c, pattern: '[A-Z][0-9]+', unreadable: reject}"
    assert run(steps, cells(["A1", "B", "C3"], "c"))["c"] == ["A1", "C3"]


def test_descriptions_are_cleaned_and_counted_as_changed():
    found, figures = column({"step": "clean_text", "columns": ["c"]}, ["<b>a</b>", "a", "<br>", None, "'; DROP TABLE"])
    assert found == ["a", "a", None, None, "'; DROP TABLE"]
    assert figures.changed == {"c": 1}
    assert figures.blanked == {}


@given(values=st.lists(odd, min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_cleaning_takes_any_text(values):
    found, _ = column({"step": "clean_text", "columns": ["c"], "max_length": 10}, values)
    assert all(one is None or (one.strip() and len(one) <= 10) for one in found)


CATEGORISE = """
- step: categorise
  columns: [title, text]
  category_as: category
  rules:
    - {category: Tables, words: ["table*", side board]}
    - {category: Seating, words: [chair, "C++"]}
    - {category: Textiles, pattern: "w[o]+l"}
"""


def test_the_first_rule_that_fits_in_any_column_counts():
    rows = [
        ["title", "text"],
        ["Chair", "for your table"],
        ["CHAIR", None],
        ["Chairman", None],
        ["Side-board", None],
        ["Rug", "of WOOL"],
        ["C++ primer", None],
        ["stuhl", "ein chair."],
        [None, None],
    ]
    ran = run(CATEGORISE, rows)
    assert ran["category"] == ["Tables", "Seating", None, "Tables", "Textiles", "Seating", "Seating", None]
    assert ran.step.blanked == {"category": 1}
    ran = run(CATEGORISE + "  otherwise: Other\n", rows)
    assert ran["category"][2:3] == ["Other"]
    assert ran["category"][-1] is None
    assert ran.step.blanked == {}


def test_categories_are_looked_up_by_the_whole_cell():
    steps = "- {step: categorise, columns: [title, text], category_as: c, lookup: map, key: key, category: cat}"
    known = "key,cat\nchair,Seating\n Table ,Tables\nCHAIR,Later\n"
    ran = run(steps, "title,text\nChair,\ntable,chair\nx,CHAIR\nx,y\n,\n", map=known)
    assert ran["c"] == ["Seating", "Tables", "Seating", None, None]
    assert ran.step.blanked == {"c": 1}


def test_a_lookup_whose_columns_are_called_as_the_lists_is_no_trap():
    steps = "- {step: categorise, columns: [key], category_as: c, lookup: map, key: key, category: cat}"
    assert run(steps, "key,cat\na,1\nb,2\n", map="key,cat\nb,B\n")["c"] == [None, "B"]


@pytest.mark.parametrize(
    "rule",
    ["category: X", "category: X, words: [a], pattern: b", "category: X, pattern: '('", "category: X, words: ['*']"],
)
def test_a_rule_that_says_nothing_or_too_much_is_a_mistake(rule):
    with pytest.raises(ValidationError):
        agreed(f"- {{step: categorise, columns: [c], category_as: k, rules: [{{{rule}}}]}}", ["c"], {})
