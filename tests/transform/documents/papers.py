"""Making documents for tests: PDFs with text, scans of them, and SOWs that read them."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from backoffice.contract import Sow
from backoffice.transform import Engine
from tests.transform.conftest import memory

INVOICE = """
#set page(width: 210mm, height: 297mm, margin: 20mm)
#set text(font: "DejaVu Sans Mono", size: 11pt)
Example Ltd \\ Main Street 1 \\ 1010 Wien
#v(10mm)
#grid(columns: (60mm, 50mm, 40mm), row-gutter: 6mm,
  [Invoice no.: *{number}*], [Date: 05.03.2026], [Page 1],
  [Customer], [Delivered to], [],
  [Ann Example \\ Ring 2 \\ 8010 Graz], [Bo Example], [])
#v(10mm)
#table(columns: (70mm, 25mm, 35mm), stroke: none, align: (left, right, right),
  [Article], [Pieces], [Amount],
  [Paper, white \\ A4], [3], [12.00],
  [Ink], [1], [8.50])
#v(5mm)
#grid(columns: (95mm, 35mm), row-gutter: 4mm, align: (left, right),
  [Net], [20.50], [VAT], [4.10], [Total], [{total}])
"""
FIELDS: dict[str, Any] = {
    "number": {"right_of": ["Invoice no."]},
    "issued": {"right_of": ["date"], "pattern": r"\d{2}\.\d{2}\.\d{4}"},
    "customer": {"below": ["Customer"], "lines": 3},
    "total": {"right_of": ["Total"]},
}
ITEMS: dict[str, Any] = {
    "items": {
        "columns": {"article": ["Article"], "pieces": ["Pieces"], "amount": ["Amount"]},
        "starts": "amount",
        "ends_at": ["Net"],
    }
}


def invoice(number: str = "A-4711", total: str = "24.60") -> bytes:
    """A PDF with text."""
    return typeset(INVOICE.replace("{number}", number).replace("{total}", total))


def typeset(source: str) -> bytes:
    """A PDF of Typst's markup."""
    import typst

    return typst.compile(source.encode())


def scan(pdf: bytes, kind: str = "png", *, dpi: int = 200, page: int = 0) -> bytes:
    """A picture of one page."""
    out = io.BytesIO()
    drawn(pdf, dpi=dpi, page=page).save(out, {"png": "PNG", "jpg": "JPEG", "tif": "TIFF"}[kind], dpi=(dpi, dpi))
    return out.getvalue()


def drawn(pdf: bytes, *, dpi: int = 200, page: int = 0) -> Any:
    """One page as Pillow has it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    scale: Any = dpi / 72
    picture = document[page].render(scale=scale).to_pil().convert("L")
    document.close()
    return picture


def scanned(pdf: bytes, *, dpi: int = 200) -> bytes:
    """The same as a PDF that holds a picture only."""
    out = io.BytesIO()
    drawn(pdf, dpi=dpi).save(out, "PDF", resolution=dpi)
    return out.getvalue()


def joined(*pdfs: bytes) -> bytes:
    """Several PDFs as one."""
    import pypdfium2

    whole, out = pypdfium2.PdfDocument.new(), io.BytesIO()
    for one in pdfs:
        whole.import_pages(pypdfium2.PdfDocument(one))
    whole.save(out)
    return out.getvalue()


def packed(files: dict[str, bytes]) -> bytes:
    """A ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def agreed(columns: dict[str, Any] | None = None, **spec: Any) -> Sow:
    """A SOW that reads documents."""
    steps, output = spec.pop("steps", None), spec.pop("output", None)
    return Sow.model_validate(
        {
            "title": "t",
            "owner": "o",
            "description": "d",
            "purpose": "p",
            "input": {"format": "documents", "columns": columns or FIELDS, **spec},
            "steps": steps or [{"step": "trim"}],
            "output": output or {"format": "csv", "filename": "out.csv"},
            "approval": False,
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
            "signers": ["acme"],
        }
    )


def read(sow: Sow, content: bytes) -> tuple[Any, dict[str, list[dict[str, Any]]]]:
    """What is found in a drop: the profile, and the rows of each table by column."""
    with memory(content) as path, Engine() as engine:
        profile = engine.load(sow, path)["input"]
        found = {}
        for name in sow.bases:
            cursor = engine.connection.execute(f'SELECT * EXCLUDE (_row) FROM "{name}" ORDER BY _row')
            names = [one[0] for one in cursor.description or ()]
            found[name] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return profile, found
