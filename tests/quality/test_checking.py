"""The connection is left as it was, a fork inherits nothing, and a report survives its journey through JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from backoffice.quality import QualityReport, Result, check
from backoffice.quality.rules import SUPPORTED, sentence

WriteSuite = Callable[..., Path]
PLUGINS = Path(__file__).parents[2] / "plugins"


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, timeout=120, check=False,
        env={"PYTHONPATH": str(PLUGINS), "OPENBLAS_NUM_THREADS": "1"},  # as in every stack
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_connection_is_left_open_with_nothing_added(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT range AS a, range % 3 AS b FROM range(9)")
    before = connection.execute("SELECT table_name, temporary FROM duckdb_tables()").fetchall()

    check(
        connection,
        "t",
        write_suite(
            ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
            ("expect_column_values_to_be_unique", {"column": "a"}),
            ("expect_column_median_to_be_between", {"column": "a", "min_value": 0}),
        ),
    )

    assert connection.execute("SELECT table_name, temporary FROM duckdb_tables()").fetchall() == before
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(9,)]


def test_a_transaction_of_the_owner_stays_the_owners(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    connection.execute("CREATE TABLE t (a INTEGER)")
    connection.begin()
    connection.execute("INSERT INTO t VALUES (1), (1)")

    report = check(connection, "t", write_suite(("expect_table_row_count_to_equal", {"value": 2})))

    assert report.passed
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


@pytest.mark.parametrize("name", ["select", 'a "quoted" table', "Größe; --"])
def test_any_name_of_a_table_or_column_works(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, name: str
) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    connection.execute(f"CREATE TEMP TABLE {quoted} AS SELECT 1 AS {quoted}")
    rules = [
        ("expect_column_values_to_be_unique", {"column": name}),
        ("expect_column_values_to_be_between", {"column": name, "min_value": 1}),
        ("expect_column_values_to_be_of_type", {"column": name, "type_": "INTEGER"}),
    ]

    assert check(connection, name, write_suite(*rules)).passed


def test_a_row_condition_narrows_the_rows_that_a_rule_judges(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT * FROM (VALUES ('x', 1), ('x', 2), ('y', 9)) AS v(a, b)")
    condition = {"row_condition": 'col("a")=="x"', "condition_parser": "great_expectations"}
    rules = [
        ("expect_column_values_to_be_between", {"column": "b", "max_value": 1, **condition}),
        ("expect_column_values_to_be_unique", {"column": "a", **condition}),
    ]

    report = check(connection, "t", write_suite(*rules))

    assert [(result.rows, result.unexpected) for result in report.results] == [(2, 1), (2, 2)]
    assert report.rows == 3


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_a_long_table_is_grouped_in_parts_to_the_same_count(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    from backoffice.quality import metrics

    monkeypatch.setattr(metrics, "GROUPED_AT_ONCE", at_once)
    connection.execute("CREATE TEMP TABLE t AS SELECT 'n' || least(range, 15) AS a, range % 2 AS b FROM range(20)")
    rules = [
        ("expect_column_values_to_be_unique", {"column": "a"}),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
    ]

    assert [result.unexpected for result in check(connection, "t", write_suite(*rules)).results] == [5, 5]


def test_rules_are_reported_in_the_order_of_the_file(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS a, 2 AS b")
    rules = [("expect_column_values_to_be_unique", {"column": name}) for name in "baab"]

    assert [result.column for result in check(connection, "t", write_suite(*rules)).results] == list("baab")


def test_a_report_survives_json(connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT range % 4 AS a FROM range(7)")
    report = check(
        connection,
        "t",
        write_suite(
            ("expect_column_values_to_be_unique", {"column": "a", "mostly": 0.9}),
            ("expect_column_proportion_of_unique_values_to_be_between", {"column": "a", "min_value": 0.9}),
            ("expect_table_column_count_to_equal", {"value": 1}),
        ),
    )

    assert QualityReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert str(report).splitlines() == [
        "1 of 3 checks passed on 7 rows",
        "failed: `a` does not repeat, in at least 90 % of the rows (6 of 7 rows do not, 85.71 %)",
        "failed: the share of different values in `a` is at least 0.9 (found 0.5714285714285714)",
    ]
    with pytest.raises(KeyError):
        Result.from_dict({"rule": "x"})


@pytest.mark.parametrize(
    ("rule", "parameters", "said"),
    [
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.955},
         "`a` has a value, in at least 95.5 % of the rows"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": ["x", "y", 3]}, "`a` is “x”, “y” or 3"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": list("abcdefghij")},
         "`a` is one of 10 listed values"),
        ("expect_table_row_count_to_be_between", {"max_value": 25000}, "the table has at most 25,000 rows"),
        ("expect_column_values_to_be_between", {"column": "a", "min_value": 1, "max_value": 9, "strict_min": True},
         "`a` is more than 1 and at most 9"),
        ("expect_column_values_to_match_regex", {"column": "a", "regex": "^{2}$"}, "`a` matches ^{2}$"),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b", "c"]},
         "`a`, `b` and `c` together do not repeat"),
    ],
)  # fmt: skip
def test_a_rule_says_in_english_what_it_asks(rule: str, parameters: dict[str, object], said: str) -> None:
    assert rule in SUPPORTED
    assert sentence(rule, parameters) == said


def test_importing_the_package_imports_neither_the_library_nor_duckdb() -> None:
    assert run_python("""
        import sys
        import backoffice.quality
        heavy = ("great_expectations", "duckdb", "pandas", "sqlalchemy", "yaml")
        print([name for name in heavy if name in sys.modules])
    """) == "[]"  # fmt: skip


def test_preload_is_safe_before_a_fork_and_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    suite = {"name": "x", "expectations": [{"type": "expect_column_values_to_be_unique", "kwargs": {"column": "a"}}]}
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(suite), encoding="utf-8")

    assert run_python(f"""
        import gc, logging, os, pathlib, sys, threading, warnings
        show = warnings.showwarning
        from backoffice import quality
        quality.preload()
        assert threading.active_count() == 1
        others = [thread for thread in pathlib.Path("/proc/self/task").iterdir() if thread.name != str(os.getpid())]
        assert {{(thread / "comm").read_text().strip() for thread in others}} <= {{"jemalloc_bg_thd"}}
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, of that one, which stands a fork
        assert "duckdb" not in sys.modules
        assert warnings.showwarning is show and gc.isenabled()
        assert not logging.getLogger().handlers
        for name in ("scipy.stats", "altair"):
            assert type(sys.modules.get(name)).__name__ == "NoneType", name
        assert not [fd for fd in range(3, 50) if os.path.exists(f"/proc/self/fd/{{fd}}")]
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            known = set(sys.modules)
            import duckdb
            connection = duckdb.connect()
            connection.execute("create table t as select 1 as a")
            known |= {{name for name in sys.modules if name.startswith(("duckdb", "_duckdb"))}}
            report = quality.check(connection, "t", pathlib.Path({str(path)!r}))
            late = sorted(name for name in set(sys.modules) - known if name.startswith("great_expectations"))
            os.write(writing, f"{{report.passed}} {{late}}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        print(os.read(reading, 10_000).decode())
    """) == "True []"  # fmt: skip


def test_the_modules_that_stood_aside_during_the_import_are_themselves_afterwards() -> None:
    assert run_python("""
        from backoffice.quality.library import import_library
        import_library()
        import altair, scipy.stats
        from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as late
        print(type(altair).__name__, scipy.stats.norm.cdf(0), late.stats.norm.cdf(0), late.alt.Chart is altair.Chart)
    """) == "module 0.5 0.5 True"  # fmt: skip
