"""Functions written in Python, over many values at once, as SQL sees them."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from backoffice.contract import Kind
from backoffice.duck import session
from backoffice.transform.function import FUNCTIONS, Function, provide
from backoffice.transform.sql import col, sql


@pytest.fixture
def seen():
    """The values that were worked out."""
    return []


@pytest.fixture
def length(seen):
    def work(rows):
        seen.extend(rows)
        return [len(text) * factor for text, factor in rows]

    yield Function("test_length", [Kind.TEXT, Kind.INTEGER], Kind.INTEGER, work)
    del FUNCTIONS["test_length"]


@pytest.fixture
def halves():
    gives = {"first": Kind.TEXT, "rest": Kind.TEXT}
    yield Function("test_halves", [Kind.TEXT], gives, lambda rows: [(text[:1], text[1:]) for (text,) in rows])
    del FUNCTIONS["test_halves"]


def test_equal_values_are_worked_out_once_and_an_empty_cell_never(length, seen):
    with session(memory_limit="100MB", threads=1) as connection:
        provide(connection, [length])
        connection.execute("CREATE TABLE t AS SELECT * FROM (VALUES ('a'), ('bcd'), (NULL), ('a')) v(c)")
        query = f"SELECT {length(col('c'), 2).sql('duckdb')} FROM t"
        assert connection.execute(query).fetchall() == [(2,), (6,), (None,), (2,)]
        assert connection.execute(query).fetchall() == [(2,), (6,), (None,), (2,)]
    assert sorted(seen) == [("a", 2), ("bcd", 2)]


def test_several_answers_are_taken_one_by_one(halves):
    with session(memory_limit="100MB", threads=1) as connection:
        provide(connection, [halves])
        query = sql(":f.rest", f=halves(col("c"))).sql("duckdb")
        found = connection.execute(f"SELECT {query} FROM (VALUES ('abc'), (NULL)) v(c)").fetchall()
    assert found == [("bc",), (None,)]


def test_more_values_than_are_kept_are_all_answered(length, monkeypatch):
    monkeypatch.setattr("backoffice.transform.function._KEPT", 3)
    rows = [(str(number), 1) for number in range(10)]
    assert length.answers(rows) == [1] * 10
    assert length.answers(rows[5:]) == [1] * 5


def test_what_is_kept_can_be_forgotten(length):
    length.answers([("canary", 1)])
    length.forget()
    assert not length._kept


def test_two_threads_that_ask_for_more_than_is_kept_are_both_answered(length, monkeypatch):
    """DuckDB asks in several threads, and Python may go from one to the other between any two steps."""
    monkeypatch.setattr("backoffice.transform.function._KEPT", 50)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def wrong(thread: int) -> int:
        rows = [[(f"{thread}-{batch}-{number}", 1) for number in range(40)] for batch in range(250)]
        return sum(length.answers(batch) != [len(text) for text, _ in batch] for batch in rows)

    try:
        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(wrong, range(4))) == 0
    finally:
        sys.setswitchinterval(before)
