"""An amount split: the parts are the whole, to the last digit, and always the same."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backoffice.contract import step_model
from tests.transform.conftest import memory, sow, table

NUMBER = {"step": "number", "columns": ["amount"]}
DATES = {"step": "dates", "columns": ["first", "last"], "formats": ["YYYY-MM-DD"]}
SPLIT = {"step": "split_transactions", "column": "amount", "amount_as": "booked", "part_as": "part"}


def over(*shares, **more):
    parts = [{"name": f"p{number}", "share": str(share)} for number, share in enumerate(shares)]
    return [NUMBER, {**SPLIT, "parts": parts, **more}]


def by_line(rows):
    return [[row[2] for row in lines] for _, lines in groupby(rows, key=lambda row: row[0])]


amounts = st.decimals(min_value=Decimal("-999999999999"), max_value=Decimal("999999999999"), places=6)


@given(
    cells=st.lists(amounts, min_size=1, max_size=6),
    shares=st.lists(st.decimals(min_value=Decimal("0.000001"), max_value=1_000_000, places=6), min_size=1, max_size=9),
    width=st.sampled_from(["0.01", "0.05", "1", "0.000001", "1000"]),
)
@settings(max_examples=40, deadline=None)
def test_parts_add_up_to_the_whole_and_none_is_a_multiple_away_from_its_share(engine, cells, shares, width):
    agreed = sow(over(*shares, to=width), columns=("line", "amount"))
    text = "line,amount\n" + "".join(f"{line},{cell:f}\n" for line, cell in enumerate(cells))
    with memory(text) as path:
        engine.load(agreed, path)
        engine.run(agreed)
        rows = engine.connection.execute("SELECT * FROM result").fetchall()
    for cell, parts in zip(cells, by_line(rows), strict=True):
        assert sum(parts) == cell
        assert len(parts) == len(shares)
        assert all(part * cell >= 0 for part in parts)
        for share, part in list(zip(shares, parts, strict=True))[1:]:
            assert abs(part - cell * share / sum(shares)) <= Decimal(width)
            assert part % Decimal(width) == 0


def test_what_is_left_goes_to_the_largest_remainders_and_of_equal_ones_to_the_earlier():
    rows, figures = table(sow(over(1, 2, 1), columns=("line", "amount")), "line,amount\n1,0.03\n2,-0.03\n3,0.05\n4,\n")
    found = [[f"{part:.2f}" if part is not None else None for part in parts] for parts in by_line(rows)]
    assert found == [["0.01", "0.01", "0.01"], ["-0.01", "-0.01", "-0.01"], ["0.01", "0.03", "0.01"], [None]]
    assert figures.steps[1].counts == {"parts": 9, "not_split": 1}
    assert [row[3] for row in rows][-2:] == ["p2", None]


def test_months_get_what_their_days_are_or_all_the_same():
    text = (
        "line,amount,first,last\n1,90,2026-01-31,2026-02-28\n2,365,2026-01-01,2026-12-31\n3,5,2026-02-01,2026-01-01\n"
    )
    text += "4,5,,2026-01-01\n5,7,2026-03-09,2026-03-09\n6,1,0001-01-01,9999-01-01\n"
    months = {"first": "first", "last": "last"}
    columns = ("line", "amount", "first", "last")
    rows, figures = table(sow([NUMBER, DATES, {**SPLIT, "months": months}], columns=columns), text)
    lines = [[(row[5], row[4]) for row in group] for _, group in groupby(rows, key=lambda row: row[0])]
    assert lines[0] == [("2026-01", Decimal("3.10")), ("2026-02", Decimal("86.90"))]
    assert [int(amount) for _, amount in lines[1]] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert lines[2:] == [[(None, 5)], [(None, 5)], [("2026-03", 7)], [(None, 1)]]
    assert figures.steps[2].counts["not_split"] == 3
    rows, _ = table(sow([NUMBER, DATES, {**SPLIT, "months": months | {"by": "months"}}], columns=columns), text)
    assert [row[4] for row in rows[:2]] == [45, 45]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"parts": [{"name": "a", "share": 1}], "months": {"first": "first", "last": "last"}},
        {"parts": [{"name": "a", "share": 1}, {"name": "a", "share": 1}]},
        {"parts": [{"name": "a", "share": 0}]},
        {"parts": [{"name": "a", "share": -1}]},
        {"parts": [{"name": "a", "share": "0.0000001"}]},
    ],
)
def test_what_cannot_be_split_is_refused(wrong):
    with pytest.raises(ValidationError):
        step_model("split_transactions").model_validate(SPLIT | wrong)
