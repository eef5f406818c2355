"""Several inputs in one ZIP, or as sheets of one workbook; what is no honest archive is refused."""

from __future__ import annotations

import io
import struct
import traceback
import zipfile

import pytest

from backoffice.contract import Sow
from backoffice.errors import DropRejected
from backoffice.transform import Engine
from tests.seconds import within
from tests.transform.conftest import memory, sow
from tests.transform.reading.files import SECRET, agreed, ods, pack, read, xlsx

CSV = b"id,name\n1,Ann\n"
MORE = b"sku;price\na;1,50\nb;2\n"


def two(**second) -> Sow:
    first = sow(member="customers*.csv")
    prices = {"format": "csv", "member": "prices.csv", "columns": {"sku": "required", "price": "required"}, **second}
    return Sow.model_validate(first.model_dump() | {"inputs": {"prices": prices}})


def refused(content: bytes, spec) -> DropRejected:
    with within(20), pytest.raises(DropRejected) as caught:
        read(content, spec)
    assert caught.value.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


def tables(content: bytes, spec: Sow) -> dict[str, list]:
    with memory(content) as path, Engine() as engine:
        profiles = engine.load(spec, path)
        found = {name: engine.connection.execute(f"SELECT * FROM {name} ORDER BY _row").fetchall() for name in profiles}
        assert all(profiles[name].rows == len(found[name]) for name in found)
        return found


def test_one_file_in_a_zip_needs_no_name():
    profile, rows = read(pack({"export.txt": CSV, "__MACOSX/._export.txt": b"x", "folder/": b""}), sow())
    assert rows == [("1", "Ann")]
    assert profile.words() == "CSV in a ZIP, UTF-8, separated by `,`, 1 rows and 2 columns"


def test_files_of_a_zip_are_found_by_their_names():
    content = pack({"2026/CUSTOMERS-11.CSV": CSV, "2026/Prices.csv": MORE, "readme.txt": b"hello"})
    assert tables(content, two()) == {"input": [(1, "1", "Ann")], "prices": [(1, "a", "1,50"), (2, "b", "2")]}


def test_several_formats_in_one_zip():
    content = pack({"customers.csv": CSV, "prices.xlsx": xlsx([["sku", "price"], ["a", 1.5]])})
    assert tables(content, two(format="xlsx", member="*.xlsx"))["prices"] == [(1, "a", "1.5")]


@pytest.mark.parametrize("inside_a_zip", [False, True])
def test_sheets_of_one_workbook_are_inputs(inside_a_zip):
    import xlsxwriter

    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        for name, rows in {"Customers": [["id", "name"], ["1", "Ann"]], "Prices": [["sku", "price"], ["a", 2]]}.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    member = "book.xlsx" if inside_a_zip else None
    first = agreed("xlsx", sheet="Customers", member=member)
    prices = {
        "format": "xlsx",
        "sheet": "Prices",
        "member": member,
        "columns": {"sku": "required", "price": "required"},
    }
    spec = Sow.model_validate(first.model_dump() | {"inputs": {"prices": prices}})
    content = pack({"book.xlsx": packed.getvalue()}) if inside_a_zip else packed.getvalue()
    assert tables(content, spec) == {"input": [(1, "1", "Ann")], "prices": [(1, "a", "2")]}


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (
            pack({"customers.csv": CSV}),
            "members",
            "No file in the ZIP archive is called `prices.csv` (the input `prices`).",
        ),
        (
            pack({"customers1.csv": CSV, "customers2.csv": CSV, "prices.csv": MORE}),
            "members",
            "2 files in the ZIP archive",
        ),
        (
            pack({"a/prices.csv": MORE, "b/prices.csv": MORE, "customers.csv": CSV}),
            "members",
            "2 files in the ZIP archive",
        ),
        (pack({"customers.csv": CSV, "prices.csv": MORE, "../../etc/x": b""}), "format", "lead out of it"),
        (pack({"customers.csv": CSV, "prices.csv": MORE, "/etc/x": b""}), "format", "lead out of it"),
        (pack({"customers.csv": CSV, "prices.csv": pack({"x": MORE})}), "format", "looks like a ZIP archive"),
        (
            pack({"customers.csv": CSV, "prices.csv": b"\x1f\x8b\x08" + bytes(80)}),
            "format",
            "looks like a gzip archive",
        ),
        (
            pack({"customers.csv": CSV, "prices.csv": MORE}, method=zipfile.ZIP_LZMA),
            "format",
            "a method that is not read",
        ),
        (pack({"customers.csv": CSV, "prices.csv": MORE})[:-30], "format", "damaged"),
        (CSV, "members", "The file is not a ZIP archive; 2 inputs are agreed."),
        (pack({}), "members", "No file"),
    ],
    ids=["missing", "two", "two-folders", "dots", "root", "nested", "gzip", "lzma", "cut", "no-zip", "nothing"],
)
def test_a_zip_that_does_not_fit_is_refused(content, code, text):
    error = refused(content, two())
    assert error.code == code
    assert text in str(error)


def test_an_unnamed_input_wants_one_file():
    assert refused(pack({SECRET: CSV, "b.csv": CSV}), sow()).code == "members"


def _flagged(content: bytes) -> bytes:
    """The same ZIP with its first entry marked as encrypted."""
    changed = bytearray(content)
    directory = changed.index(b"PK\x01\x02")
    changed[6] |= 1
    changed[directory + 8] |= 1
    return bytes(changed)


def test_an_encrypted_entry_is_refused():
    assert refused(_flagged(pack({"a.csv": CSV})), sow()).code == "protected"


def test_a_changed_byte_is_damage():
    content = bytearray(pack({"a.csv": CSV * 100}))
    content[60] ^= 0xFF
    assert refused(bytes(content), sow()).code == "format"


def test_a_bomb_is_stopped_by_what_comes_out_of_it():
    bomb = pack({"a.csv": b"id,name\n" + b"1,x\n" * (75 << 20)})
    assert len(bomb) < 2 << 20
    assert refused(bomb, sow()).code == "too-large"
    assert refused(pack({"a.csv": b"id,name\n" + b"1,x\n" * 10_000}), sow(max_bytes=20_000)).code == "too-large"


def test_a_bomb_that_lies_about_its_size_is_stopped_too():
    content = bytearray(pack({"a.csv": b"id,name\n" + b"1,x\n" * 1_000_000}))
    directory = content.index(b"PK\x01\x02")
    content[22:26] = content[directory + 24 : directory + 28] = struct.pack("<I", 20)
    assert refused(bytes(content), sow(max_bytes=1000)).code in ("format", "too-large")


def test_a_table_of_contents_without_end_takes_no_memory():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}", b"")
    assert refused(packed.getvalue(), sow()).code == "too-large"


def test_a_workbook_is_no_archive_of_files():
    assert refused(xlsx([["id", "name"]]), sow()).code == "format"
    assert refused(ods([["id", "name"]]), sow()).code == "format"
