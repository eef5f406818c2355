"""Text read as what it means: numbers, yes and no; and written as text again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected
from tests.transform.conftest import column
from tests.transform.steps.tabular import run


def number(values, **step):
    return column({"step": "number", "columns": ["c"], **step}, values)


@pytest.mark.parametrize(
    ("step", "given_", "wanted"),
    [
        ({"decimal": ","}, "1.234,56", "1234.56"),
        ({"decimal": "."}, "1,234.56", "1234.56"),
        ({"decimal": "."}, "1'234.50", "1234.5"),
        ({"decimal": "."}, "1\u2019234.50", "1234.5"),
        ({"decimal": ","}, "1 234,5", "1234.5"),
        ({"decimal": ","}, "1\u202f234,5", "1234.5"),
        ({"decimal": ","}, "1\u00a0234\u00a0567", "1234567"),
        ({"decimal": "."}, "(12.50)", "-12.5"),
        ({"decimal": "."}, "12.50-", "-12.5"),
        ({"decimal": "."}, "12.50 -", "-12.5"),
        ({"decimal": "."}, "-12.50", "-12.5"),
        ({"decimal": "."}, "- 12.50", "-12.5"),
        ({"decimal": "."}, "\u221212.50", "-12.5"),
        ({"decimal": "."}, "+12.50", "12.5"),
        ({"decimal": "."}, "--12", None),
        ({"decimal": "."}, "(-12)", None),
        ({"decimal": "."}, "-12-", None),
        ({"decimal": "."}, "-(12)", None),
        ({"decimal": ","}, "12,-", "12"),
        ({"decimal": ","}, "899,--", "899"),
        ({"decimal": "."}, ".5", "0.5"),
        ({"decimal": "."}, "5.", "5"),
        ({"decimal": "."}, ".", None),
        ({"decimal": "."}, "1,23.4", None),
        ({"decimal": "."}, "1,234'567", None),
        ({"decimal": "."}, "12,34,567", None),
        ({"decimal": "."}, "1e5", None),
        ({"decimal": "."}, "0x10", None),
        ({"decimal": "."}, "١٢", None),
        ({"decimal": "."}, "12 kg", None),
        ({"decimal": ".", "cut": ["kg"]}, "12 KG", "12"),
        ({"decimal": ".", "cut": ["m"]}, "m 12", "12"),
        ({"decimal": ".", "cut": ["$/h"]}, "12$/h", "12"),
        ({"decimal": ".", "currency": True}, "€ -5.20", "-5.2"),
        ({"decimal": ".", "currency": True}, "-€5.20", "-5.2"),
        ({"decimal": ".", "currency": True}, "(5.20 EUR)", "-5.2"),
        ({"decimal": ".", "currency": True}, "5.20 eur", "5.2"),
        ({"decimal": ".", "currency": True}, "EUR", None),
        ({"decimal": "."}, "€ 5", None),
        ({"decimal": ".", "percent": "points"}, "12.5 %", "12.5"),
        ({"decimal": ".", "percent": "share"}, "12.5 %", "0.125"),
        ({"decimal": ".", "percent": "share"}, "0.3", "0.3"),
        ({"decimal": "."}, "12 %", None),
        ({"decimal": ",", "group": "."}, "1'234", None),
        ({"decimal": "."}, "999999999999.999999", "999999999999.999999"),
        ({"decimal": "."}, "1000000000000", None),
        ({"decimal": "."}, "0.0000005", "0.000001"),
        ({"decimal": "."}, "  7 ", "7"),
        ({"decimal": "."}, " ", None),
        ({"decimal": "."}, None, None),
    ],
)
def test_a_number_is_read_as_it_is_meant(step, given_, wanted):
    cells, figures = number([given_], **step)
    assert cells == [None if wanted is None else Decimal(wanted)]
    assert figures.blanked == ({"c": 1} if given_ is not None and wanted is None else {})


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["1.234", "2,5"], ["1234", "2.5"]),
        (["1.234", "2.5"], ["1.234", "2.5"]),
        (["1,234", "2.5"], ["1234", "2.5"]),
        (["1.234", "1.234.567"], ["1234", "1234567"]),
        (["1.234", "0.125"], ["1.234", "0.125"]),
        (["1.234", "7"], [None, "7"]),  # nothing shows which it is
        (["1.234", "2,5", "2.5"], [None, "2.5", "2.5"]),  # both are used
        (["1.234,50", "1,234.50", "3"], ["1234.5", "1234.5", "3"]),
        (["-1.234", "(2,50)"], ["-1234", "-2.5"]),
    ],
)
def test_the_column_decides_on_cells_that_can_be_read_both_ways(cells, wanted):
    found, _ = number(cells)
    assert found == [None if one is None else Decimal(one) for one in wanted]


def test_whole_numbers_have_no_fraction_but_zeros():
    cells, figures = number(["1,000", "12.00", "12.5", "-3", "9" * 18, "9" * 19], decimal=".", to="integer")
    assert cells == [1000, 12, None, -3, 10**18 - 1, None]
    assert figures.blanked == {"c": 2}


def test_digits_that_do_not_fit_are_rounded_and_counted():
    cells, figures = number(["1.0000005", "1.5000000", "0.1"], decimal=".")
    assert cells == [Decimal("1.000001"), Decimal("1.5"), Decimal("0.1")]
    assert figures.counts == {"c rounded": 1}
    cells, figures = number(["33.33333 %"], decimal=".", percent="share")
    assert (cells, figures.counts) == ([Decimal("0.333333")], {"c rounded": 1})


def test_a_file_with_unreadable_numbers_can_be_refused_with_a_count_and_no_value():
    with pytest.raises(DropRejected) as refused:
        number(["1", "canary"], unreadable="stop")
    assert "1 in c" in str(refused.value)
    assert "canary" not in str(refused.value)


@given(
    value=st.decimals(min_value=-(10**11), max_value=10**11, places=3, allow_nan=False),
    signs=st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " "), (".", "")]),
    minus=st.sampled_from(["-{}", "{}-", "({})", "\u2212 {}"]),
)
@settings(max_examples=60, deadline=None)
def test_every_number_is_read_in_every_way_of_writing(value, signs, minus):
    decimal, group = signs
    text = f"{abs(value):,.3f}".replace(",", "G").replace(".", decimal).replace("G", group)
    cells, _ = number([minus.format(text) if value < 0 else text], decimal=decimal)
    assert cells == [value]


@given(
    cells=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), min_size=1, max_size=4)
)
@settings(max_examples=40, deadline=None)
def test_any_text_is_a_number_or_counted(cells):
    found, figures = number(cells, currency=True, cut=["kg", "(", "\\"], percent="points")
    lost = sum(one is None and cell is not None for one, cell in zip(found, cells, strict=True))
    assert sum(figures.blanked.values()) == lost


@given(value=st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False))
@settings(max_examples=30, deadline=None)
def test_a_number_survives_being_written_as_text(value):
    found = run(
        """
- {step: number, columns: [c], decimal: "."}
- {step: text, columns: [c], decimal: ",", group: "."}
- {step: number, columns: [c], decimal: ","}
""",
        [["c"], [f"{value:f}"]],
    )
    assert found["c"] == [value]


def test_text_of_every_kind():
    found = run(
        """
- {step: number, columns: [n], decimal: "."}
- {step: number, columns: [i], to: integer, decimal: "."}
- {step: boolean, columns: [b]}
- {step: dates, columns: [d], formats: [YYYY-MM-DD]}
- step: text
  columns: [n, i, b, d]
  places: 2
  decimal: ","
  group: "."
  dates: DD.MM.YY
  true_as: ja
  false_as: nein
""",
        "n,i,b,d\n-1234567.895,1234,yes,2026-03-01\n0.004,-5,no,\n-0.001,999,,1999-12-31\n",
    )
    assert found["n"] == ["-1.234.567,90", "0,00", "0,00"]
    assert found["i"] == ["1.234,00", "-5,00", "999,00"]
    assert found["b"] == ["ja", "nein", None]
    assert found["d"] == ["01.03.26", None, "31.12.99"]


@pytest.mark.parametrize(
    ("languages", "given_", "wanted"),
    [
        (["en"], "YES", True), (["en"], " no ", False), (["de"], "Ja", True), (["de"], "yes", None), (["fr"], "Oui", True),
        (["es"], "SÍ", True), (["pl"], "nie", False), (["el"], "\u039d\u0391\u0399", True),
        ([], "1", None), (["en"], "1", True), (["en"], "0", False), (["en"], "2", None), (["en"], "", None),
    ],
)  # fmt: skip
def test_yes_and_no_in_the_stated_languages(languages, given_, wanted):
    own = {} if languages else {"true_words": ["x"], "false_words": ["-"]}
    step = {"step": "boolean", "columns": ["c"], "languages": languages, **own}
    assert column(step, [given_])[0] == [wanted]


def test_what_the_sow_lists_leads_over_the_language():
    step = {"step": "boolean", "columns": ["c"], "true_words": ["N", "x"]}
    assert column(step, ["n", "X", "no"])[0] == [True, True, False]
