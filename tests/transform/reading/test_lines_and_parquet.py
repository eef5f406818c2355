"""JSON lines and Parquet: text in one way of writing, digit by digit; the rest is refused and not shown."""

from __future__ import annotations

import datetime as dt
import io
import json
import traceback
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected
from backoffice.transform import Engine
from backoffice.transform.reading.jsonl import exact_number
from tests.transform.conftest import memory
from tests.transform.reading.files import SECRET, agreed, read


def refused(content: bytes, spec) -> DropRejected:
    with pytest.raises(DropRejected) as caught:
        read(content, spec)
    assert caught.value.__context__ is None
    assert caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_values_of_every_kind_become_text():
    lines = b'\xef\xbb\xbf{"id": 1, "name": 1.50}\r\n\n{"name": true, "id": null}\n{"id": "", "name": "Zo\\u00eb"}'
    profile, rows = read(lines, agreed("jsonl"))
    assert rows == [("1", "1.5"), (None, "true"), (None, "Zoë")]
    assert (profile.rows, profile.columns, profile.blank_rows) == (3, 2, 1)


def test_numbers_keep_every_digit():
    lines = b'{"id": 12345678901234567890123, "name": 0.1234567890123456789}\n{"id": 1e3, "name": -2.5E-3}\n'
    assert read(lines, agreed("jsonl"))[1] == [
        ("12345678901234567890123", "0.1234567890123456789"),
        ("1000", "-0.0025"),
    ]


def test_values_within_values_are_found_by_their_way():
    columns = {
        "id": "required",
        "city": {"header": "/address/city"},
        "first": {"header": "/mails/0", "need": "optional"},
    }
    lines = b'{"id":1,"address":{"city":"Bonn","street":"x"},"mails":["a@b.c"]}\n{"id":2,"address":null,"mails":[]}\n'
    assert read(lines, agreed("jsonl", columns))[1] == [("1", "Bonn", "a@b.c"), ("2", None, None)]


def test_keys_that_are_not_agreed_are_refused_or_dropped():
    lines = b'{"id":1,"name":"x"}\n{"id":1,"qzxcanary":2}\n'
    assert "1 key that is not agreed" in str(refused(lines, agreed("jsonl")))
    profile, rows = read(lines, agreed("jsonl", extra_columns="drop"))
    assert (rows, profile.dropped_columns) == ([("1", "x"), ("1", None)], 1)
    assert "A key is in no line: name" in str(refused(b'{"id":1}\n', agreed("jsonl")))


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (b"", "empty", "empty"),
        (b"\n \n", "empty", "empty"),
        (b'{"id":1,"name":"qzxcanary"}\n{"id":1,"name":"qzx', "format", "Line 2 of the file is not a JSON object."),
        (b'[{"id":1,"name":"qzxcanary"}]', "format", "Line 1 of the file is a list"),
        (b"[\n{}\n]", "format", "no brackets around all"),
        (b'"qzxcanary"\n', "format", "is not a JSON object"),
        (b'{"id":1,"id":"qzxcanary","name":2}', "format", "has a key twice"),
        (b'{"id":NaN,"name":"qzxcanary"}', "format", "Line 1"),
        (b'{"id":1e999999999,"name":"qzxcanary"}', "format", "Line 1"),
        (b'{"id":[1],"name":"qzxcanary"}', "format", "The column `id` holds objects or lists."),
        (b'{"id":' + b"[" * 200_000 + b',"name":1}', "format", "Line 1"),
        (b'{"id":"qzxcanary\\u0000","name":1}', "format", "NUL"),
        (b'{"id":"qzxcanary\\ud800","name":1}', "encoding", "surrogates"),
        (b'{"id":"qzxcanary\xff","name":1}', "encoding", "Line 1 of the file is not UTF-8."),
        (b'{"id":"' + b"qzxcanary" * 200_000 + b'","name":1}', "line-too-long", "Line 1 is longer"),
        ('{"id":1,"name":2}'.encode("utf-16"), "encoding", "not UTF-8"),
        (b"PAR1", "format", "a Parquet file"),
    ],
)  # fmt: skip
def test_bad_lines_are_refused_with_their_number(content, code, text):
    error = refused(content, agreed("jsonl"))
    assert error.code == code
    assert text in str(error)


@pytest.fixture(scope="module")
def one_engine():
    with Engine() as opened:
        yield opened


value = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.integers(),
    st.booleans(),
    st.none(),
    st.decimals(allow_nan=False, allow_infinity=False, places=6),
)


@given(rows=st.lists(st.tuples(value, value), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_what_is_written_as_json_is_read_back(one_engine, rows):
    shown = [{"id": one, "name": two} for one, two in rows]
    text = "\n".join(json.dumps(row, default=float) for row in shown)
    with memory(text) as path:
        one_engine.load(agreed("jsonl"), path)
    found = one_engine.connection.execute("SELECT id, name FROM input ORDER BY _row").fetchall()
    for row, cells in zip(rows, found, strict=True):
        for before, after in zip(row, cells, strict=True):
            if isinstance(before, Decimal):
                assert float(after) == float(before)
            elif isinstance(before, bool):
                assert after == str(before).lower()
            else:
                assert after == (None if before in (None, "") else str(before))


@given(st.one_of(st.binary(max_size=200), st.text('{}[]":,idname10.e-\\u \n', max_size=80).map(str.encode)))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_read_or_refused(one_engine, content):
    with memory(content) as path:
        try:
            assert one_engine.load(agreed("jsonl"), path)["input"].rows
        except DropRejected as error:
            assert error.__context__ is None


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=Decimal("-1e200"), max_value=Decimal("1e200")))
def test_a_number_is_the_same_number_without_exponent(number):
    shown = exact_number(str(number).replace("E+", "e+"))
    assert Decimal(shown) == number
    assert "e" not in shown.lower()
    assert not ("." in shown and shown.endswith("0"))


# ---------------------------------------------------------------------- Parquet


def parquet(columns: dict, **options) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def test_every_flat_type_of_parquet_becomes_text():
    import pyarrow as pa

    moment = dt.datetime(2024, 1, 2, 3, 4, 5)
    columns = {
        "whole": pa.array([1, None]),
        "fraction": [1.0, 1e-9],
        "single": pa.array([0.1, -0.0], pa.float32()),
        "money": [Decimal("1.50"), Decimal("120.00")],
        "day": [dt.date(2024, 1, 2), dt.date(1800, 1, 1)],
        "moment": pa.array([moment, moment.replace(microsecond=120_000)], pa.timestamp("us")),
        "instant": pa.array([moment, None], pa.timestamp("ms", "Europe/Berlin")),
        "time": [dt.time(1, 2, 3), None],
        "hours": [dt.timedelta(hours=30), None],
        "truth": [True, None],
        "text": ["", "ä"],
        "coded": pa.array(["a", "b"]).dictionary_encode(),
        "bytes": [b"abc", None],
        "nothing": pa.nulls(2),
    }
    assert read(parquet(columns), agreed("parquet", list(columns)))[1] == [
        ("1", "1", "0.1", "1.5", "2024-01-02", "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", "01:02:03", "30:00:00",
         "true", None, "a", "abc", None),
        (None, "0.000000001", "0", "120", "1800-01-01", "2024-01-02T03:04:05.12", None, None, None, None, "ä", "b",
         None, None),
    ]  # fmt: skip


def test_columns_that_are_not_agreed_are_not_read():
    content = parquet({"ID": ["1"], "x": ["2"], "name": ["3"]})
    profile, rows = read(content, agreed("parquet", extra_columns="drop"))
    assert (rows, profile.dropped_columns) == ([("1", "3")], 1)
    assert "1 column that is not agreed" in str(refused(content, agreed("parquet")))


def test_many_rows_keep_their_order():
    content = parquet({"id": list(range(300_000)), "name": ["x"] * 300_000}, row_group_size=70_000)
    profile, rows = read(content, agreed("parquet"))
    assert profile.rows == 300_000
    assert [row[0] for row in rows] == list(map(str, range(300_000)))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: parquet({"id": [[1]], "name": [SECRET]}), "format"),
        (lambda: parquet({"id": [{"a": 1}], "name": [SECRET]}), "format"),
        (lambda: parquet({"id": [b"\xff\xfe"], "name": [SECRET]}), "encoding"),
        (lambda: parquet({"id": [SECRET * 500_000], "name": ["x"]}), "line-too-long"),
        (lambda: parquet({"id": ["qzx\0canary"], "name": ["x"]}), "format"),
        (lambda: parquet({"id": [], "name": []}), "empty"),
        (lambda: parquet({"id": [1], "name": [SECRET]})[:-100], "format"),
        (lambda: b"PAR1" + bytes(100) + b"PAR1", "format"),
        (lambda: b"PARE" + bytes(100) + b"PARE", "protected"),
        (lambda: b"id,name\n1,2\n", "format"),
    ],
)
def test_a_parquet_file_that_is_not_as_agreed_is_refused(make, code):
    assert refused(make(), agreed("parquet")).code == code


@given(content=st.binary(max_size=40), place=st.integers(0, 2000))
@settings(max_examples=25, deadline=None)
def test_any_change_of_a_parquet_file_is_read_or_refused(one_engine, content, place):
    whole = parquet({"id": ["1", "2"], "name": [SECRET, "x"]})
    place %= len(whole)
    with memory(whole[:place] + content + whole[place + len(content) :]) as path:
        try:
            assert one_engine.load(agreed("parquet", extra_columns="drop"), path)["input"].rows
        except DropRejected as error:
            assert error.__context__ is None
