"""A suite file with a mistake is refused when it is read: every mistake at its line, with what was meant."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from backoffice.errors import ContractError, QualityBroken
from backoffice.quality import check
from backoffice.quality.rules import REFUSED

WriteSuite = Callable[..., Path]
UNIQUE = "expect_column_values_to_be_unique"


@pytest.fixture
def table(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS id, 'x' AS given_name, DATE '2000-01-01' AS born")
    return connection


def refusal(connection: duckdb.DuckDBPyConnection, suite: Path) -> str:
    with pytest.raises(ContractError) as caught:
        check(connection, "t", suite)
    assert caught.value.__context__ is None
    assert str(suite) in str(caught.value)
    return str(caught.value)


def refusal_of(connection: duckdb.DuckDBPyConnection, tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "suite.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return refusal(connection, path)


def test_a_missing_file(table: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert "does not exist" in refusal(table, tmp_path / "none.json")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mostly": "qzxcanary"}, "takes a number here"),
        ({"mostly": 0.5, "column": ["qzxcanary"]}, "takes a text here"),
    ],
)
def test_a_parameter_that_the_library_refuses_is_said_in_our_words_and_without_its_value(
    table: duckdb.DuckDBPyConnection, write_suite: WriteSuite, given: dict[str, Any], said: str
) -> None:
    message = refusal(table, write_suite((UNIQUE, {"column": "id", **given})))
    assert f"“{UNIQUE}” {said}." in message
    assert "qzxcanary" not in message.partition("\n")[0], "the line is shown below, and stands in the author's own file"


def test_a_range_without_an_end_lacks_a_parameter(table: duckdb.DuckDBPyConnection, write_suite: WriteSuite) -> None:
    message = refusal(table, write_suite(("expect_column_values_to_be_between", {"column": "id"})))
    assert "lacks a parameter" in message


def test_a_folder(table: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert "cannot be read" in refusal(table, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "x",\n  "expectations": [}', "suite.json:2:20: Not JSON"),
        ("", "1:1: Not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        ("[]", "A suite is a JSON object"),
        ("[" * 100_000, "Nested too deeply"),
        ('{"name": "x", "name": "y", "expectations": []}', "“name” stands twice"),
        ('{"name": "x", "expectations": []}', "suite.json:1:15: A suite needs “expectations”: a list of at least one"),
        ('{"expectations": [1]}', "needs a “name”"),
        ('{"expectations": [1]}', "suite.json:1:19: An expectation is an object"),
        ('{"name": "x", "expectations": [{}]}', "needs a “type”"),
        (
            '{"name": "x",\n "expectation": []}',
            "suite.json:2:2: Unknown key “expectation”. Did you mean “expectations”?",
        ),
        ('{"expectation_suite_name": "x", "expectations": []}', "Write “name”"),
    ],
)
def test_a_file_that_is_no_suite(
    table: duckdb.DuckDBPyConnection, tmp_path: Path, text: str | bytes, said: str
) -> None:
    assert said in refusal_of(table, tmp_path, text)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "expect_column_values_to_be_uniqe"}, f"There is no expectation .* Did you mean “{UNIQUE}”?"),
        ({"type": UNIQUE, "kwargs": {"colum": "id"}}, "has no parameter “colum”. Did you mean “column”?"),
        ({"type": UNIQUE, "kwargs": {}}, "needs the parameter “column”"),
        ({"type": UNIQUE, "kwargs": []}, "“kwargs” is an object"),
        ({"type": UNIQUE, "kwargs": {"column": "id", "mostly": 95}}, "takes at most 1.0 here"),
        ({"type": UNIQUE, "kwargs": {"column": 3}}, "takes a text here"),
        ({"type": UNIQUE, "kwargs": {"column": "id"}, "severity": "warning"}, "Every rule stops a delivery"),
        ({"type": UNIQUE, "kwargs": {"column": {"$PARAMETER": "c"}}}, "Suite parameters"),
        ({"expectation_type": UNIQUE, "kwargs": {"column": "id"}}, "Write “type”"),
        (
            {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "id", "type_": "VARCHR"}},
            "DuckDB has no type “VARCHR”. Did you mean “VARCHAR”?",
        ),
        (
            {"type": "expect_column_values_to_be_in_type_list", "kwargs": {"column": "id", "type_list": ["INT", "?"]}},
            "DuckDB has no type “?”",
        ),
        (
            {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "id", "regex": "(?!x)"}},
            "DuckDB cannot read “(?!x)” as a regular expression",
        ),
        (
            {"type": "expect_column_values_to_match_regex_list", "kwargs": {"column": "id", "regex_list": ["a", "("]}},
            "DuckDB cannot read “(” as a regular expression",
        ),
        (
            {
                "type": "expect_column_values_to_match_strftime_format",
                "kwargs": {"column": "id", "strftime_format": "%Q"},
            },
            "cannot read this as the form of a date",
        ),
        (
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "given_name", "min_value": 1}},
            "compares numbers and dates, and the column “given_name” is VARCHAR",
        ),
        (
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "id"}},
            "expect_column_values_to_be_between",
        ),
    ],
)
def test_a_rule_with_a_mistake(
    table: duckdb.DuckDBPyConnection, tmp_path: Path, rule: dict[str, Any], said: str
) -> None:
    message = refusal_of(table, tmp_path, json.dumps({"name": "x", "expectations": [rule]}))

    for part in said.split(" .* "):
        assert part in message


@pytest.mark.parametrize("rule", sorted(REFUSED))
def test_what_is_not_supported_is_refused_by_name_before_any_row_is_read(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, rule: str
) -> None:
    message = refusal(connection, write_suite((rule, {"column": "id"})))  # there is no table `t`

    assert f"“{rule}” is not supported: {REFUSED[rule]}" in message


def test_all_mistakes_are_told_at_once_each_with_its_line(
    table: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    suite = write_suite(
        ("expect_nothing", {}), (UNIQUE, {"column": "id"}), (UNIQUE, {"column": "id", "mosty": 1}), (UNIQUE, {})
    )

    lines = refusal(table, suite).splitlines()

    assert len(lines) == 3
    text = suite.read_text().splitlines()
    for line, wanted in zip(lines, ["expect_nothing", "mosty", "kwargs"], strict=True):
        number = int(line.removeprefix(str(suite)).split(":")[1])
        assert wanted in text[number - 1]


def test_a_column_that_the_result_lacks_is_the_suites_mistake_and_not_bad_data(
    table: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    suite = write_suite(
        (UNIQUE, {"column": "given_name"}),
        (UNIQUE, {"column": "given_nam"}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "id", "column_B": "other"}),
        ("expect_multicolumn_values_to_be_equal", {"column_list": ["id", "third"]}),
    )

    message = refusal(table, suite)

    assert "no column “given_nam”, which expect_column_values_to_be_unique reads. Did you mean “given_name”?" in message
    assert "“other”" in message
    assert "“third”" in message
    assert "born" not in message  # a suggestion never tells a column that the suite does not name itself


def test_whether_a_column_exists_is_a_question_a_suite_may_ask(
    table: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    report = check(table, "t", write_suite(("expect_column_to_exist", {"column": "none"})))

    assert [result.passed for result in report.results] == [False]


@pytest.mark.parametrize(
    ("rule", "kwargs", "error"),
    [
        ("expect_column_mean_to_be_between", {"column": "given_name", "min_value": 1}, "BinderException"),
        ("expect_column_values_to_be_in_set", {"column": "id", "value_set": ["x"]}, "ConversionException"),
        ("expect_column_value_lengths_to_equal", {"column": "born", "value": 3}, "BinderException"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_our_fault_and_names_itself(
    table: duckdb.DuckDBPyConnection, write_suite: WriteSuite, rule: str, kwargs: dict[str, Any], error: str
) -> None:
    suite = write_suite((UNIQUE, {"column": "id"}), (rule, kwargs), ("expect_table_row_count_to_equal", {"value": 1}))

    with pytest.raises(QualityBroken) as caught:
        check(table, "t", suite)

    assert f"The rule {rule} on {kwargs['column']} could not be evaluated ({error})" in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert check(table, "t", write_suite((UNIQUE, {"column": "id"}))).passed  # the connection is none the worse


def test_a_missing_table_is_our_fault(connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite) -> None:
    with pytest.raises(QualityBroken, match="could not be run"):
        check(connection, "none", write_suite((UNIQUE, {"column": "id"})))


def test_what_the_library_exports_beside_a_rule_is_accepted(table: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    from backoffice.quality.library import import_library

    import_library()
    gx: Any = importlib.import_module("great_expectations")
    rule = gx.expectations.ExpectColumnValuesToBeUnique(column="id")
    path = tmp_path / "exported.json"
    suite = gx.ExpectationSuite(name="exported", expectations=[rule])
    path.write_text(json.dumps(suite.to_json_dict()), encoding="utf-8")

    assert check(table, "t", path).passed
