"""Files as clients' programs write them, and as nobody's should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from backoffice.transform import Engine
from tests.transform.conftest import memory, sow

SECRET = "qzxcanary"


def read(content: bytes, agreed: Any) -> tuple[Any, list[tuple[Any, ...]]]:
    """The profile of the main input, and its rows."""
    with memory(content) as path, Engine() as engine:
        profiles = engine.load(agreed, path)
        rows = engine.connection.execute("SELECT * EXCLUDE (_row) FROM input ORDER BY _row").fetchall()
        return profiles["input"], rows


def xlsx(
    rows: Sequence[Sequence[Any]], *, name: str = "Data", formats: dict[int, str] | None = None, **options: Any
) -> bytes:
    """A workbook of one sheet; ``formats`` are the number formats of columns."""
    import xlsxwriter

    packed = io.BytesIO()
    with xlsxwriter.Workbook(
        packed, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, **options}
    ) as book:
        sheet = book.add_worksheet(name)
        looks = {place: book.add_format({"num_format": text}) for place, text in (formats or {}).items()}
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, place, cell)
                elif cell is not None:
                    sheet.write(number, place, cell, looks.get(place) if number else None)
    return packed.getvalue()


def parts(content: bytes) -> dict[str, bytes]:
    """What is in a ZIP."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def xlsx_with_sheet(xml: str | bytes, **more: bytes) -> bytes:
    """A workbook whose sheet is this XML."""
    found = parts(xlsx([["id", "name"]]))
    found["xl/worksheets/sheet1.xml"] = xml.encode() if isinstance(xml, str) else xml
    return pack(found | more)


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def inline(reference: str, text: str) -> str:
    """A cell of XLSX with its text in it."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


_NAME = "urn:oasis:names:tc:opendocument:xmlns:"


def ods(rows: Sequence[Sequence[Any]], *, sheets: Sequence[str] = ("Data",), raw: str = "") -> bytes:
    """A workbook of OpenDocument; every sheet has the same rows."""
    body = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(map(_ods_row, rows))}{raw}</table:table>' for name in sheets
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{_NAME}office:1.0" '
        f'xmlns:table="{_NAME}table:1.0" xmlns:text="{_NAME}text:1.0" office:version="1.3"><office:body>'
        f"<office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = f'<manifest:manifest xmlns:manifest="{_NAME}manifest:1.0"/>'
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    return pack({"mimetype": kind, "META-INF/manifest.xml": manifest.encode(), "content.xml": content.encode()})


def _ods_row(row: Sequence[Any]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(cell: Any) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, bool):
        value = f'"boolean" office:boolean-value="{str(cell).lower()}"'
    elif isinstance(cell, int | float):
        value = f'"float" office:value="{cell!r}"'
    elif hasattr(cell, "isoformat"):
        value = f'"date" office:date-value="{cell.isoformat()}"'
    else:
        return f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
    return f"<table:table-cell office:value-type={value}><text:p>{cell}</text:p></table:table-cell>"


def agreed(format_: str, columns: Any = ("id", "name"), **more: Any) -> Any:
    """A SOW that reads this format."""
    return sow(columns=columns, format=format_, **more)
