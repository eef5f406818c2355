"""What goes back: one agreed form, the same bytes each time, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import os
import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.contract import CsvOutput
from backoffice.delivery.writing import write
from backoffice.duck import session
from backoffice.errors import BackofficeError

OUTPUT = CsvOutput(format="csv", filename="out.csv")


@pytest.fixture(scope="module")
def connection():
    with session(memory_limit="200MB", threads=1) as opened:
        yield opened


def written(connection, cells, tmp_path, output=OUTPUT):
    connection.execute("CREATE OR REPLACE TABLE result (c VARCHAR, d DATE)")
    connection.executemany("INSERT INTO result VALUES (?, DATE '2020-01-02')", [[cell] for cell in cells])
    done = write(connection, output, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        return done, list(csv.reader(file))


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("=1+2", "'=1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\n=x", "'\n=x"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3+cmd", "'-2+3+cmd"),
        ("-1\n=2", "'-1\n=2"),
        ("\uff1d1+2", "'\uff1d1+2"),
        ("-", "'-"),
        ("-12.50", "-12.50"),
        ("+353 (0)1 234-5678", "+353 (0)1 234-5678"),
        ("a=b", "a=b"),
        ("O'Brien", "O'Brien"),
        ("'=x", "'=x"),
        ('a "quoted", cell', 'a "quoted", cell'),
        ("Zoë\n2", "Zoë\n2"),
        (None, ""),
    ],
)
def test_a_formula_becomes_text_and_everything_else_stays(connection, tmp_path, cell, wanted):
    done, rows = written(connection, [cell], tmp_path)
    assert rows == [["c", "d"], [wanted, "2020-01-02"]]
    assert (done.rows, done.escaped) == (1, int((cell or "") != wanted))


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12
)


@given(value=cells)
@settings(max_examples=100, deadline=None)
def test_any_text_is_written_safe_and_read_back_but_for_the_apostrophe(connection, tmp_path_factory, value):
    _, rows = written(connection, [value], tmp_path_factory.mktemp("out"))
    found = rows[1][0]
    assert found in (value, "'" + value)
    assert found[0] not in "=@\t\r\n\uff1d\uff0b\uff0d\uff20"
    if found[0] in "+-":
        assert re.fullmatch(r"[0-9 ().,/+-]+", found)


def test_it_writes_to_a_descriptor_in_the_tables_order_the_same_bytes_each_time(connection):
    connection.execute(
        "CREATE OR REPLACE TABLE result AS SELECT (i * 7919 % 50000)::VARCHAR AS c FROM range(50000) t(i)"
    )
    contents, sizes = [], set()
    for _ in range(2):
        fd = os.memfd_create("test")
        try:
            os.write(fd, b"x" * 1_000_000)  # what was there goes
            sizes.add(write(connection, OUTPUT, f"/proc/self/fd/{fd}").bytes)
            contents.append(os.pread(fd, 2_000_000, 0))
        finally:
            os.close(fd)
    assert contents[0] == contents[1]
    assert contents[0].decode().splitlines() == ["c", *(str(i * 7919 % 50000) for i in range(50_000))]
    assert sizes == {len(contents[0])}


def test_only_the_agreed_columns_are_written_in_the_agreed_order(connection, tmp_path):
    output = CsvOutput(format="csv", filename="out.csv", columns=("d", "c"))
    assert written(connection, ["x"], tmp_path, output)[1] == [["d", "c"], ["2020-01-02", "x"]]


def test_a_fault_says_nothing_of_the_data(connection, tmp_path):
    output = CsvOutput(format="csv", filename="out.csv", columns=("nothing",))
    with pytest.raises(BackofficeError) as caught:
        written(connection, ["qzxcanary"], tmp_path, output)
    assert "canary" not in str(caught.value)
    assert not isinstance(caught.value.__context__, duckdb.Error)
