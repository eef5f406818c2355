"""Whatever the cells hold, none of it is in a report, an error, a log line, a warning or on a screen."""

from __future__ import annotations

import gc
import io
import json
import logging
import secrets
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.errors import BackofficeError
from backoffice.quality import check

WriteSuite = Callable[..., Path]

# Every family, on text, and several that must break on it.
RULES: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_not_be_null", {"column": "a"}),
    ("expect_column_values_to_be_unique", {"column": "a"}),
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": ["x"]}),
    ("expect_column_values_to_match_regex", {"column": "a", "regex": "^x$"}),
    ("expect_column_values_to_not_match_regex_list", {"column": "a", "regex_list": ["."]}),
    ("expect_column_values_to_match_like_pattern", {"column": "a", "like_pattern": "x%"}),
    ("expect_column_values_to_match_strftime_format", {"column": "a", "strftime_format": "%Y"}),
    ("expect_column_values_to_be_json_parseable", {"column": "a"}),
    ("expect_column_value_lengths_to_be_between", {"column": "a", "max_value": 1}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "a", "value_set": ["x"]}),
    ("expect_column_distinct_values_to_equal_set", {"column": "a", "value_set": ["x"]}),
    ("expect_column_most_common_value_to_be_in_set", {"column": "a", "value_set": ["x"]}),
    ("expect_column_unique_value_count_to_be_between", {"column": "a", "max_value": 0}),
    ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["a", "b"]}),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["a"]}),
    ("expect_table_columns_to_match_set", {"column_set": ["a"]}),
    ("expect_column_values_to_be_of_type", {"column": "a", "type_": "DATE"}),
]
BREAKING: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [1, 2]}),
    ("expect_column_distinct_values_to_be_in_set", {"column": "a", "value_set": [1]}),
    ("expect_column_max_to_be_between", {"column": "a", "min_value": 1, "max_value": 2}),
    ("expect_column_min_to_be_between", {"column": "a", "min_value": "a", "max_value": "b"}),
    ("expect_column_mean_to_be_between", {"column": "a", "min_value": 1}),
    ("expect_column_median_to_be_between", {"column": "a", "min_value": 1}),
    ("expect_column_sum_to_be_between", {"column": "a", "min_value": 1}),
    ("expect_column_quantile_values_to_be_between",
     {"column": "a", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}}),
    ("expect_column_value_z_scores_to_be_less_than", {"column": "a", "threshold": 1, "double_sided": True}),
    ("expect_column_values_to_not_be_outliers", {"column": "a"}),
    ("expect_multicolumn_sum_to_equal", {"column_list": ["a", "b"], "sum_total": 1}),
    ("expect_column_pair_values_to_be_in_set", {"column_A": "a", "column_B": "b", "value_pairs_set": [[1, 2]]}),
    ("expect_column_values_to_be_unique", {"column": "missing"}),
]  # fmt: skip


class Everything(logging.Handler):
    """Keeps all that is logged, at any level, by any logger."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage() + str(record.exc_info or "") + str(record.args))


@contextmanager
def overheard() -> Iterator[list[str]]:
    """What comes out by any way: logs (all loggers opened to DEBUG, as an operator might), warnings, both screens."""
    handler, said = Everything(), []
    root = logging.getLogger()
    names = ["", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool", "great_expectations", "py.warnings"]
    levels = {name: logging.getLogger(name).level for name in names}
    out, err = io.StringIO(), io.StringIO()
    warned: list[warnings.WarningMessage] = []
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    root.addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as shown, redirect_stdout(out), redirect_stderr(err):
            warnings.simplefilter("always")
            warned = shown
            yield said
    finally:
        root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        said += [*handler.said, *(str(warning.message) for warning in warned), out.getvalue(), err.getvalue()]


def everything_about(error: BaseException) -> str:
    """An error's text, what hangs on it, and the traceback as a log would print it."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        parts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen)), *getattr(seen, "__notes__", [])]
        seen = seen.__cause__ or seen.__context__
    return "\n".join([*parts, *traceback.format_exception(error)])


def outcome(connection: duckdb.DuckDBPyConnection, suite: Path) -> str:
    """All that a check gives or raises, as text."""
    try:
        report = check(connection, "t", suite)
    except BackofficeError as error:
        return everything_about(error)
    return "\n".join([str(report), repr(report), json.dumps(report.to_dict()), *map(str, report.results)])


@pytest.fixture
def tokens(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """A table of tokens that occur nowhere else, in cells and in the name of a column the suite does not know."""
    made = [secrets.token_hex(8) for _ in range(9)]
    connection.execute(f'CREATE TEMP TABLE t (a VARCHAR, b VARCHAR, "{made[8]}" VARCHAR)')
    for index in range(0, 8, 2):
        connection.execute(
            "INSERT INTO t VALUES (?, ?, NULL), (?, NULL, ?)", [*made[index : index + 2], made[index], made[1]]
        )
    return made


@pytest.mark.parametrize("rule", [*RULES, *BREAKING], ids=lambda rule: rule[0])
def test_no_token_of_the_table_comes_out(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, tokens: list[str], rule: tuple[str, dict[str, Any]]
) -> None:
    with overheard() as said:
        text = outcome(connection, write_suite(rule))

    for token in tokens:
        assert token not in text
        assert not [line for line in said if token in line]


cells = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.sampled_from(["", "NaN", "inf", "1e999", "0x1", "2020-13-45", "'; DROP TABLE t; --", '"', "%s", "{0}", "$1"]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(cells, cells), max_size=8), data=st.data())
def test_no_cell_of_any_table_comes_out(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, rows: list[tuple[str | None, str | None]], data: Any
) -> None:
    mark = secrets.token_hex(6)
    connection.execute("CREATE OR REPLACE TEMP TABLE t (a VARCHAR, b VARCHAR)")
    for a, b in rows:
        connection.execute("INSERT INTO t VALUES (?, ?)", [a and mark + a, b and b + mark])
    breaking = data.draw(st.sampled_from(BREAKING))

    with overheard() as said:
        texts = [outcome(connection, write_suite(*RULES)), outcome(connection, write_suite(*RULES, breaking))]

    assert not [text for text in [*texts, *said] if mark in text]


@pytest.mark.parametrize("number", [8_317_264_951, 0.8317264951])
def test_no_number_that_stands_in_a_cell_comes_out(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, number: float
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT ?::DOUBLE AS a", [number])
    kinds = ["max", "min", "mean", "median", "sum", "stdev"]
    suite = write_suite(*((f"expect_column_{kind}_to_be_between", {"column": "a", "max_value": 0}) for kind in kinds))

    with overheard() as said:
        text = outcome(connection, suite)

    assert "8317264951" not in text.replace(",", "").replace("_", "")
    assert not [line for line in said if "8317264951" in line]


def test_an_error_keeps_no_frame_of_the_library_alive(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, tokens: list[str]
) -> None:
    with pytest.raises(BackofficeError) as caught:
        check(connection, "t", write_suite(BREAKING[0]))

    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert all("great_expectations" not in frame.filename for frame in traceback.extract_tb(caught.value.__traceback__))
    assert frames[-1] == "check"
    gc.collect()
