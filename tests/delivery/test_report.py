"""The client's report: every figure in words and drawings, none of the data, the same bytes each time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from backoffice.contract import load_sow
from backoffice.delivery.report import JobFacts, job_report

ROOT = Path(__file__).resolve().parents[2]
SOW = load_sow(ROOT / "sow" / "acme" / "contacts.yaml")


def step(number: int, name: str, before: int, after: int, **more: Any) -> dict[str, Any]:
    return {"number": number, "step": name, "table": "result", "rows_in": before, "rows_out": after, **more}


STEPS = [
    step(1, "trim", 5000, 5000, changed={"surname": 4842}),
    step(4, "dates", 5000, 4990, changed={"date_of_birth": 9}, blanked={"date_of_birth": 10}, unreadable="reject"),
    step(7, "drop_duplicates", 4990, 4982),
    step(8, "near_duplicates", 4982, 2004, counts={"pairs_compared": 19007}),
]
CHECKS = [
    {"sentence": "`rec_id` has a value", "passed": True, "rows": 2004, "unexpected": 0, "percent": 0.0},
    {"sentence": "`state` has a value", "passed": True, "rows": 2004, "unexpected": 22, "percent": 1.0978},
    {"sentence": "the rows are few", "passed": False, "rows": 2004, "unexpected": None, "percent": None},
]
FIGURES = {
    "rows_in": 5000, "rows_out": 2004, "steps": STEPS, "tables": {"result": 2004},
    "inputs": {
        "input": {
            "format": "csv", "rows": 5000, "columns": 12, "encoding": "cp1252", "delimiter": ";", "dropped_columns": 1,
        },
    },
}  # fmt: skip


def facts(**changed: Any) -> JobFacts:
    values: dict[str, Any] = {
        "sow": SOW, "figures": FIGURES, "checks": CHECKS, "job": "a-job", "controller": "Acme Home Delivery Ltd",
        "processor": "Backoffice Data Services GmbH", "received": datetime(2026, 11, 22, tzinfo=UTC), "escaped": 3,
    }  # fmt: skip
    return JobFacts(**values | changed)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "path", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path", "circle"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + "|"


def page(**changed: Any) -> Page:
    return Page(job_report(facts(**changed), "html").decode())


def test_it_says_what_came_in_what_was_done_and_why_rows_are_gone():
    words = page().words
    assert "CSV, Windows-1252, separated by “;”, 5,000 rows, 12 columns, 1 columns left out unread" in words
    assert "Take superfluous white space out of every column." in words
    assert "equal to another row, merged into it" in words
    assert "a cell could not be read, put aside" in words
    assert "2,986 rows were the same as another one" in words
    assert "pairs compared|19,007" in words
    assert "state has a value" in words
    assert "22 of 2,004 rows do not (1.1\u00a0%)" in words
    assert "2 of 3 checks passed" in words
    assert "3 cells begin like a formula" in words
    assert "for 14 days at most" in words


def test_of_documents_it_says_their_pages_in_which_languages_they_were_read_and_where_they_went():
    invoices = load_sow(SOW.path.parents[1] / "klarblick" / "invoices.yaml")
    profile = {"format": "documents", "rows": 7, "bytes": 9, "columns": 6, "pages": 1_200, "recognised_pages": 3,
               "blank_pages": 0, "table_rows": 41, "from_zip": True}  # fmt: skip
    figures = {"rows_in": 7, "rows_out": 7, "steps": [], "inputs": {"input": profile}, "tables": {"result": 7}}
    words = page(sow=invoices, figures={**figures, "documents": {"filed": 5, "others": 2, "left_out": 0}}).words
    assert (
        "Documents in a ZIP, 7 documents, 1,200 pages, 3 of them pictures, recognised in German, French, 41 rows of tables"
        in words
    )
    assert "filed under the path that their row says: 5." in words
    assert "in a folder of their own: 2." in words
    assert "do not go back" not in words
    none = page(sow=invoices, figures={**figures, "documents": {"filed": 0, "others": 0, "left_out": 7}}).words
    assert "filed under the path that their row says: 0." in none
    assert "which do not go back: 7." in none


def test_the_html_asks_nobody_for_anything_and_closes_what_it_opens():
    found = page()
    assert found.open == []
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not [
        one for _, attributes in found.tags for one in attributes if one in ("src", "href") or one.startswith("on")
    ]
    text = job_report(facts(), "html").decode()
    assert "url(" not in text
    assert set(re.findall("https?://[^\"']*", text)) <= {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text


def test_drawings_say_in_words_what_they_show():
    drawings = [attributes for tag, attributes in page().tags if tag == "svg"]
    assert len(drawings) == 3
    assert all(one["role"] == "img" and one["aria-label"] for one in drawings)


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_the_same_job_gives_the_same_bytes(form):
    first = job_report(facts(), form)
    assert first == job_report(facts(), form)
    assert b"CreationDate" not in first


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_it_is_made_of_little_too(form):
    """Of a job of before, or one that nothing was done to: fewer figures, still a page."""
    bare = {"rows_in": 0, "rows_out": 0, "steps": []}
    assert job_report(facts(figures=bare, checks=None, job="", received=None), form)
    many = [{"sentence": "x", "passed": False, "rows": 1, "unexpected": 1, "percent": 100.0}] * 200
    wide = {f"column {n} " + "x" * 100: 10**9 for n in range(60)}
    figures = {"rows_in": 1, "rows_out": 10**9, "steps": [step(1, "case", 1, 10**9, changed=wide, blanked=wide)]}
    assert job_report(facts(figures=figures, checks=many), form)


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><b>', "#panic(1)", "$x$ *b* @y", "\\", "]"])
def test_a_columns_name_or_a_checks_words_are_words_only(hostile):
    figures = FIGURES | {
        "steps": [step(1, "trim", 2, 1, changed={hostile: 2}, blanked={hostile: 1}, unreadable="keep")]
    }
    checks = [{"sentence": hostile, "passed": True, "rows": 1, "unexpected": 0, "percent": 0.0}]
    found = Page(job_report(facts(figures=figures, checks=checks), "html").decode())
    assert found.open == []
    assert "script" not in {tag for tag, _ in found.tags}
    assert found.words.count(hostile) >= 2, "in the list and among the checks"
    assert job_report(facts(figures=figures, checks=checks), "pdf").startswith(b"%PDF-")
