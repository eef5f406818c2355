"""``backoffice sow profile`` of documents: what one would see, and a SOW that reads it; no values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from backoffice.authoring.paper_profile import holds_documents
from tests.commands.test_sow_author import empty, new, sow
from tests.transform.documents.papers import invoice, packed, scan, typeset

__all__ = ["empty"]

VALUES = ("4711", "8231", "05.03.2026", "24.60", "1,234", "Paper", "Ink", "Graz", "Example")
FRENCH = """
#set page(width: 210mm, height: 297mm, margin: 20mm)
#set text(size: 11pt)
Merci pour votre commande, nous vous envoyons la facture dans les délais. \\
Date de facture : 5/3/2026 \\
Total TTC : 1 234,50 €
"""


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Two PDFs with text and a scan."""
    path = tmp_path / "papers.zip"
    path.write_bytes(packed({"a.pdf": invoice(), "b.pdf": invoice("B-8231", "1,234.56"), "c.png": scan(invoice())}))
    return path


def test_it_says_pages_languages_fields_and_tables_and_shows_no_value(papers: Path):
    said = sow("profile", papers).stdout
    assert "Documents: 2 PDF, 1 PNG. Pages: 3." in said
    assert "Of them text: 2. Pictures: 1. Blank: 0. Recognition is" in said
    assert "Likely language: English." in said
    assert "number: right of Invoice no." in said
    assert "A-9999" in said, "a shape"
    assert "date, D.M.YYYY" in said
    assert "Table items: 6 rows, in 3 of 3 documents" in said
    assert not [value for value in VALUES if value in said]
    shown = sow("profile", papers, "--values").stdout
    assert "B-8231" in shown
    assert "Ink" in shown


def test_what_it_suggests_reads_the_documents(papers: Path, empty: Path, tmp_path: Path):
    said = json.loads(sow("profile", papers, "--json").stdout)
    assert not [value for value in VALUES if value in json.dumps(said)]
    assert {name: one["column"]["meaning"] for name, one in said["fields"].items()} == {
        "number": "reference", "document_date": "date", "net": "amount", "tax": "amount", "total": "amount",
    }  # fmt: skip
    new(empty, "example/papers", "--kind", "documents")
    path = empty / "sow" / "example" / "papers.yaml"
    agreed = yaml.safe_load(path.read_text())
    pasted = yaml.safe_load(sow("profile", papers, "--yaml").stdout)
    path.write_text(yaml.safe_dump({**agreed, **pasted}))
    done = json.loads(sow("run", path, papers, "--out", tmp_path / "out", "--json").stdout)
    assert done["documents"]["filed"] == 3
    assert not [one for one in done["figures"]["steps"] if one["blanked"]]
    assert done["inputs"]["input"]["table_rows"] == 6


def test_of_french_it_finds_the_language_and_how_figures_are_written(tmp_path: Path):
    path = tmp_path / "one.pdf"
    path.write_bytes(typeset(FRENCH))
    said = json.loads(sow("profile", path, "--json").stdout)
    assert said["languages"][0] == "fra"
    assert said["fields"]["total"]["place"] == {"right_of": ["Total TTC"]}
    assert said["fields"]["total"]["column"]["decimal"] == ","
    assert "languages" not in said["suggested"]["input"], "it is text: nothing has to be recognised"


def test_where_no_usual_label_is_found_it_says_what_to_write(tmp_path: Path):
    path = tmp_path / "letter.pdf"
    path.write_bytes(typeset("Qzxcanary went to the shop."))
    said = sow("profile", path).stdout
    assert "No usual label was found" in said
    assert "canary" not in said
    assert yaml.safe_load(said[said.index("input:") : said.index("steps:")])["input"]["columns"]


def test_a_project_begins_with_what_documents_suggest(papers: Path, empty: Path, tmp_path: Path):
    new(empty, "example/papers", "--kind", "documents", "--from", papers)
    path = empty / "sow" / "example" / "papers.yaml"
    assert not [value for value in VALUES if value in path.read_text() and value != "Example"]  # the client's name too
    done = json.loads(sow("run", path, papers, "--out", tmp_path / "out", "--json").stdout)
    assert done["documents"]["filed"] == 3
    for kind, like in (("contacts", papers), ("documents", path)):
        assert f"the kind is {kind}" in new(empty, "example/other", "--kind", kind, "--from", like, code=1)


def test_documents_are_told_from_tables_by_what_they_are(tmp_path: Path, papers: Path):
    assert holds_documents(papers)
    for name, content in {
        "a.pdf": b"a,b\n1,2\n",
        "b.zip": packed({"a.csv": b"a,b\n"}),
        "c.zip": b"PK\x03\x04junk",
    }.items():
        (tmp_path / name).write_bytes(content)
        assert not holds_documents(tmp_path / name)


def test_a_damaged_pdf_is_refused_without_its_words(tmp_path: Path):
    path = tmp_path / "bad.pdf"
    path.write_bytes(b"%PDF-1.7\nqzxcanary")
    assert "canary" not in sow("profile", path, code=5).stderr
