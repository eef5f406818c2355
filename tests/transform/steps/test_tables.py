"""Rows, cells and whole tables: order, filling, replacing, joining, grouping, windows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.contract.flow import flow_of
from backoffice.errors import DropRejected
from tests.transform.conftest import column, sow
from tests.transform.steps.tabular import agreed, run

NUMBERS = "- {step: number, columns: [n], decimal: '.'}\n"


def faults(steps, columns=("a", "b", "n"), **others):
    return [(fault, hint) for _, fault, hint in flow_of(agreed(steps, list(columns), others)).faults(thorough=True)]


# ---------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("{column: n, less_than: 10}", ["2", "9.5"]),
        ("{column: n, at_most: 9.5}", ["2", "9.5"]),
        ("{column: n, more_than: 9.5}", ["10"]),
        ("{column: n, at_least: 9.5}", ["9.5", "10"]),
        ("{column: n, between: [2, 9.5]}", ["2", "9.5"]),
        ("{column: n, one_of: [2, 10]}", ["2", "10"]),
        ("{column: n, none_of: [2, 10]}", ["9.5", None]),
        ("{column: a, starts_with: b}", ["9.5"]),
        ("{column: a, starts_with: B, ignore_case: true}", ["9.5"]),
        ("{column: a, ends_with: 'l'}", ["10"]),
        ('{column: a, contains: "\'"}', ["10"]),
        ("{column: a, matches: '[a-z]+'}", ["2", "9.5"]),
        ("{column: a, matches: 'A.*', ignore_case: true}", ["2"]),
        ("{any_of: [{column: n, less_than: 3}, {column: a, one_of: [beta]}]}", ["2", "9.5"]),
        ("{all_of: [{column: n, at_least: 3}, {column: a, one_of: [beta]}]}", ["9.5"]),
        ("{not_any_of: [{column: n, less_than: 3}, {column: a, one_of: [beta]}]}", ["10", None]),
        ("{column: a, same_as: b}", ["2"]),
    ],
)
def test_conditions(condition, wanted):
    found = run(
        NUMBERS + f"- {{step: filter, keep: [{condition}]}}",
        [["a", "b", "n"], ["alpha", "alpha", "2"], ["beta", "x", "9.5"], ["it's a l", "", "10"], ["", "", ""]],
    )
    assert found["n"] == [None if one is None else Decimal(one) for one in wanted]


def test_dates_are_compared_as_dates():
    steps = "- {step: dates, columns: [n], formats: [D.M.YYYY]}\n- {step: filter, keep: [{column: n, at_least: 2026-02-01}]}"
    assert run(steps, "a,n\nx,9.1.2026\ny,1.2.2026\n")["n"] == [date(2026, 2, 1)]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ("- {step: filter, keep: [{column: a, less_than: 3}]}", "`less_than` compares numbers and dates"),
        (NUMBERS + "- {step: filter, keep: [{column: n, less_than: x}]}", "`x` is none"),
        (NUMBERS + "- {step: filter, keep: [{column: n, contains: x}]}", "`contains` looks at text"),
        (NUMBERS + "- {step: filter, keep: [{any_of: [{column: n, same_as: a}]}]}", "holds text"),
        ("- {step: constant, columns: {d: '2026-02-30'}, kind: date}", "`2026-02-30` is none"),
        (
            "- {step: fill, columns: [n], value: x}\n" + NUMBERS + "- {step: fill, columns: [n], value: x}",
            "`x` is none",
        ),
        ("- {step: aggregate, by: [a], make: {a: {how: count}}}", "stands in `by` already"),
        ("- {step: aggregate, make: {s: {how: sum, of: n}}}", "`sum` works on numbers"),
        ("- {step: window, make: {s: {how: running_sum, of: n}}}", "`running_sum` works on numbers"),
        ("- {step: window, make: {s: {how: rank}}}", "needs an `order`"),
        (NUMBERS + "- {step: unpivot, columns: [a, n], names_to: x, values_to: y}", "holds number"),
        ("- {step: pivot, by: [a], column: b, values: [x, X], make: {how: count}}", "Two columns would be called `X`"),
        (NUMBERS + "- {step: fill, columns: [n], from_columns: [a]}", "holds text"),
        ("- {step: boolean, columns: [a], languages: [xx]}", "in `xx` are not known"),
        ("- {step: text, columns: [a], group: '.'}", "the same sign"),
    ],
)
def test_what_does_not_fit_is_found_before_anything_is_read(steps, told):
    assert any(told in fault for fault, _ in faults(steps)), faults(steps)


def test_faults_between_tables():
    assert (
        "There is a column `b` already"
        in faults("- {step: join, other: o, keys: {a: a}, take: [b]}", o=["a", "b"])[0][0]
    )
    assert "holds text" in faults(NUMBERS + "- {step: join, other: o, keys: {n: a}, take: {b: c}}", o=["a", "b"])[0][0]
    assert "holds text in `o`" in faults(NUMBERS + "- {step: union, others: [o]}", o=["n"])[0][0]
    assert (
        "No column is called `x` in `o`"
        in faults("- {step: join, other: o, keys: {a: x}, take: [b]}", o=["a", "b"])[0][0]
    )


# ---------------------------------------------------------------------------------------------- rows


def test_sort_by_several_keys_is_stable():
    found = run(
        "- {step: sort, by: [{column: a, descending: true}, {column: n, compare: numbers, blanks: first}]}",
        "a,n,id\nx,10,1\ny,,2\nx,9,3\nx,abc,4\n,1,5\nx,9,6\nx,,7\n",
    )
    assert found["id"] == ["2", "7", "3", "6", "1", "4", "5"]


def test_sort_as_in_a_telephone_book():
    found = run("- {step: sort, by: [{column: a, compare: words}]}", "a\nzoe\nÄnne\nanna\nBob\n")
    assert found["a"] == ["anna", "Änne", "Bob", "zoe"]


def test_sample():
    text = "a,b\n" + "".join(f"{number},{number % 10}\n" for number in range(1000))
    assert run("- {step: sample, first: 3}", text)["a"] == ["0", "1", "2"]
    assert run("- {step: sample, every: 400}", text)["a"] == ["0", "400", "800"]
    some = run("- {step: sample, share: 0.1, by: [a]}", text)["a"]
    assert 60 < len(some) < 140
    assert some == run("- {step: sample, share: 0.1, by: [a]}", text)["a"]
    assert some != run("- {step: sample, share: 0.1, by: [a], seed: other}", text)["a"]
    drawn = set(run("- {step: sample, share: 0.4, by: [b]}", text)["b"])
    assert len(run("- {step: sample, share: 0.4, by: [b]}", text).rows) == 100 * len(drawn)


@pytest.mark.parametrize(
    ("demand", "told"),
    [
        ("rows: {at_least: 5}", "The table has 3 rows; agreed are at least 5 rows"),
        ("rows: {at_most: 2}", "3 rows"),
        ("rows_meet: [{column: a, filled: true}]", "1 of 3 rows break"),
        ("rows_meet: [{column: a, filled: true}], at_least: 0.7", "1 of 3 rows break"),
        ("unique: [b]", "2 rows share b"),
    ],
)
def test_a_demand_that_is_not_met_refuses_the_file_with_figures_only(demand, told):
    with pytest.raises(DropRejected, match=told) as refused:
        run(f"- {{step: assert, {demand}}}", "a,b\ncanary,1\ncanary,1\n,\n")
    assert refused.value.code == "not-as-agreed"
    assert "canary" not in str(refused.value)


def test_a_demand_that_is_met_changes_nothing():
    demands = "rows_meet: [{column: a, filled: true}], at_least: 0.5, unique: [a, b], rows: {at_least: 2}"
    steps = f"- {{step: trim}}\n- {{step: assert, {demands}}}"
    found = run(steps, "a,b\n x ,1\nx,2\n,2\n")
    assert found.rows == [("x", "1"), ("x", "2"), (None, "2")]


# ---------------------------------------------------------------------------------------------- cells


def test_fill_from_above_stays_within_its_group():
    steps = "- {step: fill, columns: [b], previous: true, within: [a]}"
    found = run(steps, "a,b\nx,\nx,1\ny,\nx,\ny,2\ny,\n")
    assert found["b"] == [None, "1", None, "1", "2", "2"]
    assert found.step.changed == {"b": 2}


def test_replace_in_whole_cells():
    step = {"step": "replace", "columns": ["c"], "values": {"a'": "x\\1", "B": "y"}}
    assert column(step, ["a'", "b", "B", None, "a' b"])[0] == ["x\\1", "b", "y", None, "a' b"]
    cells, figures = column({**step, "ignore_case": True, "unreadable": "blank"}, ["A'", "b", "z"])
    assert (cells, figures.blanked) == (["x\\1", "y", None], {"c": 1})


def test_replace_within_cells():
    step = {"step": "replace", "columns": ["c"], "parts": {"(a)": "\\1", "b": ""}}
    assert column(step, ["x(a)b(a)", "b", "(A)"])[0] == ["x\\1\\1", None, "(A)"]
    assert column({**step, "ignore_case": True}, ["x(A)B(a)"])[0] == ["x\\1\\1"]
    step = {"step": "replace", "columns": ["c"], "pattern": "([a-z])[0-9]+", "by": "\\1!"}
    assert column(step, ["a12b3", "12"])[0] == ["a!b!", "12"]


def test_replace_by_a_table_takes_its_first_row_and_can_reject():
    steps = "- {step: replace, columns: [a], lookup: o, old: k, new: v, unreadable: reject}"
    found = run(steps, "a,b\nx,1\ny,2\nz,3\n,4\n", o="k,v\nx,X\nx,no\ny,Y\n")
    assert found.rows == [("X", "1"), ("Y", "2"), (None, "4")]
    rejects = run(steps, "a,b\nx,1\nz,3\n", side="rejects", o="k,v\nx,X\n")
    assert rejects["reject_reason"] == ["replace: a"]


def test_split_into_columns_counts_what_has_more_parts():
    found = run("- {step: split, column: a, at: '; ', into: [x, y]}", "a\np; q\np\np; q; r\n;\n")
    assert found["x"] == ["p", "p", "p", ";"]
    assert found["y"] == ["q", None, "q; r", None]
    assert found.step.counts == {"cells with more parts": 1}
    found = run("- {step: split, column: a, pattern: ' *[,;] *', into: [x, y]}", [["a"], ["p , q; r"], ["p"], ["a;b"]])
    assert found.rows == [("p , q; r", "p", "q; r"), ("p", "p", None), ("a;b", "a", "b")]


def test_split_into_rows_keeps_the_order_and_every_row():
    found = run(
        "- {step: split, column: a, at: ',', rows: true}", [["a", "b"], ["p, q,,r", "1"], ["", "2"], [",", "3"]]
    )
    assert found.rows == [("p", "1"), ("q", "1"), ("r", "1"), (None, "2"), (None, "3")]


def test_extract_counts_cells_in_which_nothing_is_found():
    steps = "- {step: extract, column: a, pattern: '([A-Z]+)-([0-9]*)', into: [x, y]}"
    found = run(steps, [["a"], ["x AB-12 CD-3"], ["none"], [""], ["AB-"]])
    assert found["x"] == ["AB", None, None, "AB"]
    assert found["y"] == ["12", None, None, None]
    assert found.step.blanked == {"x": 1, "y": 1}, "a group that may find nothing has lost nothing"


@given(
    cells=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20), min_size=1, max_size=4)
)
@settings(max_examples=25, deadline=None)
def test_hostile_text_passes_through_every_step_of_cells(cells):
    found = run(
        """
- {step: replace, columns: [a], parts: {"'": "''", "\\\\": "/"}}
- {step: split, column: a, at: "'", into: [x, y, z]}
- {step: extract, column: a, pattern: "(.)$", into: [last]}
- {step: concatenate, columns: [x, y, last], separator: "'", into: joined}
- {step: sort, by: [{column: a, compare: words}]}
- {step: mask, columns: [joined], first: 1, last: 1}
""",
        [["a", "id"], *([cell, str(number)] for number, cell in enumerate(cells))],
    )
    assert sorted(found["id"]) == [str(number) for number in range(len(cells))]


# ---------------------------------------------------------------------------------------------- tables


def test_join_kinds():
    left, right = "a,b\nx,1\ny,2\n,3\n", "k,v\nx,X\nz,Z\n,blank\n"
    steps = "- {step: join, other: o, keys: {a: k}, how: HOW}"
    assert run(steps.replace("HOW", "left, take: {v: v}"), left, o=right)["v"] == ["X", None, None]
    assert run(steps.replace("HOW", "inner, take: [v], prefix: o_"), left, o=right).rows == [("x", "1", "X")]
    assert run(steps.replace("HOW", "semi"), left, o=right)["b"] == ["1"]
    assert run(steps.replace("HOW", "anti"), left, o=right)["b"] == ["2", "3"]


def test_join_with_several_matches_does_as_stated():
    left, right = "a\ny\nx\n", "k,v\nx,1\nx,2\ny,3\n"
    steps = "- {step: join, other: o, keys: {a: k}, take: [v], matches: HOW}"
    with pytest.raises(DropRejected, match="1 more times than once in `o` by k"):
        run(steps.replace("HOW", "one"), left, o=right)
    assert run(steps.replace("HOW", "first"), left, o=right).rows == [("y", "3"), ("x", "1")]
    assert run(steps.replace("HOW", "all"), left, o=right).rows == [("y", "3"), ("x", "1"), ("x", "2")]


def test_union_by_name():
    steps = "- {step: union, others: [o, p], columns: HOW, source_in: src}"
    more = {"o": "b,c\n2,C\n", "p": "a\nz\n"}
    found = run(steps.replace("HOW", "all"), "a,b\nx,1\n", **more)
    assert found.header == ["a", "b", "c", "src"]
    assert found.rows == [("x", "1", None, "input"), (None, "2", "C", "o"), ("z", None, None, "p")]
    assert run(steps.replace("HOW", "own"), "a,b\nx,1\n", **more).header == ["a", "b", "src"]


def test_figures_of_groups_are_exact():
    steps = (
        NUMBERS
        + """
- step: aggregate
  by: [a]
  make:
    rows: {how: count}
    filled: {how: count, of: b}
    different: {how: count_distinct, of: b}
    total: {how: sum, of: n}
    mean: {how: average, of: n}
    middle: {how: median, of: n}
    least: {how: min, of: n}
    most: {how: max, of: n}
    first: {how: first, of: b}
    last: {how: last, of: b}
    all: {how: list, of: b, separator: ","}
    each: {how: list_distinct, of: b, separator: ","}
"""
    )
    found = run(steps, "a,b,n\nx,,0.1\ny,q,-1\nx,p,0.2\nx,o,0.3\ny,q,\nx,p,0.000001\n,,\n")
    assert found.rows[0] == (
        "x", 4, 3, 2, Decimal("0.600001"), Decimal("0.150000"), Decimal("0.15"), Decimal("0.000001"), Decimal("0.3"),
        "p", "p", "p,o,p", "p,o",
    )  # fmt: skip
    assert found.rows[1][:6] == ("y", 2, 2, 1, Decimal(-1), Decimal(-1))
    assert found.rows[2] == (None, 1, 0, 0, None, None, None, None, None, None, None, None, None)


@given(numbers=st.lists(st.decimals(-(10**6), 10**6, places=6), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_an_average_is_the_exact_one_rounded_half_away_from_zero(numbers):
    from decimal import ROUND_HALF_UP, localcontext

    found = run(
        NUMBERS
        + "- {step: aggregate, make: {m: {how: average, of: n}, s: {how: sum, of: n}, d: {how: median, of: n}}}",
        [["n"], *([f"{one:f}"] for one in numbers)],
    )
    with localcontext() as context:
        context.prec = 40
        ordered, count = sorted(numbers), len(numbers)
        middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / Decimal(2)
        unit = Decimal("0.000001")
        assert found["m"] == [(sum(numbers, Decimal(0)) / count).quantize(unit, ROUND_HALF_UP)]
        assert found["s"] == [sum(numbers, Decimal(0))]
        assert found["d"] == [middle.quantize(unit, ROUND_HALF_UP)]


def test_no_rows_have_one_total_and_no_groups():
    assert run("- {step: aggregate, make: {n: {how: count}}}", "a\n").rows == [(0,)]
    assert run("- {step: aggregate, by: [a], make: {n: {how: count}}}", "a\n").rows == []


def test_pivot_counts_or_refuses_other_values():
    steps = NUMBERS + "- {step: pivot, by: [a], column: b, values: {p: P, q: Q}, make: {how: sum, of: n}, others: HOW}"
    text = "a,b,n\nx,p,1\nx,r,2\ny,q,3\n,,4\n"
    found = run(steps.replace("HOW", "count"), text)
    assert found.rows == [("x", Decimal(1), None), ("y", None, Decimal(3)), (None, None, None)]
    assert found.step.counts == {"rows of other values": 2}
    with pytest.raises(DropRejected, match="2 rows have another value in b"):
        run(steps.replace("HOW", "stop"), text)


def test_unpivot_undoes_pivot():
    steps = (
        NUMBERS
        + """
- {step: pivot, by: [a], column: b, values: [p, q], make: {how: sum, of: n}}
- {step: unpivot, columns: [p, q], names_to: b, values_to: n}
"""
    )
    rows = run(steps, "a,b,n\nx,p,1\nx,q,2\ny,q,3\n").rows
    assert rows == [("x", "p", Decimal(1)), ("x", "q", Decimal(2)), ("y", "q", Decimal(3))]


def test_windows():
    steps = (
        NUMBERS
        + """
- step: window
  by: [a]
  order: [{column: n, descending: true}]
  make:
    place: {how: row_number}
    rank: {how: rank}
    dense: {how: dense_rank}
    so_far: {how: running_sum, of: n}
    before: {how: previous, of: n}
    after: {how: next, of: n}
    step: {how: difference, of: n}
    part: {how: share, of: n}
    whole: {how: group_sum, of: n}
    size: {how: group_size}
"""
    )
    found = run(steps, "a,n\nx,1\nx,3\nx,3\ny,\nx,-1\n")
    assert found["place"] == [3, 1, 2, 1, 4]
    assert found["rank"] == [3, 1, 1, 1, 4]
    assert found["dense"] == [2, 1, 1, 1, 3]
    assert found["so_far"] == [7, 3, 6, None, 6]
    assert found["before"] == [3, None, 3, None, 1]
    assert found["after"] == [-1, 3, 1, None, None]
    assert found["step"] == [-2, None, 0, None, -2]
    assert found["part"] == [Decimal("0.166667"), Decimal("0.5"), Decimal("0.5"), None, Decimal("-0.166667")]
    assert found["whole"] == [6, 6, 6, None, 6]
    assert found["size"] == [4, 4, 4, 1, 4]


def test_every_step_gives_the_same_twice():
    steps = (
        NUMBERS
        + """
- {step: sort, by: [{column: a}]}
- {step: window, by: [a], make: {place: {how: row_number}}}
- {step: aggregate, by: [a], make: {l: {how: list, of: b}, t: {how: sum, of: n}}}
"""
    )
    text = "a,b,n\n" + "".join(f"{number % 7},{number},{number * 7 % 13}\n" for number in range(300))
    assert run(steps, text).rows == run(steps, text).rows


def test_words_can_be_signed():
    steps = sow([{"step": "assert", "rows_meet": [{"column": "id", "filled": True}], "rows": {"at_most": 5}}]).steps
    assert steps[0].words() == "Go on only if in every row id is filled, and there are at least 0 and at most 5 rows."
