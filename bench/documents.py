"""Pages per second of processor time: invoices as text and as scans, read into the engine, beside the libraries alone.

"Alone" is what a script would do: every page's text by pypdfium2; every page drawn at 300 dots per inch and recognised by
tesserocr, in one process. Ours ends with fields, confidences and the rows of a table in DuckDB; the processes that read are
in it, from their start. One after the other in the same run, both warm.
"""

from __future__ import annotations

import io
import os
import statistics
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backoffice.contract import Sow
from backoffice.transform import Engine
from backoffice.transform.reading.documents.reading import language_packs
from bench.reading import timed

__all__ = ["measure"]

TEXTS, SCANS, RUNS = 200, 6, 3
DPI = 300
_PAGE = """
#set page(width: 210mm, height: 297mm, margin: 20mm)
#set text(size: 10pt)
Example Ltd, Main Street 1, 1010 Wien
#v(10mm)
#grid(columns: (60mm, 60mm), row-gutter: 6mm, [Invoice no.: R-%(number)s], [Date: 05.03.2026])
#v(10mm)
#table(columns: (80mm, 25mm, 35mm), stroke: none, [Article], [Pieces], [Amount], %(items)s)
#v(5mm)
#grid(columns: (105mm, 35mm), row-gutter: 4mm, [Net], [250.00], [VAT], [50.00], [Total], [300.00])
"""


def measure() -> None:
    print("| documents of a page | alone, pages per CPU s | read, pages per CPU s | CPU, ratio |")
    print("|---|---|---|---|")
    texts = [_invoice(number) for number in range(TEXTS)]
    _compare(f"text, {TEXTS}, pypdfium2 alone", texts, _text_alone, [])
    scans = [_scan(one) for one in texts[:SCANS]]
    _compare(f"scans, {SCANS}, {DPI} dpi, tesserocr alone", scans, _recognised_alone, ["eng"])


def _compare(name: str, documents: list[bytes], alone: Callable[[list[bytes]], None], languages: list[str]) -> None:
    sow, drop = _sow(languages), _packed(documents)
    plain: list[float] = []
    ours: list[float] = []
    with Engine() as engine:
        _load(engine, sow, _packed(documents[:1]))  # once, so that neither waits for imports
        alone(documents[:1])
        for _ in range(RUNS):
            plain.append(timed(lambda: alone(documents))[0])
            ours.append(timed(lambda: _load(engine, sow, drop))[0])
    one, other = statistics.median(plain), statistics.median(ours)
    print(f"| {name} | {len(documents) / one:.1f} | {len(documents) / other:.1f} | {other / one:.2f} |")


def _load(engine: Engine, sow: Sow, drop: bytes) -> None:
    descriptor = os.memfd_create("bench", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(drop)
        engine.load(sow, Path(f"/proc/self/fd/{descriptor}"))
    found = engine.connection.execute("SELECT count(*) FROM input WHERE total LIKE '300%'").fetchone()
    assert found, "every one has its total"
    assert found[0] > 0


def _text_alone(documents: list[bytes]) -> None:
    import pypdfium2

    for one in documents:
        document = pypdfium2.PdfDocument(one)
        for page in document:
            assert "Total" in page.get_textpage().get_text_bounded()
        document.close()


def _recognised_alone(documents: list[bytes]) -> None:
    import pypdfium2
    import tesserocr

    with tesserocr.PyTessBaseAPI(path=language_packs(["eng"]), lang="eng") as engine:
        for one in documents:
            document = pypdfium2.PdfDocument(one)
            for page in document:
                engine.SetImage(page.render(scale=DPI / 72, grayscale=True).to_pil())  # type: ignore[arg-type]
                assert "Total" in engine.GetUTF8Text()
            document.close()


def _sow(languages: list[str]) -> Sow:
    columns = {
        "number": {"right_of": ["Invoice no."]},
        "issued": {"right_of": ["Date"]},
        "total": {"right_of": ["Total"]},
    }
    items = {"columns": {"article": ["Article"], "amount": ["Amount"]}, "starts": "amount", "ends_at": ["Net"]}
    source: dict[str, Any] = {"format": "documents", "languages": languages, "dpi": DPI, "columns": columns}
    return Sow.model_validate(
        {
            "title": "Reading", "owner": "bench", "description": "Reads documents.", "purpose": "bench",
            "input": {**source, "tables": {"items": items}},
            "steps": [{"step": "trim"}], "output": {"format": "csv", "filename": "out.csv"},
            "approval": False, "retention": {"results": {"until": "acceptance", "at_most_days": 1}}, "signers": ["acme"],
        }
    )  # fmt: skip


# ---------------------------------------------------------------------- the files


def _invoice(number: int) -> bytes:
    """A page of text with twenty items."""
    import typst

    items = ", ".join(f"[Article {number} of line {line}], [1], [12.50]" for line in range(20))
    return typst.compile((_PAGE % {"number": number + 1000, "items": items}).encode())


def _scan(pdf: bytes) -> bytes:
    """The same as a PDF that holds a picture."""
    import pypdfium2

    document, out = pypdfium2.PdfDocument(pdf), io.BytesIO()
    scale: Any = DPI / 72
    document[0].render(scale=scale, grayscale=True).to_pil().save(out, "PDF", resolution=DPI)
    document.close()
    return out.getvalue()


def _packed(documents: list[bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, one in enumerate(documents):
            archive.writestr(f"{number:04}.pdf", one)
    return out.getvalue()
