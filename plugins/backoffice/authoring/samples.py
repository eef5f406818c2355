"""A few made-up rows for a new SOW's first test case: as untidy as what clients send, and nobody's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backoffice.authoring.meaning import Meaning, by_names
from backoffice.contract import (
    CsvInput,
    DocumentsInput,
    Incoming,
    Input,
    JsonLinesInput,
    ParquetInput,
    SpreadsheetInput,
)

__all__ = ["CELLS", "write_input"]

CELLS: dict[Meaning, tuple[str, str, str]] = {
    Meaning.ID: ("1001", "1002", "1003"),
    Meaning.GIVEN_NAME: ("ann", " BO ", "cy"),
    Meaning.SURNAME: ("o'neill", "LI", "van berg"),
    Meaning.NAME: ("ann o'neill", " BO LI ", "cy van berg"),
    Meaning.COMPANY: ("Example Ltd", "Example GmbH", ""),
    Meaning.EMAIL: ("ann@example.com", " BO@EXAMPLE.COM", "cy(at)example.com"),
    Meaning.PHONE: ("+43 664 1234567", "0664/123 45 67", "12"),
    Meaning.STREET: ("main street 1", "Ring 2/3", ""),
    Meaning.POSTCODE: ("1010", "8010", "0000x"),
    Meaning.TOWN: ("vienna", " Graz", ""),
    Meaning.COUNTRY: ("AT", "Austria", "at"),
    Meaning.BIRTH: ("1980-01-31", "1.2.1985", "31.2.1990"),
    Meaning.DATE: ("2026-01-31", "1.2.2026", "31.2.2026"),
    Meaning.IBAN: ("AT61 1904 3002 3457 3201", "DE89370400440532013000", "AT00 0000"),
    Meaning.NATIONAL_ID: ("1234567", "2345678", ""),
    Meaning.IP: ("192.0.2.1", "192.0.2.2", ""),
    Meaning.GENDER: ("Ms", "Mr", ""),
    Meaning.CONSENT: ("yes", "no", ""),
    Meaning.TRUTH: ("yes", "no", ""),
    Meaning.AMOUNT: ("12.50", "1234.00", "on request"),
    Meaning.CURRENCY: ("EUR", "EUR", "EUR"),
    Meaning.QUANTITY: ("3", "12", ""),
    Meaning.GTIN: ("4006381333931", "4006381333932", ""),
    Meaning.SKU: ("A-1", "A-2", "A-3"),
    Meaning.CATEGORY: ("one", " two", "one"),
    Meaning.NUMBER: ("1.5", "2", ""),
    Meaning.WHOLE: ("1", "2", ""),
    Meaning.TEXT: ("a text", " more  text", ""),
}


def write_input(section: Incoming, folder: Path) -> Path | None:
    """Write ``input.<ext>`` as ``section`` has it; ``None`` for a format that nothing here writes."""
    if isinstance(section, DocumentsInput):
        from backoffice.authoring.papers import write_documents

        return write_documents(section, folder)
    if not isinstance(section, Input):
        return None
    headers = [one.header or name for name, one in section.columns.items()]
    meanings = by_names(section.columns).values()
    rows = [list(row) for row in zip(*(CELLS[one or Meaning.TEXT] for one in meanings), strict=True)]
    rows.append(rows[0])  # a row that is there twice
    path = folder / f"input.{getattr(section, 'format')}"  # noqa: B009 - each format has its own model
    if isinstance(section, CsvInput):
        path.write_bytes(_csv(section, headers, rows))
    elif isinstance(section, JsonLinesInput):
        path.write_text("".join(json.dumps(_nested(headers, row)) + "\n" for row in rows), encoding="utf-8")
    elif isinstance(section, SpreadsheetInput) and section.format == "xlsx":
        _xlsx(section, path, [headers, *rows])
    elif isinstance(section, ParquetInput):
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = zip(headers, zip(*rows, strict=True), strict=True)
        pq.write_table(pa.table({name: list(cells) for name, cells in columns}), path)
    else:
        return None
    return path


def _csv(section: CsvInput, headers: list[str], rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    delimiter = "," if section.delimiter == "auto" else section.delimiter
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([headers, *rows] if section.header else rows)
    return text.getvalue().encode("utf-8" if section.encoding == "auto" else section.encoding)


def _nested(headers: Iterable[str], row: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for header, cell in zip(headers, row, strict=True):
        way = header[1:].split("/") if header.startswith("/") else [header]
        keys = [one.replace("~1", "/").replace("~0", "~") for one in way]
        inner = found
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = cell or None
    return found


def _xlsx(section: SpreadsheetInput, path: Path, rows: list[list[str]]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        for number in range(1, section.sheet if isinstance(section.sheet, int) else 1):
            book.add_worksheet(f"Sheet{number}")
        sheet = book.add_worksheet(section.sheet if isinstance(section.sheet, str) else None)
        for index, row in enumerate(rows):
            gap = section.skip_below_header if index else 0
            for column, cell in enumerate(row):
                sheet.write_string(section.header_row - 1 + index + gap, column, cell)
