"""Exact arithmetic: against Python's decimals, where binary fractions would be wrong."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from backoffice.transform.sql import col, sql
from backoffice.transform.values.rounding import StepWidth, millionths, quotient, tenths_of_billionths

MODES = {"half_up": ROUND_HALF_UP, "commercial": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN, "down": ROUND_DOWN}
HARD = "0.005 -0.005 0.015 0.025 1.005 2.675 -2.675 1.115 8.345 0.285 1.000001 999999999999.999999 0 -0.01"

amounts = st.decimals(min_value=-(10**12) + 1, max_value=10**12 - 1, places=6)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as opened:
        opened.execute("CREATE TABLE t (a DECIMAL(18, 6), b DECIMAL(18, 6))")
        yield opened


def worked_out(connection, rows, above, below, to, mode):
    connection.execute("DELETE FROM t")
    connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    expression = quotient(above, below, Decimal(to), mode).sql(dialect="duckdb")
    return [row[0] for row in connection.execute(f"SELECT {expression} FROM t").fetchall()]


def expected(exact, to, mode):
    with localcontext() as context:
        context.prec = 80
        found = (exact / Decimal(to)).quantize(Decimal(1), rounding=MODES[mode]) * Decimal(to)
    return found if abs(found) < 10**12 else None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("to", ["0.01", "0.05", "1", "0.000001", "1000000", "0.25"])
def test_hard_amounts_are_rounded_as_the_rule_says(connection, mode, to):
    rows = [(Decimal(one), Decimal(1)) for one in HARD.split()]
    found = worked_out(connection, rows, millionths(col("a")), sql("cast(1 as hugeint)"), to, mode)
    assert found == [expected(one, to, mode) for one, _ in rows]


@given(
    rows=st.lists(st.tuples(amounts, amounts.filter(bool)), min_size=1, max_size=5), mode=st.sampled_from(list(MODES))
)
@settings(max_examples=50, deadline=None)
def test_quotients_are_exact_for_any_amounts(connection, rows, mode):
    above = sql(":a * 1000000 * sign(:b)", a=millionths(col("a")), b=millionths(col("b")))
    found = worked_out(connection, rows, above, sql("abs(:b)", b=millionths(col("b"))), "0.01", mode)
    with localcontext() as context:
        context.prec = 80
        wanted = [expected(a / b, "0.01", mode) for a, b in rows]
    assert found == wanted


def test_what_is_too_large_and_what_is_divided_by_nothing_is_empty(connection):
    rows = [(Decimal("999999999999.999999"), Decimal(0)), (Decimal("999999999999.5"), Decimal(0))]
    assert worked_out(connection, rows, millionths(col("a")), sql("cast(1 as hugeint)"), "1", "half_up") == [None, None]
    assert worked_out(connection, rows, millionths(col("a")), millionths(col("b")), "1", "half_up") == [None, None]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1.0795", 10795000000), ("0.0000000001", 1), ("0", None), ("-1", None), ("x", None), ("99999999", 99999999 * 10**10),
     ("100000000", None), ("", None)],
)  # fmt: skip
def test_rates_have_ten_decimals_and_are_over_zero(connection, text, wanted):
    expression = tenths_of_billionths(sql(":t", t=text)).sql(dialect="duckdb")
    assert connection.execute(f"SELECT {expression}").fetchone() == (wanted,)


@pytest.mark.parametrize("width", ["0", "-0.01", "0.0000001", "NaN", "Infinity", "1000001"])
def test_a_width_that_amounts_do_not_have_is_refused(width):
    with pytest.raises(ValidationError):
        TypeAdapter(StepWidth).validate_python(Decimal(width))
