"""What each step does to a cell or a row, and what it counts."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.transform import explain
from tests.transform.conftest import column, memory, sow, table

words = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [("  a \t b\n", "a b"), ("\u00a0a\u2003b\u200b", "a b"), (" ", None), ("", None), (None, None), ("a b", "a b")],
)
def test_trim(given_, wanted):
    cells, figures = column({"step": "trim"}, [given_])
    assert cells == [wanted]
    assert figures.blanked == {}
    assert figures.changed == ({"c": 1} if wanted and given_ != wanted else {})


@given(cells=st.lists(words, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_trim_leaves_no_white_space_but_single_blanks_and_does_it_once(cells):
    once, _ = column({"step": "trim"}, cells)
    assert all(cell is None or (cell == cell.strip(" ") and "  " not in cell and cell) for cell in once)
    assert column({"step": "trim"}, once)[0] == once


@pytest.mark.parametrize(
    ("to", "given_", "wanted"),
    [
        ("lower", "ÄRGER", "ärger"),
        ("upper", "ärger", "ÄRGER"),
        ("title", "12 st kilda ROAD", "12 St Kilda Road"),
        ("title", "brighton-le-sands", "Brighton-le-sands"),
        ("name", "o'brien", "O'Brien"),
        ("name", "O\u2019BRIEN", "O\u2019Brien"),
        ("name", "mcdonald", "McDonald"),
        ("name", "MCDONALD", "McDonald"),
        ("name", "smith-jones", "Smith-Jones"),
        ("name", "mary ann", "Mary Ann"),
        ("name", "émile", "Émile"),
        ("name", "maria's", "Maria's"),
        ("name", "mc", "Mc"),
        ("name", "MacDonald", "MacDonald"),
        ("name", "de la Cruz", "de la Cruz"),
        ("name", None, None),
    ],
)
def test_case(to, given_, wanted):
    assert column({"step": "case", "columns": ["c"], "to": to}, [given_])[0] == [wanted]


@given(cells=st.lists(words, min_size=1, max_size=5), to=st.sampled_from(["lower", "upper", "title", "name"]))
@settings(max_examples=25, deadline=None)
def test_case_changes_nothing_but_case(cells, to):
    found, _ = column({"step": "case", "columns": ["c"], "to": to}, cells)
    assert [(cell or "").casefold() for cell in found] == [cell.casefold() for cell in cells]


@pytest.mark.parametrize(
    ("formats", "given_", "wanted"),
    [
        (["YYYYMMDD"], "19560409", date(1956, 4, 9)),
        (["YYYYMMDD"], "19551192", None),
        (["YYYYMMDD"], "20230229", None),
        (["YYYYMMDD"], "20240229", date(2024, 2, 29)),
        (["YYYYMMDD"], "1956040", None),
        (["DD/MM/YYYY"], "09/04/1956", date(1956, 4, 9)),
        (["DD/MM/YYYY"], "9/4/1956", None),
        (["D/M/YYYY"], "9/4/1956", date(1956, 4, 9)),
        (["MM.DD.YYYY", "DD.MM.YYYY"], "04.09.1956", date(1956, 4, 9)),
        (["MM.DD.YYYY", "DD.MM.YYYY"], "13.09.1956", None),  # the first format that fits counts
        (["DD.MM.YYYY"], "04x09x1956", None),
        (["YYYY-MM-DD"], "1956-04-09\n", None),
        (["YYYY-MM-DD"], "0000-00-00", None),
        (["YYYY-MM-DD"], None, None),
    ],
)
def test_dates(formats, given_, wanted):
    cells, figures = column({"step": "dates", "columns": ["c"], "formats": formats}, [given_])
    assert cells == [wanted]
    assert figures.blanked == ({"c": 1} if given_ and wanted is None else {})


@given(days=st.lists(st.dates(), min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_every_day_is_read_in_every_order(days):
    for written, formatted in (
        ("YYYYMMDD", "{0:04}{1:02}{2:02}"), ("D.M.YYYY", "{2}.{1}.{0:04}"), ("MM/DD/YYYY", "{1:02}/{2:02}/{0:04}"),
    ):  # fmt: skip
        cells = [formatted.format(day.year, day.month, day.day) for day in days]
        assert column({"step": "dates", "columns": ["c"], "formats": [written]}, cells)[0] == days


def test_allowed_values_and_fixes():
    step = {
        "step": "allowed",
        "column": "c",
        "values": ["NSW", "Vic"],
        "fixes": {"New South Wales": "NSW", "vci": "Vic"},
    }
    cells, figures = column(step, ["nsw", "VIC", "new south wales", "VCI", "it's", None, "NSW"])
    assert cells == ["NSW", "Vic", "NSW", "Vic", None, None, "NSW"]
    assert (figures.changed, figures.blanked) == ({"c": 4}, {"c": 1})


def test_pattern_blanks_what_does_not_match_as_a_whole():
    cells, figures = column(
        {"step": "pattern", "columns": {"c": "[0-9]{4}"}}, ["2000", "20000", "a2000", None, "2000\n"]
    )
    assert cells == ["2000", None, None, None, None]
    assert figures.blanked == {"c": 3}


def test_pattern_can_look_at_digits_only():
    step = {"step": "pattern", "columns": {"c": "[0-9]{4}"}, "digits_only": True}
    assert column(step, ["20 00", "(2)000", "abc", "20"])[0] == ["2000", "2000", None, None]


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ({"filled": True}, ["a", "b", "it's"]),
        ({"filled": False}, [None]),
        ({"one_of": ["a", "it's"]}, ["a", "it's"]),
        ({"none_of": ["a"]}, ["b", None, "it's"]),
    ],
)
def test_filter_keeps_rows_in_order_and_counts_what_it_drops(condition, wanted):
    cells, figures = column({"step": "filter", "keep": [{"column": "c", **condition}]}, ["a", "b", None, "it's"])
    assert cells == wanted
    assert figures.dropped == 4 - len(wanted)


def test_columns_are_selected_renamed_and_reordered():
    steps = [
        {"step": "dates", "columns": ["b"], "formats": ["YYYYMMDD"]},
        {"step": "rename", "columns": {"a": 'the "A"', "b": "c", "c": "b"}},
        {"step": "reorder", "first": ["c"]},
        {"step": "select", "columns": ["c", 'the "A"']},
    ]
    assert table(sow(steps, columns=("a", "b", "c")), "a,b,c\n1,20200102,3\n")[0] == [(date(2020, 1, 2), "1")]
    assert table(sow(steps, columns=("a", "b", "c"), output=['the "A"']), "a,b,c\n1,20200102,3\n")[0] == [("1",)]


def test_a_hostile_column_name_or_value_is_only_a_name_or_a_value():
    name = "a\"; DROP TABLE input; --'"
    steps = [
        {"step": "trim"},
        {"step": "allowed", "column": name, "values": ["'); DROP TABLE x; --"]},
        {"step": "filter", "keep": [{"column": name, "one_of": ["'); DROP TABLE x; --"]}]},
    ]
    text = '"' + name.replace('"', '""') + '",b\n' + "'); DROP TABLE x; --,1\nother,2\n"
    assert table(sow(steps, columns=(name, "b")), text)[0] == [("'); DROP TABLE x; --", "1")]


def test_explain_is_one_query_that_gives_what_the_engine_gives():
    steps = [
        {"step": "trim"},
        {"step": "case", "columns": ["name"], "to": "name"},
        {"step": "drop_duplicates", "ignore": ["id"], "ids": "id", "list_as": "merged"},
        {
            "step": "near_duplicates", "ids": "id", "list_as": "merged", "compare_if_equal": [["town"]],
            "points": {"name": {"equal": 5, "similar": {0.85: 4}, "differs": -5}}, "threshold": 4,
        },
        {"step": "filter", "keep": [{"column": "name", "filled": True}]},
    ]  # fmt: skip
    agreed = sow(steps, columns=("id", "name", "town"))
    text = "id,name,town\n1,anna,x\n2, ANNA,x\n3,anne,x\n4,bob,y\n5,,y\n6,robert,x\n"
    rows, _ = table(agreed, text)
    from backoffice.transform import Engine
    from backoffice.transform.function import FUNCTIONS, provide

    with memory(text) as path, Engine() as engine:
        engine.load(agreed, path)
        provide(engine.connection, [FUNCTIONS["near_forest"], FUNCTIONS["near_groups"]])
        sql = explain(agreed)
        assert engine.connection.execute(sql).fetchall() == rows
    assert sql.startswith("WITH ")
    assert all(f'"result_{number}_{step["step"]}" AS (' in sql for number, step in enumerate(steps[:-1], start=1))
    assert not re.search(r";\s*\S", sql.replace("';'", ""))


def test_figures_hold_counts_and_names_of_columns_only():
    import json

    steps = [{"step": "trim"}, {"step": "pattern", "columns": {"name": "[a-z]+"}}]
    _, figures = table(sow(steps), "id,name\n1,qzxcanary 7\n2, ok\n")
    written = json.dumps(figures.to_dict())
    assert "canary" not in written
    assert figures.to_dict() == {
        "rows_in": 2, "rows_out": 2, "merged": 0, "blanked": 1, "tables": {"result": 2},
        "steps": [
            {"number": 1, "step": "trim", "rows_in": 2, "rows_out": 2, "dropped": 0, "changed": {"name": 1},
             "blanked": {}, "counts": {}, "table": "result", "unreadable": "blank"},
            {"number": 2, "step": "pattern", "rows_in": 2, "rows_out": 2, "dropped": 0, "changed": {},
             "blanked": {"name": 1}, "counts": {}, "table": "result", "unreadable": "blank"},
        ],
    }  # fmt: skip


def test_a_group_that_may_find_nothing_is_not_counted_as_lost():
    step = {"step": "extract", "column": "name", "pattern": "^([a-z]+)( [0-9]+)?$", "into": ["word", "number"]}
    rows, figures = table(sow([{**step, "unreadable": "reject"}]), "id,name\n1,ann\n2,bob 7\n3,7\n4,\n")
    assert [row[2:] for row in rows] == [("ann", None), ("bob", " 7"), (None, None)]
    assert figures.steps[0].blanked == {"word": 1, "number": 1}


def test_a_file_without_a_name_is_counted_as_one_without_a_file_is():
    step = {"step": "file_names", "column": "name", "name_by": "id", "name_as": "file"}
    rows, figures = table(sow([step]), "id,name\n,a.jpg\n2,\n3,b.jpg\n,\n")
    assert [row[2] for row in rows] == [None, None, "3.jpg", None]
    assert figures.steps[0].blanked == {"file": 2}


def test_what_is_not_listed_is_counted_where_it_is_said_to_be_kept():
    step = {"step": "replace", "columns": ["name"], "values": {"a": "b"}}
    text = "id,name\n1,a\n2,x\n3,\n"
    rows, figures = table(sow([step]), text)
    assert ([row[1] for row in rows], figures.steps[0].blanked) == (["b", "x", None], {})
    rows, figures = table(sow([{**step, "unreadable": "keep"}]), text)
    assert ([row[1] for row in rows], figures.steps[0].blanked) == (["b", "x", None], {"name": 1})
    assert figures.steps[0].changed == {"name": 1}
