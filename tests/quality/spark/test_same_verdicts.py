"""One suite, two engines, the same rows: every verdict and every count is the same, and no value comes out of Spark either."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from backoffice.errors import BackofficeError, ContractError, QualityBroken
from backoffice.quality import check
from backoffice.quality.dialect import Connection
from backoffice.quality.rules import SUPPORTED
from backoffice.spark.asking import Asked, asked_of_spark
from backoffice.spark.frames import sealed_rows
from backoffice.spark.session import OpenSpark
from backoffice.vault.parquet import opening_of, read_encrypted, write_encrypted
from tests.quality.test_expectations import CASES, Case
from tests.quality.test_no_values import BREAKING, everything_about, overheard

WriteSuite = Callable[..., Path]

TRAVELLING = [case for case in CASES if "TIMESTAMPTZ" not in case.columns]
"""No intermediate has that type: a SOW's moments have no zone."""
AT_ONCE = 18
BY_DUCKDB = {"Avg", "StddevSamp", "PercentileCont", "offset"}
"""What the order of rows decides the last digit of (means, deviations), and what lies between two rows (medians, quartiles)."""


@contextmanager
def on_spark(here: duckdb.DuckDBPyConnection, spark: OpenSpark) -> Iterator[Asked]:
    """The table ``t`` of a connection as an encrypted intermediate, asked of Spark as a job's stage does."""
    key = os.urandom(32)
    with (
        write_encrypted(here, "t", key, binding="job") as sealed,
        duckdb.connect() as other,
        read_encrypted(other, sealed, key, "t", binding="job"),
        asked_of_spark(
            other, spark, {"t": partial(sealed_rows, spark, opening_of(sealed, key, binding="job"))}
        ) as asked,
    ):
        yield asked


def side_by_side(here: duckdb.DuckDBPyConnection, cases: list[Case]) -> list[tuple[str, dict[str, Any]]]:
    """All their rows, good and bad, in one table ``t`` whose columns have the case's number; and their rules over it."""
    rules, parts = [], []
    for number, case in enumerate(cases):
        names = [one.split()[0] for one in case.columns.split(", ")]
        known = {name: f"{name}{number}" for name in names}
        here.execute(f"CREATE TEMP TABLE c{number} ({case.columns})")
        for rows in filter(None, (case.good, case.bad)):
            here.execute(f"INSERT INTO c{number} VALUES {rows}")
        said = ", ".join(f"{name} AS {new}" for name, new in known.items())
        parts.append(f"(SELECT row_number() OVER () AS n, {said} FROM c{number})")
        rules.append((case.rule, {name: renamed(value, known) for name, value in case.kwargs.items()}))
    here.execute(
        "CREATE TEMP TABLE t AS SELECT * FROM " + " FULL JOIN ".join([parts[0], *(f"{p} USING (n)" for p in parts[1:])])
    )
    return rules


def renamed(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [renamed(one, known) for one in value]
    return known.get(value, value) if isinstance(value, str) else value


def test_every_supported_rule_is_compared_below() -> None:
    assert {case.rule for case in TRAVELLING} == set(SUPPORTED)


@pytest.mark.parametrize("first", range(0, len(TRAVELLING), AT_ONCE))
def test_every_rule_has_the_same_verdict_and_counts(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, spark: OpenSpark, first: int
) -> None:
    rules = side_by_side(connection, TRAVELLING[first : first + AT_ONCE])
    rules += [
        (rule, {**kwargs, "mostly": 0.6}) for rule, kwargs in rules if rule.startswith("expect_column_values_to_match")
    ]
    suite = write_suite(*rules)
    here = check(connection, "t", suite)
    with on_spark(connection, spark) as asked:
        there = check(asked, "t", suite)
        left = set(asked.left_to_duckdb)
    assert there == here
    assert {result.passed for result in here.results} == {True, False}
    assert left <= BY_DUCKDB


def test_many_rows_in_many_pieces_are_counted_the_same(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, spark: OpenSpark
) -> None:
    connection.execute(
        """CREATE TEMP TABLE t AS SELECT 'id' || n AS id, nullif('n' || n % 40_001, 'n7') AS name,
        (n * 7919 % 10_007)::BIGINT AS whole, (n % 1000 / 100)::DECIMAL(18, 6) AS amount,
        DATE '1950-01-01' + (n % 30_000)::INTEGER AS born,
        TIMESTAMP '2020-01-01' + INTERVAL (n) SECOND AS at, n % 3 = 0 AS agreed FROM range(70_000) r(n)"""
    )
    condition = {"row_condition": 'col("whole")>100', "condition_parser": "great_expectations"}
    suite = write_suite(
        ("expect_column_values_to_be_unique", {"column": "id"}),
        ("expect_column_values_to_be_unique", {"column": "name"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["name", "whole"]}),
        ("expect_column_values_to_not_be_null", {"column": "name"}),
        ("expect_column_values_to_match_regex", {"column": "name", "regex": "^n[1-9][0-9]*5$"}),
        ("expect_column_values_to_be_between", {"column": "whole", "min_value": 12, "max_value": 9000.5}),
        ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0.1, "strict_min": True, **condition}),
        ("expect_column_values_to_be_between", {"column": "born", "max_value": "2010-05-05"}),
        ("expect_column_values_to_be_between", {"column": "at", "min_value": "2020-01-01 00:10:00"}),
        ("expect_column_values_to_be_in_set", {"column": "agreed", "value_set": [True]}),
        ("expect_column_unique_value_count_to_be_between", {"column": "born", "max_value": 10}),
        ("expect_column_sum_to_be_between", {"column": "amount", "max_value": 349_300}),
        ("expect_column_median_to_be_between", {"column": "whole", "max_value": 5}),
    )
    here = check(connection, "t", suite)
    with on_spark(connection, spark) as asked:
        assert check(asked, "t", suite) == here
    assert sum(not result.passed for result in here.results) > 8


@pytest.mark.parametrize("rule", BREAKING[:4] + BREAKING[-3:], ids=lambda rule: rule[0])
def test_what_cannot_be_judged_is_refused_alike_and_says_no_value(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, spark: OpenSpark, rule: tuple[str, dict[str, Any]]
) -> None:
    token = secrets.token_hex(8)
    connection.execute("CREATE TEMP TABLE t AS SELECT $1 AS a, $1 || 'x' AS b", [token])
    suite = write_suite(rule)
    here, _ = outcome(connection, suite)
    with overheard() as said, on_spark(connection, spark) as asked:
        there, text = outcome(asked, suite)
    assert there == here
    assert here in (QualityBroken, ContractError) or here is False
    assert not [line for line in (*said, text) if token in line]


def outcome(asked: Connection, suite: Path) -> tuple[type[BackofficeError] | bool, str]:
    """The verdict or the kind of refusal, and all that is said."""
    try:
        report = check(asked, "t", suite)
    except BackofficeError as error:
        return type(error), everything_about(error)
    return report.passed, repr(report)


@pytest.mark.parametrize("name", ["select", 'a "quoted" table', "Größe; --", "$1 ' $2"])
def test_any_name_of_a_column_works(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, spark: OpenSpark, name: str
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    connection.execute(f"CREATE TEMP TABLE t AS SELECT 1 AS {quoted}")
    suite = write_suite(
        ("expect_column_values_to_be_unique", {"column": name}),
        ("expect_column_values_to_be_between", {"column": name, "min_value": 1}),
        ("expect_column_values_to_match_regex", {"column": name, "regex": "1"}),
    )
    with on_spark(connection, spark) as asked:
        assert check(asked, "t", suite) == check(connection, "t", suite)
