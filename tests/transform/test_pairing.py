"""What makes two rows the same, beyond equal cells: order of words, names and dates that changed places, one to one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backoffice.contract import Kind, step_model
from backoffice.transform import Engine
from backoffice.transform.values.grouping import Pair, forest, grouped
from tests.transform.conftest import memory, sow, table
from tests.transform.test_every_step import run

COLUMNS = ("id", "given", "family", "town", "born", "list")
HEADER = ",".join(COLUMNS) + "\n"


def near(points, **step):
    whole = {"step": "near_duplicates", "ids": "id", "list_as": "merged", "compare_if_equal": [["town"]]}
    return {**whole, "points": points, "threshold": 4, **step}


def merged(steps, rows):
    agreed = sow(steps, columns=COLUMNS)
    found, figures = table(agreed, HEADER + "".join(f"{row}\n" for row in rows))
    return {row[-1] for row in found if row[-1]}, figures


def test_words_in_any_order_with_any_signs_are_the_same_words():
    points = {"given": {"equal": 9, "words": {1: 5, 0.6: 4}, "differs": -9}}
    rows = [
        "1,cafe Ritz-Carlton (Graz),,x,,", "2,ritz carlton GRAZ café,,x,,", "3,Graz cafe: ritz Carlton,,x,,",
        "4,Graz,,x,,", "5,!!,,x,,", "6,??,,x,,",
    ]  # fmt: skip
    assert merged([near(points)], rows)[0] == {"1;2;3"}
    assert merged([near(points, threshold=5)], rows)[0] == {"1;3"}


def test_given_and_family_name_that_changed_places_earn_what_is_said_for_both():
    each = {"equal": 5, "similar": {0.9: 4}, "differs": -5}
    step = near({"given": each, "family": each}, swapped=[{"columns": ["given", "family"], "points": 6}])
    rows = ["1,Ann,Lee,x,,", "2,Lee,Ann,x,,", "3,Lee,Anne,x,,", "4,Lee,,x,,", "5,,Ann,x,,"]
    assert merged([step], rows)[0] >= {"1;2;3;4;5"}  # by 2, which is like 3
    assert merged([step], rows[:1] + rows[2:3])[0] == set()
    step["swapped"][0]["similar"] = 0.9
    assert merged([step], rows[:1] + rows[2:3])[0] == {"1;3"}


def test_day_and_month_that_changed_places_are_found_in_dates_only():
    dates = {"step": "dates", "columns": ["born"], "formats": ["YYYY-MM-DD"]}
    step = near({"born": {"equal": 9, "day_and_month": 5, "edits": {1: 4}, "differs": -9}})
    rows = ["1,,,x,1980-03-04,", "2,,,x,1980-04-03,", "3,,,y,1980-03-04,", "4,,,y,1980-03-14,", "5,,,y,1981-04-03,"]
    assert merged([dates, step], rows)[0] == {"1;2", "3;4"}
    faults = list(step_model("near_duplicates").model_validate(step).faults(dict.fromkeys(COLUMNS, Kind.TEXT)))
    assert [place for place, _, _ in faults] == [("points", "born", "day_and_month")]


def test_the_first_letters_of_a_cell_can_be_what_is_compared_by():
    points = {"family": {"equal": 9, "similar": {0.8: 5}, "differs": -9}}
    step = near(points, compare_if_equal=[["town", {"column": "family", "first": 3}]])
    rows = ["1,,Hofmann,x,,", "2,,hoffmann,x,,", "3,,HOFMANN,x,,", "4,,Hotmann,x,,", "5,,,x,,"]
    found, figures = merged([step], rows)
    assert found == {"1;2"}  # capitals are other letters where cells are compared
    assert figures.steps[0].counts["pairs_compared"] == 3


def test_lists_are_linked_one_to_one_the_best_pair_first_of_equal_ones_the_earlier():
    points = {"given": {"equal": 9, "similar": {0.8: 5}, "differs": -9}, "born": {"equal": 1, "differs": 0}}
    step = near(points, between="list", one_to_one=True)
    rows = [
        "1,anna,,x,,a", "2,anna,,x,1980,a", "3,annas,,x,1980,b", "4,anna,,x,1980,b", "5,anna,,x,,b", "6,bob,,x,,a",
        "7,bob,,x,,a", "8,bob,,x,,", "9,bob,,x,,b",
    ]  # fmt: skip
    assert merged([step], rows)[0] == {"2;4", "1;5", "6;9"}
    assert merged([step | {"one_to_one": False}], rows)[0] == {"1;2;3;4;5", "6;7;9"}


def test_two_groups_stay_apart_if_two_of_their_rows_contradict():
    chain = ["aaaaaaaaaa", "aaaaaaaaab", "aaaaaaaabb", "aaaaaaabbb", "aaaaaabbbb", "aaaaabbbbb"]
    rows = [f"{number},{name},,x,,1" for number, name in enumerate(chain)]
    step = near({"given": {"equal": 5, "edits": {1: 5, 2: 1}, "differs": -5}})
    assert merged([step], rows)[0] == {"0;1;2;3;4;5"}
    assert merged([step | {"weakest": 0}], rows)[0] == {"0;1;2", "3;4;5"}


def test_who_survives_and_which_cell_is_taken_can_be_said():
    dates = {"step": "dates", "columns": ["born"], "formats": ["YYYY-MM-DD"]}
    step = near({"given": {"equal": 5, "differs": -5}}, newest_by="born", keep="newest", take={"family": "longest"})
    rows = ["1,a,Li,x,1990-01-01,q", "2,a,,x,2000-01-01,", "3,a,Lindner,x,,z", "4,a,Lind,x,1995-01-01,"]
    agreed = sow([dates, step], columns=COLUMNS)
    (row,), _ = table(agreed, HEADER + "\n".join(rows) + "\n")
    assert (row[0], row[2], row[5]) == ("2", "Lindner", "q")
    step |= {"keep": "first", "take": {"family": "newest"}}
    agreed = sow([dates, step], columns=COLUMNS)
    (row,), _ = table(agreed, HEADER + "\n".join(rows) + "\n")
    assert (row[0], row[2], row[5]) == ("1", "Lind", "q")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"one_to_one": True}, "between"),
        ({"weakest": 5}, "weakest"),
        ({"keep": "newest"}, "newest_by"),
        ({"threshold": 99}, "out of reach"),
        ({"swapped": [{"columns": ["given", "family"], "points": 6}]}, "has none"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong, says):
    with pytest.raises(ValidationError, match=says):
        step_model("near_duplicates").model_validate(near({"given": {"equal": 5, "differs": -5}}) | wrong)


def test_a_crowd_links_the_same_whatever_the_threads():
    draw = random.Random(5)
    lines = [
        f"{n},{draw.choice(['anna', 'anne', 'bob', ''])}{draw.randrange(400)},{draw.choice('abc')},x,,{draw.choice('ab')}\n"
        for n in range(3000)
    ]
    points = {"given": {"equal": 5, "similar": {0.95: 4}, "differs": -5}, "family": {"equal": 1, "differs": -1}}
    agreed = sow([near(points, between="list", one_to_one=True, weakest=0)], columns=COLUMNS)
    results = []
    for threads in (1, 2, 4):
        with memory(HEADER + "".join(lines)) as path, Engine(threads=threads) as engine:
            engine.load(agreed, path)
            engine.run(agreed)
            results.append(engine.connection.execute("SELECT * FROM result").fetchall())
    assert results[0] == results[1] == results[2]
    assert len(results[0]) < 2900


def test_rows_of_two_states_are_linked_where_their_keys_changed(tmp_path):
    points = {"name": {"equal": 5, "similar": {0.9: 4}, "differs": -5}}
    step = {
        "step": "compare_lists", "old": "last", "key": "sku", "compare": ["price"], "status_as": "status",
        "near": {"compare_if_equal": [["shop"]], "points": points, "threshold": 4},
    }  # fmt: skip
    model = step_model("compare_lists").model_validate(step)
    assert {one.name for one in model.names() if one.loc[0] == "near"} == {"name", "shop"}
    header = ["sku", "name", "shop", "price"]
    new: list[list[str | None]] = [
        ["1", "lamp", "x", "5"], ["22", "chair", "x", "5"], ["", "tables", "x", "7"], ["4", "chair", "x", "1"],
    ]  # fmt: skip
    old: list[list[str | None]] = [
        ["1", "bed", "x", "5"], ["2", "chair", "x", "5"], ["3", "table", "x", "6"], ["5", "lamp", "y", "1"],
        ["9", None, "x", "1"],
    ]  # fmt: skip
    tables = {"input": (header, [[cell or None for cell in row] for row in new]), "last": (header, old)}
    with Engine(threads=1) as engine:
        rows, figures = run(engine, [step], tables, tmp_path, "compare_lists")
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("1", "lamp", "unchanged"), ("22", "chair", "changed"), (None, "tables", "changed"), ("4", "chair", "new"),
        ("5", "lamp", "gone"), ("9", None, "gone"),
    ]  # fmt: skip
    assert figures.steps[0].counts["linked"] == 2


pairs_ = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(-2, 9)).filter(lambda one: one[0] < one[1]),
    max_size=40,
    unique_by=lambda one: one[:2],
)


@given(pairs=pairs_)
def test_thinning_out_leaves_the_groups_as_they_are(pairs):
    whole = [Pair(a, b, float(points)) for a, b, points in pairs if points >= 1]
    assert grouped(forest(whole), threshold=1) == grouped(whole, threshold=1)


@given(pairs=pairs_)
def test_groups_hold_what_was_asked_of_them(pairs):
    sides = [Pair(a, b, float(points), a % 2, b % 2) for a, b, points in pairs if a % 2 != b % 2]
    found = grouped(sides, threshold=1, one_to_one=True)
    for leader in set(found.values()):
        members = [row for row in found if found[row] == leader]
        assert min(members) == leader
        assert len({row % 2 for row in members}) == len(members)
    known = {(a, b): points for a, b, points in pairs}
    strict = grouped([Pair(a, b, float(points)) for a, b, points in pairs], threshold=1, weakest=0)
    for one in strict:
        for other in strict:
            if one < other and strict[one] == strict[other]:
                assert known[one, other] >= 0
