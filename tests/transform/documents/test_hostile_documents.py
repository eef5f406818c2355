"""Documents that mean harm, or were harmed: each ends in a clear refusal, within the limits, and is not quoted."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected
from tests.transform.documents.papers import FIELDS, agreed, invoice, packed, read, scan, typeset

CANARY = "Zyxwvut-9911"


def refused(content: bytes, **spec: Any) -> DropRejected:
    """How a drop is refused."""
    with pytest.raises(DropRejected) as caught:
        read(agreed(FIELDS, **spec), content)
    assert CANARY not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    return caught.value


def pdf(*objects: bytes, trailer: bytes = b"", xref: bytes | None = None) -> bytes:
    """A PDF of these objects, by hand; the first is its catalogue."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    out += xref if xref is not None else b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows)
    out += b"trailer <</Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)
    return bytes(out)


def stream(content: bytes, more: bytes = b"") -> bytes:
    packed_ = zlib.compress(content, 9)
    return b"<</Length %d /Filter /FlateDecode %s>>\nstream\n%s\nendstream" % (len(packed_), more, packed_)


CATALOGUE = b"<</Type /Catalog /Pages 2 0 R>>"
FONT = b"<</Font <</F <</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>>>>>"


def one_page(content: bytes, box: bytes = b"0 0 595 842", resources: bytes = FONT, *more: bytes) -> bytes:
    page = b"<</Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R /Resources %s>>" % (box, resources)
    return pdf(CATALOGUE, b"<</Type /Pages /Kids [3 0 R] /Count 1>>", page, content, *more)


def png(width: int, height: int) -> bytes:
    """A picture that says it is so large, and packs to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(b"\0" * min((width + 1) * height, 1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_what_is_no_document_is_refused_with_its_number():
    error = refused(packed({"a.pdf": invoice(), "b.txt": CANARY.encode()}))
    assert error.code == "format"
    assert error.message == "Document 2 of 2: It is neither a PDF nor a picture: it looks like a text file."
    assert refused(CANARY.encode()).code == "format"


@pytest.mark.parametrize("content", [b"", packed({"a.pdf": b""})])
def test_an_empty_one_is_refused(content: bytes):
    assert refused(content).code == "empty"


def test_an_empty_zip_is_refused():
    assert refused(packed({})).code == "members"


def test_a_password_is_refused_as_such():
    crypt = b"/Encrypt <</Filter /Standard /V 1 /R 2 /P -1 /O <%s> /U <%s>>> /ID [<00> <00>]" % (b"41" * 32, b"42" * 32)
    error = refused(pdf(CATALOGUE, b"<</Type /Pages /Kids [] /Count 0>>", trailer=crypt))
    assert error.code == "protected"
    assert "password" in error.message


def test_text_about_encryption_is_no_password():
    page = typeset(f"{CANARY} is encrypted: Total 3")
    assert read(agreed(), page)[1]["input"][0]["total"] == "3"


def test_ten_thousand_pages_are_refused():
    kids = b" ".join(b"%d 0 R" % number for number in range(3, 10_003))
    page = b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 9 9]>>"
    content = pdf(CATALOGUE, b"<</Type /Pages /Kids [%s] /Count 10000>>" % kids, *[page] * 10_000)
    error = refused(content)
    assert (error.code, "10,000 pages; 100 are agreed" in error.message) == ("too-large", True)


def test_a_page_count_that_is_a_lie_does_no_harm():
    content = pdf(CATALOGUE, b"<</Type /Pages /Kids [3 0 R] /Count 2000000000>>", b"<</Type /Page /Parent 2 0 R>>")
    try:
        assert read(agreed(), content)[0].pages < 10
    except DropRejected as error:
        assert error.code in ("too-large", "format")


def test_pages_that_contain_themselves_end():
    content = pdf(CATALOGUE, b"<</Type /Pages /Kids [2 0 R 2 0 R] /Count 2>>")
    assert refused(content).code in ("format", "too-large")


def test_forms_that_contain_themselves_end():
    form = b"<</Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources <</XObject <</X 5 0 R>>>> /Length 4>>"
    form += b"\nstream\n/X Do\nendstream"
    content = one_page(stream(b"/X Do " * 100), b"0 0 99 99", b"<</XObject <</X 5 0 R>>>>", form)
    _, found = read(agreed(languages=["eng"]), content)
    assert found["input"][0]["total"] is None


def test_a_page_that_unpacks_to_gigabytes_ends_within_the_memory():
    content = one_page(stream(b"BT /F 9 Tf (A) Tj ET\n" * 8_000_000))
    assert refused(content).code == "too-large"


def test_more_signs_on_a_page_than_fit_are_refused():
    content = one_page(stream(b"BT /F 1 Tf 1 0 0 1 9 9 Tm " + b"(AAAAAAAAAAAAAAAAAAAAAAAA) Tj " * 20_000 + b"ET"))
    assert refused(content).code == "too-large"


def test_a_page_of_a_kilometre_is_not_drawn():
    content = one_page(stream(b"0 0 9 9 re f"), b"0 0 14400000 14400000")
    error = refused(content, languages=["eng"])
    assert error.code in ("too-large", "format")


def test_a_large_page_is_drawn_more_coarsely():
    content = one_page(stream(b"BT ET 0 0 900 900 re f"), b"0 0 4000 4000")
    assert read(agreed(languages=["eng"], dpi=600), content)[0].recognised_pages == 1


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_of_a_billion_dots_is_refused_before_it_is_unpacked(size: tuple[int, int]):
    assert refused(png(*size), languages=["eng"]).code in ("too-large", "format")


def test_a_picture_that_is_cut_off_is_refused():
    whole = scan(invoice(), "png", dpi=70)
    assert refused(whole[: len(whole) // 2], languages=["eng"]).code == "format"
    assert refused(whole[:20], languages=["eng"]).code == "format"


def test_a_table_of_contents_that_leads_astray_is_mended_or_refused():
    whole = invoice()
    broken = whole[: whole.rindex(b"startxref")] + b"startxref\n99999999\n%%EOF"
    assert read(agreed(), broken)[1]["input"][0]["total"] == "24.60"
    assert refused(whole[:300]).code == "format"
    assert refused(b"%PDF-1.7\n" + CANARY.encode() * 50).code == "format"


def test_an_archive_with_more_documents_than_agreed_is_refused():
    error = refused(packed({f"{number}.pdf": b"%PDF" for number in range(4)}), max_documents=3)
    assert (error.code, "4 documents; 3 are agreed" in error.message) == ("too-large", True)


def test_all_documents_together_have_no_more_bytes_than_agreed():
    one = invoice()
    content = packed({f"{number}.pdf": one for number in range(3)})
    assert refused(content, max_bytes=2 * len(one)).code == "too-large"
    assert len(read(agreed(max_bytes=3 * len(one)), content)[1]["input"]) == 3


def test_a_workbook_is_no_zip_of_documents():
    names = {"[Content_Types].xml": b"", "xl/workbook.xml": b""}
    assert "XLSX" in refused(packed(names)).message


def test_a_pattern_that_backtracks_elsewhere_takes_no_longer():
    page = typeset("#set text(size: 4pt)\n" + "a" * 3000 + " b")
    assert read(agreed({"x": {"pattern": "(?:(?:a+)+)+$"}}), page)[1]["input"][0]["x"] is None


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=8)), min_size=1, max_size=20))
def test_a_damaged_document_is_read_or_refused_and_nothing_else(changes: list[tuple[int, bytes]]):
    content = bytearray(_BASE)
    for place, new in changes:
        content[place % len(content) : place % len(content) + len(new)] = new
    try:
        read(agreed(FIELDS), bytes(content))
    except DropRejected as error:
        assert error.code


_BASE = invoice()


def test_a_picture_whose_words_cannot_be_told_gives_empty_fields():
    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((300, 300), 90).save(out, "PNG")
    row = read(agreed(languages=["eng"]), out.getvalue())[1]["input"][0]
    assert row["total"] is None
