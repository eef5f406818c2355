"""Periods, years compared, open items, debits and credits, two lists that should agree."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.transform.steps.tabular import agreed, run

D = Decimal
DAYS = "- {step: dates, columns: [day], formats: [YYYY-MM-DD]}\n"
AMOUNT = "- {step: prices, column: value, amount_as: amount, decimal: .}\n"

EVERY = """
- step: periods
  day: day
  year_as: year
  half_year_as: half
  quarter_as: quarter
  month_as: month
  week_as: week
  fiscal_year_as: fy
  fiscal_quarter_as: fq
  fiscal_year_begins: 7
"""


@given(st.lists(st.dates(date(1, 1, 1), date(9998, 12, 31)), min_size=1, max_size=30), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_periods_are_those_of_the_calendar(days, begins):
    ran = run(DAYS + EVERY.replace("begins: 7", f"begins: {begins}"), [["day"], *([day.isoformat()] for day in days)])
    for place, day in enumerate(days):
        week = day.isocalendar()
        assert ran["year"][place] == f"{day.year:04}"
        assert ran["half"][place] == f"{day.year:04}-H{1 if day.month <= 6 else 2}"
        assert ran["quarter"][place] == f"{day.year:04}-Q{(day.month + 2) // 3}"
        assert ran["month"][place] == f"{day.year:04}-{day.month:02}"
        assert ran["week"][place] == f"{week.year:04}-W{week.week:02}"
        first = day.year if day.month >= begins else day.year - 1
        written = f"{first:04}" if begins == 1 else f"{first:04}/{(first + 1) % 100:02}"
        assert ran["fy"][place] == written
        assert ran["fq"][place] == f"{written}-Q{(day.month - begins) % 12 // 3 + 1}"


def test_no_day_no_period():
    ran = run(DAYS + EVERY, "no,day\n1,\n2,2026-13-01\n")
    assert all(cell is None for name in ("year", "half", "quarter", "month", "week", "fy", "fq") for cell in ran[name])
    assert ran.step.blanked == {}


@pytest.mark.parametrize(
    "fields", ["", "year_as: y, fiscal_year_begins: 4", "fiscal_year_as: f, fiscal_year_begins: 13"]
)
def test_periods_that_say_nothing_are_a_mistake(fields):
    with pytest.raises(ValidationError):
        agreed(f"- {{step: periods, day: day, {fields}}}", ["day"], {})


YEARS = (
    AMOUNT
    + """
- step: year_on_year
  by: [shop]
  period: period
  value: amount
  before_as: before
  difference_as: difference
  percent_as: percent
"""
)


def test_years_are_compared_by_group_and_sums_are_exact():
    rows = [["shop", "period", "value"], *([["N", "2025-01", "0.10"]] * 3), ["N", "2026-01", "0.40"],
            ["", "2026-01", "1"], ["", "2025-01", ""], ["S", "2025-01", "0.00"], ["S", "2026-01", "5"],
            ["N", None, "99"], ["N", "soon", "7"]]  # fmt: skip
    ran = run(YEARS, rows)
    assert ran.header == ["shop", "period", "amount", "before", "difference", "percent"]
    assert ran.rows == [
        ("N", "2025-01", D("0.30"), None, None, None),
        ("N", "2026-01", D("0.40"), D("0.30"), D("0.10"), D("33.33")),
        ("N", "soon", D(7), None, None, None),
        ("S", "2025-01", D(0), None, None, None),
        ("S", "2026-01", D(5), D(0), D(5), None),
        (None, "2025-01", D(0), None, None, None),
        (None, "2026-01", D(1), D(0), D(1), None),
    ]
    assert ran.step.counts == {"without_period": 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [("2025", "2026"), ("2025-H2", "2026-H2"), ("2025-Q4", "2026-Q4"), ("2025-W53", "2026-W53"), ("2025-12", "2026-12"),
     ("2024/25", "2025/26"), ("1999/00", "2000/01"), ("2098/99", "2099/00"), ("2024/25-Q1", "2025/26-Q1"), ("0999", "1000")],
)  # fmt: skip
def test_every_form_of_period_has_a_year_before(before, after):
    ran = run(YEARS, [["shop", "period", "value"], ["N", before, "2"], ["N", after, "3"]])
    assert ran["before"] == [None, D(2)]
    assert ran["percent"] == [None, D(50)]


def test_a_group_that_has_nothing_any_more_stays_in_sight():
    ran = run(YEARS, "shop,period,value\nN,2025-Q1,80\nS,2026-Q1,1\nN,2025-Q3,5\n")
    assert ran.rows[-2:] == [
        ("N", "2026-Q1", D(0), D(80), D(-80), D(-100)),
        ("S", "2026-Q1", D(1), None, None, None),
    ]


def test_years_without_groups():
    ran = run(YEARS.replace("  by: [shop]\n", ""), "shop,period,value\nN,2025,1\nS,2026,3\nS,2025,2\n")
    assert ran.rows == [("2025", D(3), None, None, None), ("2026", D(3), D(3), D(0), D(0))]


AGES = (
    AMOUNT
    + DAYS
    + """
- step: aged_balances
  amount: amount
  due: day
  as_of: 2026-03-31
  overdue_as: days
  bucket_as: bucket
  totals_to: ages
  by: [customer]
"""
)


def test_buckets_have_sharp_edges():
    ages = [-1, 0, 1, 30, 31, 60, 61, 90, 91, 4000]
    rows = [["customer", "value", "day"], *(["C", "1.00", str(date(2026, 3, 31) - timedelta(age))] for age in ages)]
    ran = run(AGES, rows)
    assert ran["days"] == ages
    assert ran["bucket"] == [
        "not due", "not due", "1-30", "1-30", "31-60", "31-60", "61-90", "61-90", "over 90", "over 90",
    ]  # fmt: skip


def test_totals_add_up_exactly_and_keep_the_order_of_the_file():
    rows = "customer,value,day\nZ,0.10,2026-01-01\nA,1,\nZ,0.20,2026-01-01\n,5,2027-01-01\nZ,-0.30,2026-03-30\n"
    rows += "A,,2026-01-01\n"
    ran = run(AGES, rows, side="ages")
    assert ran.header == ["customer", "not due", "1-30", "31-60", "61-90", "over 90", "without date", "total"]
    zero = D(0)
    assert ran.rows == [
        ("Z", zero, D("-0.30"), zero, D("0.30"), zero, zero, zero),
        ("A", zero, zero, zero, zero, zero, D(1), D(1)),
        (None, D(5), zero, zero, zero, zero, zero, D(5)),
    ]
    assert run(AGES, rows).step.counts == {"without_date": 1}


def test_the_day_may_stand_in_a_column():
    steps = "- {step: dates, columns: [day, seen], formats: [YYYY-MM-DD]}\n" + AMOUNT
    steps += (
        "- {step: aged_balances, amount: amount, due: day, as_of_column: seen, days: [10], overdue_as: n, bucket_as: b}"
    )
    ran = run(steps, "value,day,seen\n1,2026-01-01,2026-01-11\n1,2026-01-01,2026-01-12\n1,2026-01-01,\n")
    assert ran["n"] == [10, 11, None]
    assert ran["b"] == ["1-10", "over 10", "without date"]


@pytest.mark.parametrize(
    "fields",
    ["", "as_of: 2026-01-01, as_of_column: day", "as_of: 2026-01-01, days: [30, 30]", "as_of: 2026-01-01, days: [0]",
     "as_of: 2026-01-01, totals_to: t", "as_of: 2026-01-01, by: [total], totals_to: t", "as_of: tomorrow"],
)  # fmt: skip
def test_ages_that_do_not_say_enough_are_a_mistake(fields):
    with pytest.raises(ValidationError):
        agreed(
            f"- {{step: aged_balances, amount: a, due: day, overdue_as: n, bucket_as: b, {fields}}}", ["a", "day"], {}
        )


def test_sides_become_signs_and_entries_are_checked():
    steps = AMOUNT + (
        "- {step: debit_credit, amount: amount, side: side, signed_as: signed, debit_as: d, credit_as: c,"
        " balance_by: [voucher], balance_as: balance}"
    )
    rows = "voucher,value,side\n1,0.30, S\n1,0.10,h\n1,0.20,Haben\n2,-5.00,D\n2,-5.00,C\n3,1,?\n3,1,\n,1,D\n4,,D\n"
    ran = run(steps, rows)
    assert ran["signed"] == [D("0.30"), D("-0.10"), D("-0.20"), D(-5), D(5), None, None, D(1), None]
    assert ran["d"] == [D("0.30"), None, None, None, D(5), None, None, D(1), None]
    assert ran["c"] == [None, D("0.10"), D("0.20"), D(5), None, None, None, None, None]
    assert ran["balance"] == [D(0), D(0), D(0), D(0), D(0), None, None, None, None]
    assert ran.step.blanked == {"signed": 2}


def test_two_columns_become_one():
    steps = (
        "- {step: prices, column: s, amount_as: debit}\n- {step: prices, column: h, amount_as: credit}\n"
        "- {step: debit_credit, debit: debit, credit: credit, signed_as: signed}"
    )
    ran = run(steps, "s,h\n5,\n,5\n5,0\n5,5\n,\n0,0\n")
    assert ran["signed"] == [D(5), D(-5), D(5), None, None, D(0)]


RECONCILE = (
    AMOUNT
    + """
- step: reconcile
  other: bank
  key: invoice
  other_key: reference
  amount: amount
  other_amount: paid
  sums: true
  tolerance: 0.01
  take: {paid: paid, reference: reference}
  status_as: status
  difference_as: difference
  match_as: match
"""
)


def test_both_lists_are_there_once_and_totals_agree():
    bank = "reference,paid\nR4,50\nR3,25\nR1,100.01\nR4,25\nR9,8\n,3\nR2,x\n"
    ran = run(RECONCILE, "invoice,value\nR1,100\nR2,50\nR3,20\nR4,75\n,4\nR5,\n", bank=bank)
    assert ran["status"] == [
        "matched", "differs", "differs", "sum", "sum", "only_here", "only_here", "only_there", "only_there",
    ]  # fmt: skip
    assert ran["match"] == [1, 2, 3, 4, 4, None, None, None, None]
    assert ran["paid"] == ["100.01", "x", "25", "50", "25", None, None, "8", "3"]
    assert sum(ran["difference"][place] or 0 for place in range(9)) == D(249) - D("211.01")
    assert ran.step.counts == {
        "matched": 1,
        "sum": 2,
        "differs": 2,
        "only_here": 2,
        "only_there": 2,
        "amounts_unreadable": 1,
    }


def test_lists_without_a_key_match_by_amount_and_day():
    steps = (
        AMOUNT
        + DAYS
        + "- {step: reconcile, other: bank, amount: amount, other_amount: paid, day: day, other_day: booked, days: 2,"
        " take: {booked: booked}, status_as: status}"
    )
    bank = "booked,paid\n2026-01-05,10\n2026-01-02,10\n2026-01-09,7\n"
    ran = run(steps, "value,day\n10,2026-01-01\n10,2026-01-05\n7,2026-01-06\n", bank=bank)
    assert list(zip(ran["status"], ran["booked"], strict=True)) == [
        ("matched", "2026-01-02"),
        ("matched", "2026-01-05"),
        ("only_here", None),
        ("only_there", "2026-01-09"),
    ]


def test_an_empty_list_matches_nothing():
    assert run(RECONCILE, "invoice,value\nR1,1\n", bank="reference,paid\n")["status"] == ["only_here"]
    assert run(RECONCILE, "invoice,value\n", bank="reference,paid\nR1,1\n")["status"] == ["only_there"]
    assert run(RECONCILE, "invoice,value\n", bank="reference,paid\n")["status"] == []


@pytest.mark.parametrize("fields", ["key: a", "other_key: b", "day: a", "days: 3", "sums: true", "tolerance: -1"])
def test_a_reconciliation_that_does_not_say_enough_is_a_mistake(fields):
    with pytest.raises(ValidationError):
        agreed(
            f"- {{step: reconcile, other: o, amount: a, other_amount: b, take: {{b: c}}, status_as: s, {fields}}}",
            ["a"],
            {"o": ["b"]},
        )
