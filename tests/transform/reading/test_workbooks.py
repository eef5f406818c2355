"""Spreadsheets: every cell in one way of writing; what is hostile or damaged is refused, within limits, and not shown."""

from __future__ import annotations

import datetime as dt
import io
import traceback
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected
from backoffice.transform import Engine
from backoffice.transform.reading.workbook_child import number_text
from tests.seconds import within
from tests.transform.conftest import memory
from tests.transform.reading.files import SECRET, SHEET, agreed, inline, ods, pack, parts, read, xlsx, xlsx_with_sheet

ROWS = [["id", "name"], ["1", "Zoë"], ["2", "Ann, B."]]


def refused(content: bytes, spec, *, seconds: float = 20) -> DropRejected:
    with within(seconds), pytest.raises(DropRejected) as caught:
        read(content, spec)
    assert caught.value.__context__ is None
    assert caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize(("format_", "content"), [("xlsx", xlsx(ROWS)), ("ods", ods(ROWS))])
def test_a_sheet_is_read_and_what_was_found_is_said(format_, content):
    profile, rows = read(content, agreed(format_))
    assert rows == [("1", "Zoë"), ("2", "Ann, B.")]
    assert (profile.format, profile.rows, profile.columns, profile.sheet, profile.sheets) == (format_, 2, 2, 1, 1)
    assert profile.words() == f"{format_.upper()}, sheet 1 of 1, 2 rows and 2 columns"


def test_dates_times_numbers_and_truth_have_one_way_of_writing():
    looks = {0: "dd.mm.yyyy", 1: "d/m/yy hh:mm", 2: "hh:mm:ss", 3: "[h]:mm:ss"}
    cells = [45000, 45000.5, 0.524259259259259, 1.5, 120, 2674.59, 1e21, 1e-7, True, 12345678901234567]
    columns = ["day", "moment", "time", "hours", "whole", "price", "huge", "tiny", "paid", "long"]
    _, rows = read(xlsx([columns, cells], formats=looks), agreed("xlsx", columns))
    assert rows == [
        ("2023-03-15", "2023-03-15T12:00:00", "12:34:56", "36:00:00", "120", "2674.59", "1000000000000000000000",
         "0.0000001", "true", "12345678901234570"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("serial", "date_1904", "text"),
    [(1, False, "1900-01-01"), (59, False, "1900-02-28"), (61, False, "1900-03-01"), (1, True, "1904-01-02")],
)
def test_the_first_days_of_both_calendars(serial, date_1904, text):
    content = xlsx([["id", "name"], [serial, "x"]], formats={0: "yyyy-mm-dd"}, date_1904=date_1904)
    assert read(content, agreed("xlsx"))[1] == [(text, "x")]


def test_sheets_by_name_by_number_and_the_first_that_is_not_hidden():
    import xlsxwriter

    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        for number, name in enumerate(["Hidden", "One", "Two Words"]):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["id", "name"])
            sheet.write_row(1, 0, [str(number), name])
        book.worksheets()[1].activate()
        book.worksheets()[1].set_first_sheet()
        book.worksheets()[0].hide()
    content = packed.getvalue()
    assert read(content, agreed("xlsx"))[1] == [("1", "One")]
    assert read(content, agreed("xlsx", sheet=3))[1] == [("2", "Two Words")]
    assert read(content, agreed("xlsx", sheet="two  words"))[1] == [("2", "Two Words")]
    assert read(content, agreed("xlsx", sheet="Hidden"))[1] == [("0", "Hidden")]
    error = refused(content, agreed("xlsx", sheet="Prices"))
    assert (error.code, str(error)) == ("sheet", "There is no sheet `Prices`. The workbook has 3 sheets.")
    assert refused(content, agreed("xlsx", sheet=4)).code == "sheet"


def test_the_header_may_stand_lower_and_rows_below_it_be_no_data():
    above = [
        ["Report of", None],
        [None, None],
        ["id", "name"],
        ["(text)", "(text)"],
        ["1", "x"],
        [None, None],
        ["2", "y"],
    ]
    profile, rows = read(xlsx(above), agreed("xlsx", header_row=3, skip_below_header=1))
    assert rows == [("1", "x"), ("2", "y")]
    assert profile.blank_rows == 1


def test_zeros_and_false_are_no_blank_row():
    assert read(xlsx([["id", "name"], [0, False], [0, None]]), agreed("xlsx"))[1] == [("0", "false"), ("0", None)]


def test_headers_are_found_whatever_their_case_and_breaks():
    content = xlsx([["E-Mail\n(privat)", " ID ", None], ["a@b.c", "1", None]])
    columns = {"id": "required", "email": {"header": "e-mail (privat)"}}
    assert read(content, agreed("xlsx", columns))[1] == [("1", "a@b.c")]


def test_a_column_without_a_header_counts_if_anything_stands_in_it():
    content = xlsx([["id", "name", None], ["1", "x", None], ["2", "y", SECRET]])
    assert "1 column without a header has cells" in str(refused(content, agreed("xlsx")))
    profile, rows = read(content, agreed("xlsx", extra_columns="drop"))
    assert rows == [("1", "x"), ("2", "y")]
    assert profile.dropped_columns == 1


@pytest.mark.parametrize(
    ("header", "code", "text"),
    [
        (["id", SECRET], "columns", "A column is missing: name; 1 column that is not agreed."),
        (["id", "name", "NAME"], "columns", "The column `name` is there 2 times."),
        ([None, None], "empty", "There is nothing in row 1"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(header, code, text):
    error = refused(xlsx([header, ["1", "2", "3"]]), agreed("xlsx"))
    assert error.code == code
    assert text in str(error)


def test_a_sheet_with_no_rows_is_empty():
    assert refused(xlsx([["id", "name"]]), agreed("xlsx")).code == "empty"
    assert refused(ods([["id", "name"]]), agreed("ods")).code == "empty"
    assert refused(xlsx([]), agreed("xlsx")).code == "empty"


def merged(ranges: str) -> bytes:
    cells = f'<row r="1">{inline("A1", "id")}{inline("B1", "name")}</row>'
    cells += f'<row r="2">{inline("A2", "1")}{inline("B2", "x")}</row>'
    more = f'<row r="3">{inline("B3", "y")}</row><row r="4">{inline("A4", "2")}{inline("B4", "z")}</row>'
    return xlsx_with_sheet(
        SHEET.format(cells + more).replace("</worksheet>", f"<mergeCells>{ranges}</mergeCells></worksheet>")
    )


def test_merged_cells_are_left_or_filled():
    content = merged('<mergeCell ref="A2:A3"/>')
    assert read(content, agreed("xlsx"))[1] == [("1", "x"), (None, "y"), ("2", "z")]
    profile, rows = read(content, agreed("xlsx", merged="fill"))
    assert rows == [("1", "x"), ("1", "y"), ("2", "z")]
    assert (profile.merged_cells, profile.filled_cells) == (1, 1)


def test_a_merged_cell_over_the_whole_sheet_costs_no_more_than_the_sheet():
    content = merged('<mergeCell ref="A2:XFD1048576"/>')
    assert read(content, agreed("xlsx", merged="fill"))[1] == [("1", "1"), ("1", "1"), ("1", "1")]
    many = merged('<mergeCell ref="A2:XFD1048576"/>' * 150_000)
    assert refused(many, agreed("xlsx", merged="fill"), seconds=30).code == "format"


def test_formulas_are_not_worked_out():
    cells = '<c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>HYPERLINK("http://x")</f><v>shown</v></c>'
    no_value = '<c r="A3"><f>WEBSERVICE("http://127.0.0.1:9/")</f></c><c r="B3" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    header = f'<row r="1">{inline("A1", "id")}{inline("B1", "name")}</row>'
    last = f'<row r="4">{inline("A4", "=1+1")}{inline("B4", "@x")}</row>'
    content = xlsx_with_sheet(SHEET.format(f'{header}<row r="2">{cells}</row><row r="3">{no_value}</row>{last}'))
    assert read(content, agreed("xlsx"))[1] == [("2", "shown"), ("=1+1", "@x")]


# ---------------------------------------------------------------------- what nobody should send

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "qzxcanary">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)
)


def _entities() -> bytes:
    return xlsx_with_sheet(
        f'<?xml version="1.0"?>{LAUGHS}]>' + SHEET.format(f'<row r="1">{inline("A1", "id")}</row>&m;')
    )


def _external_entity() -> bytes:
    start = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>name</t></is></c></row>'
    cells = (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>&e;</t></is></c><c r="B2" t="inlineStr"><is><t>x</t></is></c></row>'
    )
    return xlsx_with_sheet(start + SHEET.format(row + cells))


def _far_cell() -> bytes:
    last = f'<row r="1048576">{inline("XFD1048576", "x")}</row>'
    return xlsx_with_sheet(SHEET.format(f'<row r="1">{inline("A1", "id")}</row>{last}'))


def _bomb() -> bytes:
    """One text of 16 MB that 200 cells show: 64 kB in the file, 3 GB in memory."""
    rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 201))
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    shared = f'<sst xmlns="{space}" count="1" uniqueCount="1"><si><t>{SECRET[0] * (16 << 20)}</t></si></sst>'
    return xlsx_with_sheet(SHEET.format(rows), **{"xl/sharedStrings.xml": shared.encode()})


def _two_rows(cell: str) -> bytes:
    header = f'<row r="1">{inline("A1", "id")}{inline("B1", "name")}</row>'
    return xlsx_with_sheet(SHEET.format(f'{header}<row r="2">{inline("A2", cell)}{inline("B2", "x")}</row>'))


def _repeated() -> bytes:
    cell = (
        f'<table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>{SECRET}</text:p>'
    )
    return ods(
        ROWS, raw=f'<table:table-row table:number-rows-repeated="1048000">{cell}</table:table-cell></table:table-row>'
    )


@pytest.mark.parametrize(
    ("format_", "make", "codes"),
    [
        ("xlsx", _entities, {"format", "empty", "columns"}),
        ("xlsx", _far_cell, {"too-large"}),
        ("xlsx", _bomb, {"too-large"}),
        ("xlsx", lambda: xlsx(ROWS)[:-200], {"format"}),
        ("xlsx", lambda: xlsx(ROWS)[:300], {"format"}),
        ("xlsx", lambda: xlsx_with_sheet("<worksheet><sheetData><row><c"), {"format", "empty"}),
        ("xlsx", lambda: xlsx_with_sheet(b"\xff\xfe\x00garbage"), {"format", "empty"}),
        ("xlsx", lambda: _two_rows(SECRET * 4_000_000), {"line-too-long", "too-large"}),
        ("ods", _repeated, {"too-large", "format"}),
        (
            "ods",
            lambda: pack(parts(ods(ROWS)) | {"content.xml": b"<office:document-content"}),
            {"format", "empty", "sheet"},
        ),
    ],
    ids=["laughs", "far-cell", "bomb", "cut", "cut-early", "open-xml", "garbage", "long-cell", "repeated", "open-ods"],
)
def test_a_hostile_workbook_is_refused_within_its_limits(format_, make, codes):
    assert refused(make(), agreed(format_), seconds=60).code in codes


def test_external_entities_are_not_opened():
    content = _external_entity()
    name = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "no such name"
    try:
        rows = read(content, agreed("xlsx"))[1]
    except DropRejected as error:
        assert error.code == "format"
    else:
        assert name not in str(rows)


def test_as_many_columns_as_a_sheet_has_are_read():
    header = [f"c{n}" for n in range(16_384)]
    profile, rows = read(xlsx([header, ["x"] * 16_384]), agreed("xlsx", ["c0", "c16383"], extra_columns="drop"))
    assert rows == [("x", "x")]
    assert (profile.columns, profile.dropped_columns) == (16_384, 16_382)


def _compound(stream: str) -> bytes:
    """An OLE container with an entry of that name in its folder, and nothing else."""
    name = stream.encode("utf-16-le") + bytes(2)
    entry = name.ljust(64, b"\0") + len(name).to_bytes(2, "little") + b"\x02" + bytes(61)
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(632) + entry


@pytest.mark.parametrize(
    ("format_", "content", "code", "text"),
    [
        ("xls", xlsx(ROWS), "format", "The file is not XLS: it looks like an XLSX spreadsheet."),
        ("xlsx", ods(ROWS), "format", "The file is not XLSX: it looks like an ODS spreadsheet."),
        ("csv", xlsx(ROWS), "format", "The file is not CSV: it looks like an XLSX spreadsheet."),
        ("xlsx", b"id,name\n1,2\n", "format", "The file is not XLSX: it looks like a text file."),
        ("xlsx", b"", "empty", "The file is empty."),
        ("xlsx", _compound("EncryptedPackage"), "protected", "with a password"),
        ("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(99),
         "format", "looks like an old Office file"),  # the word alone, as it may stand in a cell
        ("xls", _compound("Workbook"), "format", "damaged"),
        ("xlsx", pack({"[Content_Types].xml": b"", "word/document.xml": b""}), "format", "but no workbook"),
    ],
)  # fmt: skip
def test_the_content_decides_what_a_file_is(format_, content, code, text):
    error = refused(content, agreed(format_))
    assert error.code == code
    assert text in str(error)


def test_macros_are_left_where_they_are():
    found = parts(xlsx(ROWS))
    found["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + SECRET.encode()
    found["[Content_Types].xml"] = found["[Content_Types].xml"].replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )
    assert read(pack(found), agreed("xlsx"))[1] == [("1", "Zoë"), ("2", "Ann, B.")]


def test_no_descriptor_and_no_process_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Engine() as engine:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for content in (xlsx(ROWS), xlsx(ROWS)[:-100], _far_cell(), pack({"a.xlsx": xlsx(ROWS)})):
            with memory(content) as path:
                try:
                    engine.load(agreed("xlsx"), path)
                except DropRejected:
                    continue
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- anybody's

text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), max_size=12)
cell = st.one_of(
    text,
    st.floats(-1e300, 1e300, allow_subnormal=False),
    st.integers(-(10**14), 10**14),
    st.booleans(),
    st.none(),
)


def written(value) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        number = Decimal(f"{value:.16G}")
        return "0" if number == 0 else format(number.normalize(), "f")
    return value


@pytest.fixture(scope="module")
def one_engine():
    with Engine() as opened:
        yield opened


@given(rows=st.lists(st.tuples(st.integers(1, 9).map(str), cell), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_what_a_spreadsheet_program_writes_is_read_back(one_engine, rows):
    with memory(xlsx([["id", "name"], *rows])) as path:
        one_engine.load(agreed("xlsx"), path)
    found = one_engine.connection.execute("SELECT id, name FROM input ORDER BY _row").fetchall()
    assert found == [(number, written(value)) for number, value in rows]


@given(content=st.binary(max_size=60), place=st.integers(0, 5000), kind=st.sampled_from(["xlsx", "ods"]))
@settings(max_examples=40, deadline=None)
def test_any_change_of_a_workbook_is_read_or_refused(one_engine, content, place, kind):
    whole = xlsx(ROWS) if kind == "xlsx" else ods(ROWS)
    place %= len(whole)
    with memory(whole[:place] + content + whole[place + len(content) :]) as path:
        try:
            assert one_engine.load(agreed(kind, extra_columns="drop"), path)["input"].rows
        except DropRejected as error:
            assert error.__context__ is None
            assert error.hint


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_without_exponent_and_is_the_same(value):
    shown = number_text(value)
    assert "e" not in shown.lower()
    assert not shown.endswith(".0")
    assert float(shown) == value


def test_a_date_is_a_date_in_ods():
    day, moment = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 5)
    assert read(ods([["id", "name"], [day, moment]]), agreed("ods"))[1] == [("2024-02-29", "2024-02-29T13:05:00")]
