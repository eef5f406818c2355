"""Reading what a client hands in: every ordinary CSV is read; what cannot be is refused without showing any of it."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected
from backoffice.transform import Engine
from tests.seconds import within
from tests.transform.conftest import memory, sow

ROWS = [("1", "Zoë"), ("2", "Ann, B.")]
TEXT = 'id,name\n1,Zoë\n2,"Ann, B."\n'
SECRET = "qzxcanary"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("latin-1"), "cp1252"),
        (TEXT.replace("\n", "\r\n").encode(), "utf-8"),
        (TEXT.replace("\n", "\r").encode(), "utf-8"),
        (TEXT.replace("\n", "\r\n", 1).encode(), "utf-8"),
        (TEXT.replace("\n", "\r\n", 2).encode("latin-1"), "cp1252"),
        (TEXT.rstrip("\n").encode(), "utf-8"),
        (TEXT.replace("id,name", " ID , Name ").encode(), "utf-8"),
        (TEXT.replace("id,name", '"id","name"').encode(), "utf-8"),
        (TEXT.replace("\n1", "\n\n1").encode() + b"\n\n", "utf-8"),
    ],
    ids=["utf-8", "bom", "utf-16-le", "utf-16-be", "latin-1", "crlf", "cr", "mixed", "mixed-latin", "open-end",
         "header", "quoted-header", "empty-lines"],
)  # fmt: skip
def test_every_ordinary_encoding_and_line_end_is_read(loaded, content, encoding):
    profile, rows = loaded(sow(), content)
    assert rows == ROWS
    assert (profile.rows, profile.encoding, profile.bytes) == (2, encoding, len(content))


def test_an_agreed_encoding_is_used(loaded):
    assert loaded(sow(encoding="latin-1"), TEXT.encode("latin-1"))[1] == ROWS
    assert loaded(sow(encoding="cp1252"), b"id,name\n1,\x80\n")[1] == [("1", "€")]


def test_columns_are_found_by_name_and_missing_optional_ones_are_empty(loaded):
    agreed = sow(columns={"id": "required", "mail": "optional", "name": "required"}, extra_columns="drop")
    profile, rows = loaded(agreed, "name,secret,id\nZoe,x,1\n")
    assert rows == [("1", None, "Zoe")]
    assert (profile.columns, profile.dropped_columns, profile.missing_columns) == (3, 1, 1)


def test_null_markers_and_empty_cells_are_nothing(loaded):
    agreed = sow(columns=("a", "b", "c", "d"), null_markers=["n/a", "NULL"])
    assert loaded(agreed, 'a,b,c,d\nN/A, null ,"",x\n')[1] == [(None, None, None, "x")]


def test_a_file_without_a_header_is_read_by_place(loaded):
    assert loaded(sow(header=False, delimiter=";"), "1;Zoë\n2;Ann, B.\n")[1] == ROWS


def test_quoted_cells_may_hold_lines_quotes_and_separators(loaded):
    assert loaded(sow(), 'id,name\r\n1,"a\nb, ""c"""\r\n')[1] == [("1", 'a\nb, "c"')]


BAD = [
    ("empty", b"", "empty", "The file is empty."),
    ("white-space", b" \r\n\t\n", "empty", "The file is empty."),
    ("header-only", b"id,name\n", "empty", "The file has no rows."),
    ("missing", b"id,qzxcanary\n1,2\n", "columns", "A column is missing: name; 1 column that is not agreed."),
    ("extra", b"id,name,qzxcanary,x\n1,2,3,4\n", "columns", "2 columns that are not agreed."),
    ("twice", b"id,name,NAME\n1,2,3\n", "columns", "The column `name` is there 2 times."),
    ("ragged", b"id,name\n1,2\n3\n4,5,qzxcanary\n6,7\n", "ragged",
     "2 rows with more or fewer cells than its header; the first is on line 3."),
    ("one-ragged", b"id,name\n1,2\nqzxcanary\n", "ragged", "1 row with more"),
    ("nul", b"id,name\n1,qzx\0canary\n", "format", "NUL"),
    ("zip", b"PK\x03\x04qzxcanary", "format", "damaged"),
    ("pdf", b"%PDF-1.7 qzxcanary", "format", "a PDF"),
    ("armour", b"-----BEGIN PGP MESSAGE-----\nqzxcanary", "format", "still encrypted"),
    ("open-quote", b'id,name\n1,"qzxcanary\n2,3\n', "format",
     "A quote is not closed, or has text after it, in 1 row; the first is on line 2."),
    ("after-quote", b'id,name\n1,"qzx"canary\n2,3\n', "format", "the first is on line 2."),
    ("one-line", b"id,name\n1," + b"qzxcanary" * 1_200_000, "line-too-long", "longer than the agreed"),
    ("one-line-cr", b"id,name\r1,x\r2," + b"qzxcanary" * 200_000, "line-too-long", "longer than the agreed"),
    ("long-row", b'id,name\n1,"' + b"qzxcanary\n" * 400_000 + b'"\n',
     "line-too-long", "The row on line 2 is too long."),
    ("half-utf-8", "id,name\n1,Zoë\n2,qzxcanary".encode() + b"\xe9\n", "encoding", "UTF-8 in part"),
    ("cut-utf-8", codecs.BOM_UTF8 + b"id,name\n1,qzxcanary\xc3", "encoding", "UTF-8 in part"),
    ("undefined", b"id,name\n1,\x81qzxcanary\n", "encoding", "not CP1252 throughout"),
    ("cut-utf-16", "id,name\n1,qzxcanary\n".encode("utf-16")[:-1], "encoding", "not UTF-16 throughout"),
    ("nul-utf-16", "id,name\n1,qzx\0canary\n".encode("utf-16"), "format", "NUL"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "code", "text"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_bad_file_is_refused_with_a_code_and_none_of_its_content(loaded, content, code, text):
    with pytest.raises(DropRejected) as caught:
        loaded(sow(), content)
    error = caught.value
    assert error.code == code
    assert text in str(error)
    assert error.hint
    assert error.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(error))


def test_an_agreed_encoding_that_is_not_kept_is_refused(loaded):
    for encoding, content in (
        ("utf-8", b"id,name\n1,\xe9\n"),
        ("utf-16", b"id,name\n1,2\n"),
        ("latin-1", TEXT.encode("utf-16")),
    ):
        with pytest.raises(DropRejected) as caught:
            loaded(sow(encoding=encoding), content)
        assert caught.value.code == "encoding"


def test_an_agreed_separator_that_is_not_kept_is_refused_and_told(loaded):
    with pytest.raises(DropRejected, match=re.escape("Its separator seems to be `;`; `,` is agreed.")) as caught:
        loaded(sow(delimiter=","), b"id;name\n1;qzxcanary\n")
    assert caught.value.code == "columns"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_and_said(loaded, separator):
    profile, rows = loaded(sow(), f'ID{separator}"name"\n1{separator}a,b;c\n'.replace("a,b;c", '"a,b;c"'))
    assert rows == [("1", "a,b;c")]
    assert profile.delimiter == separator
    assert loaded(sow(header=False), f"1{separator}Ann\n")[1] == [("1", "Ann")]


def test_a_column_may_stand_under_another_header(loaded):
    agreed = sow(columns={"id": "required", "email": {"header": "E-Mail (privat)", "need": "optional"}})
    assert loaded(agreed, "id;e-mail  (PRIVAT)\n1;a@b.c\n")[1] == [("1", "a@b.c")]
    agreed = sow(columns={"id": {"header": "Kundennummer"}, "email": "required"})
    with pytest.raises(DropRejected, match="A column is missing: Kundennummer"):
        loaded(agreed, "id,email\n1,2\n")


def test_a_file_larger_than_agreed_is_refused_unread(loaded):
    with pytest.raises(DropRejected) as caught:
        loaded(sow(max_bytes=10), TEXT.encode())
    assert caught.value.code == "too-large"


def test_ten_megabytes_on_one_line_are_refused_at_once(loaded):
    with within(3), pytest.raises(DropRejected):
        loaded(sow(), b"x" * 10_000_000)


def test_no_descriptor_and_no_file_is_left_behind(loaded, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for content in (
        TEXT.encode("latin-1"),
        b"id,name\n1\n",
        TEXT.replace("\n", "\r\n", 1).encode(),
        TEXT.encode("utf-16"),
    ):
        with contextlib.suppress(DropRejected):
            loaded(sow(), content)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not list(tmp_path.iterdir())


def test_a_named_file_is_read_as_well(tmp_path):
    file = tmp_path / "it's a 'file'.csv"
    file.write_text(TEXT)
    with Engine() as engine:
        assert engine.load(sow(), file)["input"].rows == 2


def test_the_engine_can_open_no_other_file_and_no_setting_can_be_changed(tmp_path):
    import duckdb

    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with Engine() as engine:
        for sql in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/x.db'",
            "SET enable_external_access = true",
            "SET temp_directory = '/tmp'",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                engine.connection.execute(sql).fetchall()
    assert [file.name for file in tmp_path.iterdir()] == ["secret.csv"]


cell = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(
    rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=12),
    ends=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_what_a_csv_writer_writes_is_read_back(engine, rows, ends, bom):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ends, quoting=csv.QUOTE_ALL).writerows([("id", "name"), *rows])
    content = (codecs.BOM_UTF8 if bom else b"") + text.getvalue().encode()
    with memory(content) as path:
        engine.load(sow(), path)
        found = engine.connection.execute("SELECT id, name FROM input ORDER BY _row").fetchall()
    # Where line ends are mixed in a file, those within cells become LF too.
    assert [[_lines(cell) for cell in row] for row in found] == [[_lines(cell) or None for cell in row] for row in rows]


def _lines(cell):
    return cell and cell.replace("\r\n", "\n").replace("\r", "\n")


@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.text(alphabet='id,name\n\r"; \t1é', max_size=120).map(lambda t: ("id,name\n" + t).encode()),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused_with_a_known_code(engine, content):
    known = {"empty", "format", "protected", "encoding", "columns", "ragged", "line-too-long", "too-large"}
    with memory(content) as path:
        try:
            assert engine.load(sow(), path)["input"].rows > 0
        except DropRejected as error:
            assert error.code in known
            assert error.__context__ is None


@pytest.mark.parametrize("extra", [16_383, 900_000])
def test_more_columns_than_a_spreadsheet_has_are_refused_before_they_take_memory(loaded, extra):
    content = f"id,name{',' * extra}\n1,Ann{',' * extra}\n".encode()
    with within(8), pytest.raises(DropRejected, match="16,384 can be read") as refused:
        loaded(sow(extra_columns="drop"), content)
    assert refused.value.code == "columns"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", ['id,"given{0}name"', '"given{0}name";id', '\ufeff"given{0}name",id'])
def test_a_header_of_several_lines_is_read_as_one(loaded, header, end):
    sign = ";" if ";" in header else ","
    names = ["id", "name"] if header.startswith("id") else ["name", "id"]
    text = header.format(end) + end + sign.join(names) + end
    agreed = sow(columns={"id": "required", "name": {"header": "Given Name", "need": "required"}})
    assert loaded(agreed, text)[1] == [("id", "name")]


def test_a_quote_within_a_header_is_no_beginning_of_several_lines(loaded):
    agreed = sow(columns={"id": "required", "name": {"header": '5" pipe', "need": "required"}})
    assert loaded(agreed, 'id,"5"" pipe"\n1,a\n')[1] == [("1", "a")]
