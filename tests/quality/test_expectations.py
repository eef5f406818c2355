"""Each supported expectation on data that meets it and on data that does not, counted by hand in SQL beside it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from backoffice.quality import check
from backoffice.quality.rules import REFUSED, SUPPORTED

WriteSuite = Callable[..., Path]


@dataclass(frozen=True)
class Case:
    """``good`` and ``bad`` are the rows of ``columns``; ``broken`` is the condition of a row that breaks the rule."""

    rule: str
    kwargs: dict[str, Any]
    columns: str
    good: str
    bad: str
    broken: str = ""
    judged: str = "a IS NOT NULL"
    observed: str = ""


A = "a VARCHAR"
AB = "a INTEGER, b INTEGER"
ABC = "a INTEGER, b INTEGER, c INTEGER"
TEXT_GOOD, TEXT_BAD = "('ab1'),('ab22'),(NULL)", "('ab1'),('x'),('zab1'),(NULL),('')"
REPEATS = "a IN (SELECT a FROM t GROUP BY a HAVING count(*) > 1)"


def column(rule: str, columns: str, good: str, bad: str, broken: str = "", /, **kwargs: Any) -> Case:
    extra = {key: kwargs.pop(key) for key in ("judged", "observed") if key in kwargs}
    return Case(f"expect_column_{rule}", {"column": "a", **kwargs}, columns, good, bad, broken, **extra)


CASES = [
    column("values_to_not_be_null", A, "('x'),('')", "('x'),(NULL),(NULL)", "a IS NULL", judged="true"),
    column("values_to_be_null", A, "(NULL),(NULL)", "('x'),(NULL),('')", "a IS NOT NULL", judged="true"),
    column("values_to_be_unique", A, "('x'),('X'),(NULL),(NULL)", "('x'),('x'),('y'),(NULL),('x'),(NULL)", REPEATS),
    column("values_to_be_in_set", A, "('x'),(NULL)", "('x'),('z'),(NULL),('')", "a NOT IN ('x','y')",
           value_set=["x", "y"]),
    column("values_to_be_in_set", "a INTEGER", "(1),(NULL)", "(1),(3),(4)", "a NOT IN (1,2)", value_set=[1, 2]),
    column("values_to_not_be_in_set", A, "('z'),(NULL)", "('x'),('z'),(NULL)", "a IN ('x','y')", value_set=["x", "y"]),
    column("values_to_be_between", "a INTEGER", "(1),(5),(NULL)", "(1),(6),(0),(NULL)", "a NOT BETWEEN 1 AND 5",
           min_value=1, max_value=5),
    column("values_to_be_between", "a DOUBLE", "(1.5),(NULL)", "(1),(5),(2)", "NOT (a > 1 AND a < 5)",
           min_value=1, max_value=5, strict_min=True, strict_max=True),
    column("values_to_be_between", "a DECIMAL(9,2)", "(1.50),(NULL)", "(0.99),(7.00)", "a < 1", min_value=1),
    column("values_to_be_between", "a DATE", "('2000-01-01'),('2000-12-31'),(NULL)",
           "('1999-12-31'),('2001-01-01'),('2000-05-05')", "a NOT BETWEEN DATE '2000-01-01' AND DATE '2000-12-31'",
           min_value="2000-01-01", max_value="2000-12-31"),
    column("values_to_be_between", "a TIMESTAMP", "('2000-01-01 00:00:00')", "('1999-12-31 23:59:59'),('2000-01-02')",
           "a < TIMESTAMP '2000-01-01'", min_value="2000-01-01"),
    column("value_lengths_to_be_between", A, "('ab'),('abcd'),(NULL)", "('a'),('äöüéß'),('abc'),('')",
           "length(a) NOT BETWEEN 2 AND 4", min_value=2, max_value=4),
    column("value_lengths_to_equal", A, "('ab'),('öß'),(NULL)", "('a'),('ab'),('')", "length(a) <> 2", value=2),
    column("values_to_match_regex", A, TEXT_GOOD, TEXT_BAD, "NOT regexp_matches(a, '^ab[0-9]+$')", regex="^ab[0-9]+$"),
    column("values_to_match_regex", A, "('zab1'),(NULL)", TEXT_BAD, "NOT regexp_matches(a, 'b[0-9]')", regex="b[0-9]"),
    column("values_to_match_regex", "a INTEGER", "(12),(NULL)", "(12),(123)", "length(a::VARCHAR) <> 2", regex="^..$"),
    column("values_to_not_match_regex", A, "('x'),(NULL)", TEXT_BAD, "regexp_matches(a, 'ab')", regex="ab"),
    column("values_to_match_regex_list", A, "('ab'),('cd'),(NULL)", "('ab'),('x'),('')",
           "NOT (regexp_matches(a, '^a') OR regexp_matches(a, '^c'))", regex_list=["^a", "^c"]),
    column("values_to_match_regex_list", A, "('ab'),(NULL)", "('ab'),('a'),('b'),('x')",
           "NOT (regexp_matches(a, '^a') AND regexp_matches(a, 'b$'))", regex_list=["^a", "b$"], match_on="all"),
    column("values_to_not_match_regex_list", A, "('x'),(NULL)", "('ab'),('cd'),('x')",
           "regexp_matches(a, '^a') OR regexp_matches(a, '^c')", regex_list=["^a", "^c"]),
    column("values_to_match_like_pattern", A, "('ab1'),(NULL)", TEXT_BAD, "a NOT LIKE 'ab%'", like_pattern="ab%"),
    column("values_to_match_like_pattern", A, "('a%b'),(NULL)", "('axb'),('a%b')", "a <> 'a%b'",
           like_pattern="a!%b", escape="!"),
    column("values_to_not_match_like_pattern", A, "('x'),(NULL)", TEXT_BAD, "a LIKE '%ab%'", like_pattern="%ab%"),
    column("values_to_match_like_pattern_list", A, "('ab'),('cd'),(NULL)", "('ab'),('x')",
           "a NOT LIKE 'a%' AND a NOT LIKE 'c%'", like_pattern_list=["a%", "c%"]),
    column("values_to_match_like_pattern_list", A, "('ab'),(NULL)", "('ab'),('ac'),('cb')",
           "NOT (a LIKE 'a%' AND a LIKE '%b')", like_pattern_list=["a%", "%b"], match_on="all"),
    column("values_to_not_match_like_pattern_list", A, "('x'),(NULL)", "('ab'),('cd'),('x')",
           "a LIKE 'a%' OR a LIKE 'c%'", like_pattern_list=["a%", "c%"]),
    column("values_to_match_strftime_format", A, "('2024-02-29'),(NULL)", "('2023-02-29'),('1.2.2024'),('2024-01-01')",
           "try_strptime(a, '%Y-%m-%d') IS NULL", strftime_format="%Y-%m-%d"),
    column("values_to_match_strftime_format", "a DATE", "('2024-02-29'),(NULL)", "('20240-02-29'),('2024-02-29')",
           "a > DATE '9999-12-31'", strftime_format="%Y-%m-%d"),
    column("values_to_be_json_parseable", A, "('{}'),('[1]'),(NULL)", "('{'),('[1]'),('')", "NOT json_valid(a)"),
    column("value_z_scores_to_be_less_than", "a DOUBLE", "(1),(2),(3),(NULL)",
           "(1),(1),(1),(1),(1),(1),(1),(100),(NULL)",
           "abs((a - (SELECT avg(a) FROM t)) / (SELECT stddev_samp(a) FROM t)) >= 2", threshold=2, double_sided=True),
    column("values_to_not_be_outliers", "a DOUBLE", "(1),(2),(3),(NULL)", "(1),(2),(3),(4),(5),(6),(7),(100),(NULL)",
           "a = 100", method="iqr", multiplier=1.5),
    column("values_to_not_be_outliers", "a DOUBLE", "(1),(2),(3),(NULL)", "(1),(1),(1),(1),(1),(1),(1),(100),(NULL)",
           "a = 100", method="std", multiplier=2),
    Case("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b"}, AB, "(1,1),(NULL,NULL)",
         "(1,1),(1,2),(NULL,NULL)", "a <> b", "NOT (a IS NULL AND b IS NULL)"),
    Case("expect_column_pair_values_a_to_be_greater_than_b",
         {"column_A": "a", "column_B": "b", "ignore_row_if": "either_value_is_missing"}, AB, "(2,1),(NULL,9)",
         "(1,1),(1,2),(3,2),(NULL,1)", "a <= b", "a IS NOT NULL AND b IS NOT NULL"),
    Case("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b", "or_equal": True}, AB,
         "(1,1),(2,1)", "(1,2),(2,2),(1,3)", "a < b", "true"),
    Case("expect_column_pair_values_to_be_in_set",
         {"column_A": "a", "column_B": "b", "value_pairs_set": [[1, 1], [1, 2]]}, AB, "(1,1),(1,2)",
         "(1,1),(2,1),(2,2)", "NOT (a = 1 AND b IN (1,2))", "true"),
    Case("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}, ABC,
         "(1,1,0),(1,2,0),(2,1,0),(NULL,NULL,0)",
         "(1,1,0),(1,1,1),(1,2,0),(NULL,NULL,0),(NULL,NULL,1)",
         "(a, b) IN (SELECT (a, b) FROM t GROUP BY a, b HAVING count(*) > 1) AND a IS NOT NULL",
         "NOT (a IS NULL AND b IS NULL)"),
    Case("expect_select_column_values_to_be_unique_within_record", {"column_list": ["a", "b", "c"]}, ABC,
         "(1,2,3),(2,1,3)",
         "(1,1,2),(1,2,1),(3,2,1)", "a = b OR b = c OR a = c", "true"),
    Case("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b", "c"], "sum_total": 6}, ABC, "(1,2,3),(6,0,0)",
         "(1,2,3),(1,1,1),(9,9,9)", "a + b + c <> 6", "true"),
    Case("expect_multicolumn_values_to_be_equal", {"column_list": ["a", "b"]}, AB, "(1,1),(2,2)", "(1,1),(1,2),(3,1)",
         "a <> b", "true"),
    # about a column as a whole
    Case("expect_column_to_exist", {"column": "a"}, A, "('x')", ""),
    Case("expect_column_to_exist", {"column": "b", "column_index": 1}, AB, "(1,1)", ""),
    column("values_to_be_of_type", "a DATE", "('2000-01-01')", "", type_="DATE"),
    column("values_to_be_of_type", "a VARCHAR", "('x')", "", type_="text"),
    column("values_to_be_of_type", "a DECIMAL(9,2)", "(1)", "", type_="DECIMAL"),
    column("values_to_be_of_type", "a DECIMAL(9,2)", "(1)", "", type_="DECIMAL(9, 2)"),
    column("values_to_be_of_type", "a TIMESTAMPTZ", "(NULL)", "", type_="TIMESTAMP WITH TIME ZONE"),
    column("type_to_be", "a BIGINT", "(1)", "", type_="BIGINT"),
    column("values_to_be_in_type_list", "a INTEGER", "(1)", "", type_list=["BIGINT", "INT"]),
    column("distinct_values_to_be_in_set", A, "('x'),('x'),(NULL)", "('x'),('z'),('q'),('q')", value_set=["x", "y"],
           observed="2"),
    column("distinct_values_to_contain_set", A, "('x'),('y'),('z')", "('x'),('z')", value_set=["x", "y"], observed="1"),
    column("distinct_values_to_equal_set", A, "('x'),('y'),(NULL)", "('x'),('y'),('z')", value_set=["x", "y"],
           observed="1"),
    column("most_common_value_to_be_in_set", A, "('x'),('x'),('z')", "('z'),('z'),('x')", value_set=["x"]),
    column("unique_value_count_to_be_between", A, "('x'),('y'),('y'),(NULL)", "('x'),('y'),('z')", min_value=1,
           max_value=2, observed="count(DISTINCT a)"),
    column("proportion_of_unique_values_to_be_between", A, "('x'),('y'),(NULL)", "('x'),('x'),('y'),('y')",
           min_value=0.9, observed="count(DISTINCT a) / count(a)"),
    column("proportion_of_non_null_values_to_be_between", A, "('x'),('y')", "('x'),(NULL)", min_value=0.9,
           observed="count(a) / count(*)"),
    column("max_to_be_between", "a INTEGER", "(1),(5),(NULL)", "(1),(6)", min_value=1, max_value=5),
    column("min_to_be_between", "a INTEGER", "(1),(9),(NULL)", "(0),(6)", min_value=1, max_value=5),
    column("max_to_be_between", "a DATE", "('2000-01-01'),(NULL)", "('2003-01-01')", min_value="1999-01-01",
           max_value="2001-01-01"),
    column("mean_to_be_between", "a INTEGER", "(1),(3),(NULL)", "(10),(3)", min_value=1, max_value=5),
    column("median_to_be_between", "a INTEGER", "(1),(3),(90),(NULL)", "(10),(30),(2)", min_value=1, max_value=5),
    column("stdev_to_be_between", "a INTEGER", "(1),(2),(3),(NULL)", "(1),(90)", max_value=5),
    column("sum_to_be_between", "a INTEGER", "(1),(2),(NULL)", "(1),(90)", max_value=5),
    column("quantile_values_to_be_between", "a INTEGER", "(1),(2),(3),(4),(NULL)", "(1),(2),(30),(40)",
           quantile_ranges={"quantiles": [0.25, 0.75], "value_ranges": [[0, 2], [2, 4]]}, allow_relative_error=False),
    # about the table
    Case("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 2}, A, "('x'),(NULL)", "(''),(''),('')",
         observed="count(*)"),
    Case("expect_table_row_count_to_equal", {"value": 2}, A, "('x'),(NULL)", "('')", observed="count(*)"),
    Case("expect_table_column_count_to_be_between", {"min_value": 1, "max_value": 2}, AB, "(1,1)", ""),
    Case("expect_table_column_count_to_equal", {"value": 2}, AB, "(1,1)", ""),
    Case("expect_table_columns_to_match_ordered_list", {"column_list": ["a", "b"]}, AB, "(1,1)", ""),
    Case("expect_table_columns_to_match_set", {"column_set": ["b", "a"]}, AB, "(1,1)", ""),
    Case("expect_table_columns_to_match_set", {"column_set": ["b"], "exact_match": False}, AB, "(1,1)", ""),
]  # fmt: skip

# For rules about the form of a table: another table, which does not have that form.
OTHER_FORM = {
    "expect_column_to_exist": "c VARCHAR",
    "expect_column_values_to_be_of_type": "a INTEGER",
    "expect_column_type_to_be": "a INTEGER",
    "expect_column_values_to_be_in_type_list": "a DATE",
    "expect_table_column_count_to_be_between": "a INTEGER, b INTEGER, c INTEGER",
    "expect_table_column_count_to_equal": "a INTEGER",
    "expect_table_columns_to_match_ordered_list": "b INTEGER, a INTEGER",
    "expect_table_columns_to_match_set": "a INTEGER, c INTEGER",
}


def name(case: Case) -> str:
    return f"{case.rule}-{case.columns.replace(' ', '_')}"


def fill(connection: duckdb.DuckDBPyConnection, columns: str, rows: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE t ({columns})")
    if rows:
        connection.execute(f"INSERT INTO t VALUES {rows}")


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("case", CASES, ids=name)
def test_data_that_meets_the_rule_passes(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, case: Case
) -> None:
    fill(connection, case.columns, case.good)

    report = check(connection, "t", write_suite((case.rule, case.kwargs)))

    assert report.passed
    assert report.rows == one(connection, "SELECT count(*) FROM t")
    (result,) = report.results
    assert result.unexpected == (0 if case.broken else None)
    assert result.percent == (0.0 if case.broken else None)


@pytest.mark.parametrize("case", CASES, ids=name)
def test_data_that_breaks_the_rule_fails_with_the_count_of_a_query_written_by_hand(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, case: Case
) -> None:
    fill(connection, case.columns if case.bad else OTHER_FORM[case.rule], case.bad)

    report = check(connection, "t", write_suite((case.rule, case.kwargs)))

    assert not report.passed
    (result,) = report.results
    assert not result.passed
    if not case.broken:
        assert result.unexpected is None
        assert result.percent is None
        if case.observed:
            assert result.observed == pytest.approx(one(connection, f"SELECT {case.observed} FROM t"))
        elif "table_column_count" not in case.rule:
            assert result.observed is None
        return
    judged = one(connection, f"SELECT count(*) FROM t WHERE {case.judged}")
    unexpected = one(connection, f"SELECT count(*) FROM t WHERE ({case.judged}) AND ({case.broken})")
    assert unexpected > 0
    assert (result.rows, result.unexpected) == (judged, unexpected)
    assert result.percent == pytest.approx(100 * unexpected / judged, abs=1e-4)
    assert result.observed is None


@pytest.mark.parametrize("case", [case for case in CASES if case.broken], ids=name)
def test_an_empty_table_breaks_no_rule_about_rows(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, case: Case
) -> None:
    fill(connection, case.columns, "")

    (result,) = check(connection, "t", write_suite((case.rule, case.kwargs))).results

    assert (result.passed, result.rows, result.unexpected, result.percent) == (True, 0, 0, 0.0)


@pytest.mark.parametrize("case", [case for case in CASES if case.broken and "pair" not in case.rule], ids=name)
def test_mostly_is_the_share_at_which_a_rule_turns(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, case: Case
) -> None:
    fill(connection, case.columns, case.bad)
    judged = one(connection, f"SELECT count(*) FROM t WHERE {case.judged}")
    kept = 1 - one(connection, f"SELECT count(*) FROM t WHERE ({case.judged}) AND ({case.broken})") / judged
    suite = write_suite(
        (case.rule, {**case.kwargs, "mostly": max(kept - 0.001, 0)}),
        (case.rule, {**case.kwargs, "mostly": kept + 0.001}),
    )

    loose, tight = check(connection, "t", suite).results

    assert (loose.passed, tight.passed) == (True, False)


def test_every_supported_expectation_is_in_the_table_above() -> None:
    assert {case.rule for case in CASES} == set(SUPPORTED)


def test_every_expectation_of_the_library_is_either_supported_or_refused() -> None:
    spec = importlib.util.find_spec("great_expectations")
    assert spec is not None
    assert spec.origin is not None
    core = {path.stem for path in (Path(spec.origin).parent / "expectations" / "core").glob("*expect*.py")}

    assert core == set(SUPPORTED) | set(REFUSED)
    assert not set(SUPPORTED) & set(REFUSED)
