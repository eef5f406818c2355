"""The child that reads documents: PDFium, the readers of pictures and Tesseract are native code.

It is started by :mod:`backoffice.transform.reading.documents.reading`, with a few documents at a time. Only what was agreed
leaves it: the fields, and the rows of the tables; and, for whoever writes a SOW, which usual labels there are.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from typing import Any

from backoffice.errors import DropRejected
from backoffice.transform.reading.apart import Answers, serve
from backoffice.transform.reading.documents.fields import find_field
from backoffice.transform.reading.documents.items import find_rows
from backoffice.transform.reading.documents.page import Page, lines_of
from backoffice.transform.reading.documents.recognition import Recognition

__all__ = ["CPU_SECONDS", "MEMORY", "PAGE_SECONDS", "main"]

MEMORY = 1 << 30
"""Bytes that one child may take; two work at a time."""
CPU_SECONDS = 1800
"""For all that one child reads."""
PAGE_SECONDS = 120
"""Of processor time for one page; and five times as many by the clock."""
_ENOUGH = 300
"""After so many seconds of work a child takes no further document: the next one does."""
_LONGEST = 1 << 20


def main() -> None:
    """Carry out one order; never returns."""
    serve(_read, memory=MEMORY, cpu_seconds=CPU_SECONDS)


def _read(order: dict[str, Any], answers: Answers) -> None:
    recognition = Recognition(order["packs"], order["languages"])
    for descriptor, kind in order["documents"]:
        answers.say(**_document(descriptor, kind, order, recognition))
        if _used() > _ENOUGH:
            break
    answers.say(end=True)


def _document(descriptor: int, kind: str, order: dict[str, Any], recognition: Recognition) -> dict[str, Any]:
    pages = list(_pages(descriptor, kind, order, recognition))
    _another_page()
    fields = {name: find_field(pages, rule) for name, rule in order["fields"].items()}
    tables = {name: find_rows(pages, rule) for name, rule in order["tables"].items()}
    found: dict[str, Any] = {
        "pages": len(pages),
        "recognised": sum(page.recognised for page in pages),
        "blank": sum(not page.lines for page in pages),
        "fields": {name: [_cell(one.text), round(one.sure, 4)] for name, one in fields.items() if one is not None},
        "tables": {
            name: [
                [row.page, {key: _cell(text) for key, text in row.cells.items()}, round(row.sure, 4)] for row in rows
            ]
            for name, rows in tables.items()
        },
    }
    if order["look"]:
        from backoffice.transform.reading.documents.looking import look

        found["look"] = look(pages)
    if order["text"]:
        found["text"] = _cell("\n".join(page.text for page in pages))
    return found


def _cell(text: str) -> str:
    """As a cell holds it: no control characters, white space as one blank, lines apart."""
    ready = "\n".join(" ".join(_printable(line).split()) for line in text.split("\n"))
    if len(ready) > _LONGEST:
        raise DropRejected("line-too-long", f"A field has {len(ready):,} signs; {_LONGEST:,} can be read.")
    return ready


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else " " for sign in text if not "\ud800" <= sign <= "\udfff")


def _pages(descriptor: int, kind: str, order: dict[str, Any], recognition: Recognition) -> Iterator[Page]:
    """Each page with its words, as text or as a picture, whichever it is."""
    _another_page()
    if kind != "pdf":
        from backoffice.transform.reading.documents import pictures

        picture = pictures.opened(descriptor, kind)
        _agreed(pictures.pages_of(picture), order)
        for one in pictures.drawn(picture):
            yield _recognised(one, order, recognition)
        return
    from backoffice.transform.reading.documents import pdf

    document = pdf.opened(descriptor)
    _agreed(len(document), order)
    for number in range(len(document)):
        _another_page()
        page = document[number]
        words = pdf.words_on(page)
        if words:
            yield Page(lines_of(words))
        elif next(iter(page.get_objects(max_depth=1)), None) is None:
            yield Page([])
        else:
            _may_be_recognised(order)
            yield _recognised(pdf.draw(page, order["dpi"]), order, recognition)
        page.close()


def _agreed(pages: int, order: dict[str, Any]) -> None:
    most = order["max_pages"]
    if pages > most:
        hint = "Send it in parts, or agree on more."
        raise DropRejected("too-large", f"It has {pages:,} pages; {most:,} are agreed.", hint=hint)
    if not pages:
        raise DropRejected("format", "It has no page.", hint="Open it, print it to a new PDF and send that.")


def _may_be_recognised(order: dict[str, Any]) -> None:
    if not order["languages"]:
        hint = "Agree on the languages of scans, or send it as text."
        raise DropRejected("unreadable", "It has a page that is a picture; only text is agreed.", hint=hint)


def _recognised(picture: tuple[bytes, int, int, int, int], order: dict[str, Any], recognition: Recognition) -> Page:
    _may_be_recognised(order)
    _another_page()
    return Page(lines_of(recognition.read(picture)), recognised=True)


def _another_page() -> None:
    """Time for one page more: of the processor, and by the clock. Where it ends, the process does."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    soft = int(_used()) + PAGE_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    signal.alarm(5 * PAGE_SECONDS)


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
