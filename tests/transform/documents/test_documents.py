"""Documents as a client sends them: text, scans, both; alone and in a ZIP; fields and tables."""

from __future__ import annotations

import io
from typing import Any

import pytest

from backoffice.errors import DropRejected
from tests.transform.documents.papers import (
    FIELDS,
    ITEMS,
    agreed,
    drawn,
    invoice,
    joined,
    packed,
    read,
    scan,
    scanned,
    typeset,
)

TEXT = invoice()


def values(content: bytes, columns: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """The only document's row."""
    return read(agreed(columns, **spec), content)[1]["input"][0]


def test_fields_stand_right_of_a_label_below_one_and_have_a_form():
    profile, found = read(agreed(), TEXT)
    row = found["input"][0]
    assert (row["number"], row["issued"], row["total"]) == ("A-4711", "05.03.2026", "24.60")
    assert row["customer"] == "Ann Example\nRing 2\n8010 Graz"
    assert (row["document"], row["file_type"], row["pages"], row["read_from"]) == (1, "pdf", 1, "text")
    assert row["total_confidence"] == 1
    assert (profile.rows, profile.pages, profile.recognised_pages, profile.from_zip) == (1, 1, 0, False)
    assert profile.words() == "Documents, 1 documents, 1 pages"


def test_a_label_is_a_whole_word_and_its_case_and_colon_do_not_matter():
    page = typeset("Subtotal 1 \\ Totals 2 \\ TOTAL: 3 \\ No.:4711")
    assert values(page, {"total": {"right_of": ["total"]}})["total"] == "3"
    assert values(page, {"number": {"right_of": ["No."]}})["number"] == "4711"
    assert values(page, {"number": {"right_of": ["no.:"]}})["number"] == "4711"


def test_the_first_label_that_has_a_value_counts():
    page = typeset("Sum 1 \\ Total 2")
    assert values(page, {"total": {"right_of": ["Gross", "Total", "Sum"]}})["total"] == "2"
    assert values(page, {"total": {"right_of": ["Total"], "pattern": "x"}})["total"] is None


@pytest.mark.parametrize(("which", "total"), [("first", "10"), ("last", "30")])
def test_the_first_or_the_last_of_several(which: str, total: str):
    page = typeset("Total 10 \\ Total 20 #pagebreak() Total 30")
    assert values(page, {"total": {"right_of": ["Total"], "which": which}})["total"] == total
    assert values(page, {"total": {"pattern": "Total ([0-9]+)", "which": which}})["total"] == total


@pytest.mark.parametrize(("pages", "total"), [("first", "10"), ("last", "30"), ("all", "10")])
def test_fields_are_looked_for_on_the_agreed_pages(pages: str, total: str):
    page = typeset("Total 10 #pagebreak() Total 20 #pagebreak() Total 30")
    assert values(page, {"total": {"right_of": ["Total"], "pages": pages}})["total"] == total


def test_a_pattern_gives_what_is_in_its_group_or_all_of_it():
    page = typeset("Our number: DE 123456789, yours AT U12345678")
    assert values(page, {"ours": {"pattern": "DE ?[0-9]{9}"}})["ours"] == "DE 123456789"
    assert values(page, {"yours": {"pattern": "yours (?:AT )?(U[0-9]{8})"}})["yours"] == "U12345678"


def test_a_field_that_is_not_there_is_empty_and_so_is_its_confidence():
    row = values(TEXT, {"iban": {"pattern": "[A-Z]{2}[0-9]{20}"}, "total": {"right_of": ["Total"]}})
    assert row["iban"] is None
    assert row["iban_confidence"] is None


def test_all_text_is_taken_where_it_is_agreed():
    row = values(typeset("One two \\ three"), {"words": {"take": "text"}})
    assert row["words"] == "One two\nthree"
    assert "words_confidence" not in row


def test_the_items_of_each_document_are_a_table_of_their_own():
    content = packed({"b.pdf": invoice("B-1"), "a.pdf": invoice("A-1")})
    profile, found = read(agreed(tables=ITEMS), content)
    items = found["items"]
    assert [(one["document"], one["page"], one["line"]) for one in items] == [
        (1, 1, 1),
        (1, 1, 2),
        (2, 1, 1),
        (2, 1, 2),
    ]
    assert (items[0]["article"], items[0]["pieces"], items[0]["amount"]) == ("Paper, white A4", "3", "12.00")
    assert (items[1]["article"], items[1]["amount"], items[1]["confidence"]) == ("Ink", "8.50", 1)
    assert profile.table_rows == 4


def test_a_table_goes_on_where_its_header_is_repeated():
    rows = "\n".join(f"[Article {number}], [{number}.00]," for number in range(1, 81))
    page = typeset(f"#table(columns: (80mm, 40mm), stroke: none, table.header([What], [Sum]), {rows})")
    tables = {"items": {"columns": {"what": ["What"], "sum": ["Sum"]}}}
    items = read(agreed({"none": {"pattern": "x"}}, tables=tables), page)[1]["items"]
    assert [one["what"] for one in items] == [f"Article {number}" for number in range(1, 81)]
    assert [one["sum"] for one in items] == [f"{number}.00" for number in range(1, 81)]
    assert {one["page"] for one in items} >= {1, 2}


def test_documents_are_numbered_by_their_names_and_named_only_if_that_is_agreed():
    content = packed({"Z/2.pdf": invoice("A-2"), "a/1.pdf": invoice("A-1"), "__MACOSX/._1.pdf": b"x"})
    rows = read(agreed({**FIELDS, "file": {"take": "file_name"}}), content)[1]["input"]
    assert [(row["document"], row["number"], row["file"]) for row in rows] == [
        (1, "A-1", "a/1.pdf"),
        (2, "A-2", "Z/2.pdf"),
    ]
    assert "file" not in read(agreed(), content)[1]["input"][0]


def test_more_documents_than_one_process_reads_keep_their_order():
    content = packed({f"{number:03}.pdf": invoice(f"A-{number}") for number in range(30)})
    rows = read(agreed(), content)[1]["input"]
    assert [row["number"] for row in rows] == [f"A-{number}" for number in range(30)]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_pages_are_read_as_they_are_looked_at(rotation: int):
    import pypdfium2

    # The page is drawn on its side, and turned back when it is shown.
    width, height = ("297mm", "210mm") if rotation != 180 else ("210mm", "297mm")
    source = f"""#set page(width: {width}, height: {height}, margin: 0mm)
    #place(center + horizon, rotate({-rotation}deg, reflow: true, box(width: 150mm, height: 150mm)[
      Invoice no.: #h(10mm) 4711 \\ #v(5mm) Customer \\ Ann \\ #v(20mm) Total 24.60]))"""
    document, out = pypdfium2.PdfDocument(typeset(source)), io.BytesIO()
    document[0].set_rotation(rotation)
    document.save(out)
    row = values(out.getvalue(), {**FIELDS, "customer": {"below": ["Customer"]}})
    assert (row["total"], row["customer"]) == ("24.60", "Ann")


def test_signs_beyond_the_first_plane_and_marks_stay_whole():
    row = values(typeset("Name: Zoë Müller-Ærø \U0001d4b3"), {"name": {"right_of": ["Name"]}})
    assert row["name"].startswith("Zoë Müller-Ærø")


# ---------------------------------------------------------------------- scans


@pytest.mark.parametrize("kind", ["png", "jpg", "tif"])
def test_pictures_are_recognised_with_a_confidence(kind: str):
    profile, found = read(agreed(languages=["eng"], tables=ITEMS), scan(TEXT, kind))
    row = found["input"][0]
    assert (row["number"], row["issued"], row["total"]) == ("A-4711", "05.03.2026", "24.60")
    assert (row["file_type"], row["read_from"], row["pages"]) == (kind, "ocr", 1)
    assert 0.5 < row["total_confidence"] <= 1
    assert [one["amount"] for one in found["items"]] == ["12.00", "8.50"]
    assert profile.recognised_pages == 1


def test_a_scanned_pdf_is_recognised():
    row = values(scanned(TEXT), FIELDS, languages=["eng"])
    assert (row["number"], row["total"], row["read_from"]) == ("A-4711", "24.60", "ocr")


def test_a_file_of_text_and_scans_is_read_page_by_page():
    whole = joined(invoice("A-1", "1.00"), scanned(invoice("A-2", "2.00")), typeset("#page[]"))
    columns = {"first": {"right_of": ["Total"]}, "last": {"right_of": ["Total"], "which": "last"}}
    profile, found = read(agreed(columns, languages=["eng"]), whole)
    row = found["input"][0]
    assert (row["first"], row["last"], row["pages"], row["read_from"]) == ("1.00", "2.00", 3, "both")
    assert (row["first_confidence"], row["last_confidence"] < 1) == (1, True)
    assert (profile.recognised_pages, profile.blank_pages) == (1, 1)


def test_a_tiff_has_as_many_pages_as_pictures():
    out = io.BytesIO()
    first, second = (drawn(invoice(number), dpi=150) for number in ("A-1", "A-2"))
    first.save(out, "TIFF", save_all=True, append_images=[second], dpi=(150, 150), compression="tiff_deflate")
    row = values(out.getvalue(), {"last": {"right_of": ["Invoice no."], "which": "last"}}, languages=["eng"])
    assert (row["pages"], row["last"]) == (2, "A-2")


def test_a_picture_that_lies_on_its_side_and_says_so_is_read_upright():
    from PIL import Image

    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn it a quarter to the right"
    drawn(TEXT, dpi=150).rotate(90, expand=True).save(out, "JPEG", exif=exif, dpi=(150, 150))
    assert values(out.getvalue(), FIELDS, languages=["eng"])["total"] == "24.60"


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_scan_that_lies_on_its_side_or_its_head_is_turned(degrees: int):
    out = io.BytesIO()
    drawn(TEXT, dpi=150).rotate(degrees, expand=True).save(out, "PDF", resolution=150)
    profile, found = read(agreed(languages=["eng"], tables=ITEMS), out.getvalue())
    row = found["input"][0]
    assert (row["number"], row["issued"], row["total"]) == ("A-4711", "05.03.2026", "24.60")
    assert [one["amount"] for one in found["items"]] == ["12.00", "8.50"]
    assert row["total_confidence"] > 0.5
    assert profile.recognised_pages == 1


def test_a_page_with_two_words_on_its_side_is_turned():
    out = io.BytesIO()
    drawn(typeset("Total: 17.20"), dpi=150).rotate(90, expand=True).save(out, "PNG", dpi=(150, 150))
    assert values(out.getvalue(), {"total": {"right_of": ["Total"]}}, languages=["eng"])["total"] == "17.20"


def test_without_languages_a_scan_is_refused():
    with pytest.raises(DropRejected, match="only text is agreed") as refused:
        read(agreed(), packed({"a.pdf": TEXT, "b.png": scan(TEXT)}))
    assert refused.value.code == "unreadable"
    assert refused.value.message.startswith("Document 2 of 2: ")


def test_a_language_that_is_not_installed_is_our_fault_not_the_clients(monkeypatch: pytest.MonkeyPatch):
    from backoffice.errors import EngineError
    from backoffice.transform.reading.documents import reading

    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    monkeypatch.setattr(reading, "_PACKS", "/nowhere/*/tessdata")
    with pytest.raises(EngineError, match="tesseract-ocr-slv"):
        read(agreed(languages=["slv"]), TEXT)
