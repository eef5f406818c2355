"""Every format, with values that are not meant well: written, read back by somebody else's reader, the same each time."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from python_calamine import load_workbook

from backoffice.contract import AnyOutput
from backoffice.delivery.writing import write_into
from backoffice.errors import BackofficeError
from backoffice.originals import Original

HOSTILE = [
    "=HYPERLINK(\"http://x.example\",\"x\")", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3+cmd", "\t=1", "\uff1d1+1", "=1+1",
    "http://x.example/?a=1&b=2", "<b>&amp;</b>", "]]>", "</t></is></c>", "'; DROP TABLE result; --", "\"\"\"", "a;b,c\td",
    " leading and trailing ", "two  spaces", "line\nend", "cr\r\nlf", "_x0041_", "_x000D_", "\u202eright to left", "\u200b",
    "e\u0301", "中文", "😀", "\U0010ffff", "\ufffe", "\x07\x1b[31m", "true", "1e5", "0012", "12/31/2020", "#REF!", "x" * 32_000,
]  # fmt: skip
TYPED = "id BIGINT, t VARCHAR, n DECIMAL(18,6), d DATE, s TIMESTAMP, b BOOLEAN"
ROWS: list[tuple[Any, ...]] = [
    (1, "a", Decimal("12.5"), date(2020, 2, 29), datetime(2020, 2, 29, 23, 59, 58), True),
    (None, None, None, None, None, None),
    (-3, "", Decimal("-0.000001"), date(1900, 3, 1), datetime(1999, 1, 1), False),
]
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


def sheet(data: bytes, name: str = "Result") -> list[list[Any]]:
    return load_workbook(io.BytesIO(data)).get_sheet_by_name(name).to_python(skip_empty_area=False)


# ---------------------------------------------------------------------- hostile text


def test_hostile_text_is_text_in_a_workbook_and_nothing_in_it_can_run(table, written):
    table("c VARCHAR, k BIGINT", [(value, 1) for value in HOSTILE])
    data, done = written(format="xlsx")
    archive = zipfile.ZipFile(io.BytesIO(data))
    for name in archive.namelist():
        ET.fromstring(archive.read(name))  # well-formed, every part
    page = archive.read("xl/worksheets/sheet1.xml").decode()
    assert not re.search("<f[ >]|hyperlink", page)
    assert page.count('t="inlineStr"') == len(HOSTILE) + 2
    assert not [name for name in archive.namelist() if "external" in name.lower() or "vba" in name.lower()]
    assert done.escaped == 7
    found = [row[0] for row in sheet(data)[1:]]
    unusual = {"\ufffe"}
    assert [one for one, value in zip(found, HOSTILE, strict=True) if value not in unusual and one != value] == []


def test_cells_that_look_like_formulas_are_marked_as_text_for_those_who_edit_them(table, written):
    table("c VARCHAR", [("=1+1",), ("plain",)])
    archive = zipfile.ZipFile(io.BytesIO(written(format="xlsx")[0]))
    looks = re.findall("<xf [^>]*>", archive.read("xl/styles.xml").decode())[1:]
    style = re.search(r'<c r="A2" s="(\d+)"', archive.read("xl/worksheets/sheet1.xml").decode())
    assert style is not None
    assert 'quotePrefix="1"' in looks[int(style[1])]
    for form in ("xlsx", "ods"):
        assert [row[0] for row in sheet(written(format=form, apostrophes=True)[0])[1:]] == ["'=1+1", "plain"]


def test_hostile_text_is_text_in_an_opendocument_sheet(table, written):
    table("c VARCHAR, k BIGINT", [(value, 1) for value in HOSTILE])
    data, done = written(format="ods")
    archive = zipfile.ZipFile(io.BytesIO(data))
    first = archive.infolist()[0]
    assert (first.filename, first.compress_type, first.extra) == ("mimetype", zipfile.ZIP_STORED, b"")
    for name in archive.namelist()[1:]:
        ET.fromstring(archive.read(name))
    content = archive.read("content.xml").decode()
    assert "table:formula" not in content
    assert "text:a " not in content
    assert done.escaped == 7
    found = [row[0] for row in sheet(data)[1:]]
    lost = {"\ufffe": "\ufffd", "\x07\x1b[31m": "\ufffd\ufffd[31m", "cr\r\nlf": "cr\nlf"}
    for value, one in zip(HOSTILE, found, strict=True):
        assert one == lost.get(value, value).replace("\t", ""), "calamine does not read a tab"
    assert content.count("<text:tab/>") == 2


def test_hostile_text_comes_back_from_json_lines_and_parquet_as_it_was(table, written):
    table("c VARCHAR, k BIGINT", [(value, 1) for value in HOSTILE])
    lines = written(format="jsonl")[0].decode().split("\n")
    assert [json.loads(line)["c"] for line in lines[:-1]] == HOSTILE
    assert pq.read_table(io.BytesIO(written(format="parquet")[0])).column("c").to_pylist() == HOSTILE


@pytest.mark.parametrize("quotes", ["needed", "text", "all"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "-", "/"])
def test_hostile_text_comes_back_from_csv_whatever_the_dialect(table, written, delimiter, quotes):
    table("c VARCHAR, d DATE, n DECIMAL(18,6)", [(value, date(2020, 1, 2), Decimal("-1.5")) for value in HOSTILE])
    data, done = written(format="csv", delimiter=delimiter, quotes=quotes, line_ends="crlf")
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))
    assert rows[0] == ["c", "d", "n"]
    assert done.escaped == 7
    assert [(row[0].removeprefix("'") if row[0][1:] in HOSTILE else row[0], *row[1:]) for row in rows[1:]] == [
        (value, "2020-01-02", "-1.5") for value in HOSTILE
    ]


@given(values=st.lists(text, min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_text_is_the_same_text_in_every_workbook(table, written, values):
    table("c VARCHAR, k BIGINT", [(value, 1) for value in values])
    nothing = re.compile("[\ufffe\uffff]")
    found = [row[0] for row in sheet(written(format="xlsx")[0])[1:]]
    assert found == values or any(map(nothing.search, values))
    found = [row[0] for row in sheet(written(format="ods")[0])[1:]]
    plain = [re.sub("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "\ufffd", one) for one in values]
    assert found == [one.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "") for one in plain]


# ---------------------------------------------------------------------- types


def test_types_stay_types_in_a_workbook(table, written):
    table(TYPED, ROWS)
    for form in ("xlsx", "ods"):
        found = sheet(written(format=form)[0])
        assert found[0] == ["id", "t", "n", "d", "s", "b"]
        assert found[1] == [1.0, "a", 12.5, date(2020, 2, 29), datetime(2020, 2, 29, 23, 59, 58), True]
        assert found[2] == [""] * 6
        assert found[3][2:4] == [-0.000001, date(1900, 3, 1)]


def test_what_a_workbook_cannot_hold_is_text_and_counted(table, written):
    table(TYPED, [(123456789012345678, "x", Decimal("123456789012.123456"), date(1700, 1, 1), None, None)])
    data, done = written(format="xlsx")
    assert sheet(data)[1][:4] == ["123456789012345678", "x", "123456789012.123456", "1700-01-01"]
    assert done.as_text == 3
    assert written(format="ods")[1].as_text == 2  # it holds old days


def test_types_in_json_lines_and_parquet(table, written):
    table(TYPED, ROWS)
    lines = written(format="jsonl")[0].decode().splitlines()
    assert lines[0] == '{"id":1,"t":"a","n":12.5,"d":"2020-02-29","s":"2020-02-29T23:59:58","b":true}'
    assert set(json.loads(lines[1]).values()) == {None}
    found = pq.read_table(io.BytesIO(written(format="parquet")[0]))
    assert found.to_pylist() == [dict(zip(found.column_names, row, strict=True)) for row in ROWS]
    assert str(found.schema.field("n").type) == "decimal128(18, 6)"


def test_csv_in_the_clients_way(table, written):
    table(TYPED, ROWS)
    data, _ = written(
        format="csv", delimiter=";", decimal="comma", decimals={"n": 2, "id": 1}, dates="D.M.YYYY", encoding="cp1252"
    )
    assert data.decode("cp1252").splitlines() == [
        "id;t;n;d;s;b", "1,0;a;12,50;29.2.2020;29.2.2020 23:59:58;true", ";;;;;",
        "-3,0;;-0,000001;1.3.1900;1.1.1999 00:00:00;false",
    ]  # fmt: skip


def test_one_column_of_empty_cells_has_its_rows(table, written):
    table("c VARCHAR", [(None,), (None,), ("a",)])
    assert written(format="csv")[0] == b'c\n""\n""\na\n'
    assert [len(sheet(written(format=form)[0])) for form in ("xlsx", "ods")] == [4, 4]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "xlsx", "ods", "pdf"])
def test_a_table_without_rows_is_written(table, written, form):
    table(TYPED, [])
    more = {"title": "Nothing"} if form == "pdf" else {}
    data, done = written(format=form, **more)
    assert bool(data) is (form != "jsonl")
    assert done.rows == 0


# ---------------------------------------------------------------------- encodings


def test_a_sign_that_the_encoding_lacks_stops_the_delivery_unless_the_sow_says_otherwise(table, written):
    table("c VARCHAR, k BIGINT", [("Łódź", 1), ("Zoë €", 2)])
    with pytest.raises(BackofficeError, match="2 signs") as caught:
        written(format="csv", encoding="cp1252")
    assert "ód" not in str(caught.value)
    assert caught.value.__context__ is None
    data, done = written(format="csv", encoding="cp1252", unencodable="transliterate")
    assert data.decode("cp1252") == "c,k\nLódz,1\nZoë €,2\n"
    assert done.replaced == 2
    assert written(format="csv", encoding="cp1252", unencodable="replace")[0].startswith(b"c,k\n?\xf3d?,1\n")


@pytest.mark.parametrize("sign", ["\ufe66", "\u208a", "\u207c", "\u2795", "\u200b", "\uff20", "\u2212", "\ufe6b"])
def test_no_sign_becomes_a_formula_by_being_transliterated(table, written, sign):
    table("c VARCHAR, k BIGINT", [(sign + "=1+1", 1), (sign + sign + "cmd", 2), (sign + '",=1', 3)])
    data, _ = written(format="csv", encoding="cp1252", unencodable="transliterate")
    for row in list(csv.reader(io.StringIO(data.decode("cp1252"), newline="")))[1:]:
        assert len(row) == 2
        assert row[0][0] not in "=+-@\t\r\n"


@given(value=text, encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))
@settings(max_examples=60, deadline=None)
def test_any_text_in_any_encoding_is_one_safe_cell(table, written, value, encoding):
    table("c VARCHAR, k BIGINT", [(value, 1)])
    data, _ = written(format="csv", encoding=encoding, unencodable="transliterate")
    rows = list(csv.reader(io.StringIO(data.decode(encoding), newline="")))
    assert [len(row) for row in rows] == [2, 2]
    assert rows[1][0][:1] not in set("=@\t\r\n")
    if encoding != "cp1252":
        assert rows[1][0] in (value, "'" + value)


def test_the_marks_that_excel_looks_for(table, written):
    table("c VARCHAR, k BIGINT", [("ä", 1)])
    assert written(format="csv", encoding="utf-8-sig")[0] == "\ufeffc,k\nä,1\n".encode()
    assert written(format="csv", encoding="utf-16")[0] == b"\xff\xfe" + "c,k\nä,1\n".encode("utf-16-le")


# ---------------------------------------------------------------------- workbooks


SHEET = {
    "name": "O'Brien & <Co>",
    "formats": {"n": "#,##0.00 €", "d": "DD.MM.YYYY"},
    "totals": {"n": "sum", "id": "count"},
    "colours": [
        {"column": "n", "colour": "red", "below": 0},
        {"column": "t", "colour": "amber", "is_one_of": ['a"b', "a"]},
        {"column": "t", "colour": "grey", "blank": True},
    ],
}


def test_a_workbook_with_totals_colours_and_charts(table, written):
    table(TYPED, ROWS)
    table("m VARCHAR, v BIGINT", [(f"M{i}", i * 10) for i in range(12)], name="months")
    charts = [{"kind": kind, "title": "<b>", "labels": "m", "values": ["v"]} for kind in ("bar", "line", "pie")]
    data, done = written(format="xlsx", sheets=[SHEET, {"name": "Months", "table": "months", "charts": charts}])
    archive = zipfile.ZipFile(io.BytesIO(data))
    for name in archive.namelist():
        ET.fromstring(archive.read(name))
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert sum(name.startswith("xl/charts/") for name in archive.namelist()) == 3
    page = archive.read("xl/worksheets/sheet1.xml").decode()
    assert re.findall("<f>(.*?)</f>", page) == ["SUBTOTAL(103,A2:A4)", "SUBTOTAL(109,C2:C4)"], "ours alone"
    assert 'state="frozen"' in page
    assert '<autoFilter ref="A1:F4"/>' in page
    assert done.rows == 3
    found = load_workbook(io.BytesIO(data))
    assert found.sheet_names == ["O'Brien & <Co>", "Months"]
    assert sheet(data, "O'Brien & <Co>")[-1][:3] == [2.0, "", 12.499999]


def test_an_opendocument_sheet_with_totals_and_colours(table, written):
    table(TYPED, ROWS)
    data, _ = written(format="ods", sheets=[SHEET])
    assert sheet(data, "O'Brien & <Co>")[-1][:3] == [2.0, "", 12.499999]
    content = zipfile.ZipFile(io.BytesIO(data)).read("content.xml").decode()
    assert content.count("#fbe3e1") == 1


def test_what_no_sheet_holds_is_refused_in_words(engine, written):
    engine.execute("CREATE OR REPLACE TABLE result AS SELECT i AS a FROM range(1048576) t(i)")
    with pytest.raises(BackofficeError, match="1,048,577 rows"):
        written(format="xlsx")
    engine.execute("CREATE OR REPLACE TABLE result AS SELECT repeat('qzxcanary', 4000) AS a")
    with pytest.raises(BackofficeError, match="longer than the 32,767 signs that one holds: a") as caught:
        written(format="xlsx")
    assert "qzx" not in str(caught.value)


def test_rows_stay_in_their_order_over_many_batches(engine, written):
    engine.execute("CREATE OR REPLACE TABLE result AS SELECT (i * 7919 % 50000) AS a, i AS b FROM range(50000) t(i)")
    wanted = [(i * 7919 % 50000, i) for i in range(50_000)]
    assert [tuple(map(int, row)) for row in sheet(written(format="xlsx")[0])[1:]] == wanted
    lines = written(format="jsonl")[0].decode().splitlines()
    assert [tuple(json.loads(line).values()) for line in lines] == wanted


# ---------------------------------------------------------------------- several files, and pages


def test_a_zip_holds_its_files_as_each_would_be_on_its_own(table, written):
    table(TYPED, ROWS)
    alone, _ = written(format="xlsx")
    files = [{"format": "csv", "filename": "a.csv", "columns": ["t"]}, {"format": "xlsx", "filename": "b.xlsx"}]
    data, done = written(format="zip", files=files)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.namelist() == ["a.csv", "b.xlsx"]
    assert archive.read("b.xlsx") == alone
    assert archive.read("a.csv") == b't\na\n""\n""\n'
    assert done.rows == 3


def test_words_in_a_pdf_are_words_and_never_the_typesetters_language(table, written):
    hostile = [
        "#panic(1)",
        "$x$",
        "*b* _i_ `c`",
        '#read("/etc/passwd")',
        "@ref",
        "\\",
        "= h",
        "<b>",
        "</text>",
        "]",
        '"',
    ]
    table("c VARCHAR, v BIGINT", [(value, 1) for value in [*hostile, *HOSTILE]])
    charts = [{"kind": kind, "title": "t", "labels": "c", "values": ["v"]} for kind in ("bar", "line", "pie")]
    colours = [{"column": "v", "colour": "red", "above": 0}]
    section = {"heading": "#panic(2)", "charts": charts, "totals": {"v": "sum"}, "colours": colours}
    data, done = written(format="pdf", title="#panic(3)", sections=[section])
    assert data.startswith(b"%PDF-")
    assert b"CreationDate" not in data
    assert done.rows == len(hostile) + len(HOSTILE)


def test_a_column_that_is_not_there_says_nothing_of_the_data(table, written):
    table("c VARCHAR, k BIGINT", [("qzxcanary", 1)])
    for form in ("csv", "xlsx", "ods", "jsonl", "parquet"):
        part = {"columns": ["none"]}
        output = {"sheets": [{"name": "S", **part}]} if form in ("xlsx", "ods") else part
        with pytest.raises(BackofficeError) as caught:
            written(format=form, **output)
        assert "canary" not in str(caught.value)
        assert caught.value.__context__ is None


# ---------------------------------------------------------------------- in a real office


OFFICE = shutil.which("soffice")


@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed: nobody opens the workbooks here")
@pytest.mark.parametrize("form", ["xlsx", "ods"])
def test_libreoffice_opens_a_workbook_and_saves_the_same_cells(table, written, tmp_path, form):
    table("c VARCHAR, k BIGINT", [(value, 1) for value in HOSTILE[:20]])
    (tmp_path / f"out.{form}").write_bytes(written(format=form)[0])
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
    command = [str(OFFICE), "--headless", f"-env:UserInstallation=file://{tmp_path}/office", "--convert-to", options]
    subprocess.run([*command, "--outdir", str(tmp_path), str(tmp_path / f"out.{form}")], check=True, timeout=120)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        found = [row[0] for row in csv.reader(file)][1:]
    lost = "\r\t" if form == "ods" else "\r"  # LibreOffice reads no tab from its own format
    wanted = [value.translate({ord(sign): None for sign in lost}) for value in HOSTILE[:20]]
    assert [one.replace("\r", "") for one in found] == wanted


def test_a_zip_with_documents_is_written_from_start_to_end(engine, table):
    class Pipe(io.RawIOBase):
        """Can be written to, and nothing else."""

        def __init__(self) -> None:
            self.pieces: list[bytes] = []

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.pieces.append(bytes(data))
            return len(data)

    table("a VARCHAR", [("x",)])
    files = [{"format": "xlsx", "filename": "one.xlsx", "sheets": [{"name": "A", "columns": ["a"]}]}]
    output = {"format": "zip", "filename": "out.zip", "files": files, "documents": {"path": "a"}}
    agreed = TypeAdapter(AnyOutput).validate_python(output)
    pipe, whole = Pipe(), io.BytesIO()
    for file in (pipe, whole):
        originals = [
            Original("documents/x.pdf", 6, iter([b"abc", b"def"])),
            Original("documents/y.pdf", 0, iter([b""])),
        ]
        done = write_into(engine, agreed, file, originals=iter(originals))
    data = b"".join(pipe.pieces)
    assert data == whole.getvalue()
    assert done.bytes == len(data)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert archive.namelist() == ["one.xlsx", "documents/x.pdf", "documents/y.pdf"]
    assert archive.read("documents/x.pdf") == b"abcdef"
    # A stored file of unknown length cannot be read from start to end.
    assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_DEFLATED}
