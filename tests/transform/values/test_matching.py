"""Matching the items of two lists."""

from __future__ import annotations

import time
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.transform.values.matching import Item, Match, match, matches


def found(here, there, *, tolerance=0, days=None, sums=False, same_key=True):
    """Items as (amount, day); gives status and row numbers of each match."""
    items = [[Item(row, *one) for row, one in enumerate(side, start=1)] for side in (here, there)]
    answer = match(*items, tolerance=tolerance, days=days, sums=sums, same_key=same_key)
    return [(one.status, [item.row for item in one.here], [item.row for item in one.there]) for one in answer]


def test_equal_amounts_match_one_to_one_in_their_order():
    assert found([(5, None), (5, None), (7, None)], [(7, None), (5, None)]) == [
        ("matched", [1], [2]),
        ("matched", [3], [1]),
        ("only_here", [2], []),
    ]


def test_the_same_day_goes_before_a_near_one_whatever_the_order_of_rows():
    assert found([(5, 11), (5, 10)], [(5, 10), (5, 12)], days=2) == [("matched", [2], [1]), ("matched", [1], [2])]
    assert found([(5, 10)], [(5, 13)], days=2) == [("differs", [1], [1])]
    assert found([(5, 10)], [(5, 13)], days=2, same_key=False) == [("only_here", [1], []), ("only_there", [], [1])]


def test_an_equal_amount_goes_before_a_near_one_and_the_nearest_before_others():
    assert found([(100, None), (103, None)], [(102, None), (100, None)], tolerance=5) == [
        ("matched", [1], [2]),
        ("matched", [2], [1]),
    ]
    assert found([(100, None)], [(104, None), (98, None), (102, None)], tolerance=5)[0] == ("matched", [1], [2])
    assert found([(100, None)], [(106, None)], tolerance=5) == [("differs", [1], [1])]


def test_several_match_one_only_if_they_make_it_up():
    several = [(60, None), (40, None)]
    assert found(several, [(100, None)], sums=True) == [("sum", [1, 2], [1])]
    assert found([(100, None)], several, sums=True) == [("sum", [1], [1, 2])]
    assert found(several, [(101, None)], sums=True, tolerance=1) == [("sum", [1, 2], [1])]
    assert found(several, [(102, None)], sums=True)[0] == ("differs", [1], [1])
    assert found([(60, 1), (40, 9)], [(100, 1)], sums=True, days=3)[0][0] == "differs"
    assert found([(60, None), (None, None)], [(60, None), (None, None)], sums=True)[1][0] == "differs"


def test_what_has_no_amount_or_day_matches_nothing():
    assert found([(None, None)], [(None, None)], same_key=False) == [("only_here", [1], []), ("only_there", [], [1])]
    assert found([(5, None)], [(5, 3)], days=9, same_key=False)[0][0] == "only_here"


items = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-20, 20)), st.one_of(st.none(), st.integers(0, 5))), max_size=8
)


@given(items, items, st.integers(0, 4), st.one_of(st.none(), st.integers(0, 3)), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_every_row_is_there_once_and_matches_keep_to_the_tolerance(here, there, tolerance, days, sums, same_key):
    answer = match(
        [Item(row, *one) for row, one in enumerate(here)],
        [Item(row, *one) for row, one in enumerate(there)],
        tolerance=tolerance,
        days=days,
        sums=sums,
        same_key=same_key,
    )
    assert Counter(item.row for one in answer for item in one.here) == Counter(range(len(here)))
    assert Counter(item.row for one in answer for item in one.there) == Counter(range(len(there)))
    for one in answer:
        if one.status in ("matched", "sum"):
            assert abs(_sum(one.here) - _sum(one.there)) <= tolerance
            if days is not None:
                assert all(abs(_day(a) - _day(b)) <= days for a in one.here for b in one.there)


def _sum(side):
    return sum(item.amount for item in side)


def _day(item):
    return item.day if item.day is not None else 0


def test_text_in_and_out():
    assert matches([("1 5 ;2 6 ", "7 6 ", 0, -1, False, True)]) == ["2,7,matched,2;1,,only_here,"]
    assert matches([("3 5 1", "9 5 1", 0, 0, False, True)]) == ["3,9,matched,3"]
    assert matches([("3 5 ", "9 5 ", 0, 0, False, True)]) == ["3,9,matched,3"]
    assert matches([("3  1", "9  1", 0, 0, False, True)]) == ["3,9,differs,3"]
    assert matches([("", "7 6 ", 0, -1, False, True)]) == [",7,only_there,"]
    assert Match("sum", (Item(1, 5, None),), ()).status == "sum"


def test_many_equal_items_do_not_take_long():
    here = [Item(row, 100, row % 2) for row in range(20_000)]
    there = [Item(row, 101 + row % 3, 50 + row % 2) for row in range(20_000)]
    started = time.process_time()
    match(here, there, tolerance=1, days=30, sums=False, same_key=False)
    assert time.process_time() - started < 10  # 2 s on a quiet machine
