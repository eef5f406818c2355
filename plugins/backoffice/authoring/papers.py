"""A project of documents, to begin with: fields by their labels, what a person has to look at, and where each is filed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backoffice.authoring.meaning import Meaning, by_names
from backoffice.authoring.samples import CELLS
from backoffice.authoring.suggesting import Planned
from backoffice.contract import DocumentsInput

__all__ = ["output_of_documents", "plan_for_documents", "write_documents"]

_DAYS = (Meaning.DATE, Meaning.BIRTH)
_LABELS = {
    Meaning.ID: ["Invoice no.", "Rechnungsnummer"],
    Meaning.DATE: ["Date", "Datum"],
    Meaning.AMOUNT: ["Total", "Gesamtbetrag"],
}
_PAGE = """#set page(paper: "a4", margin: 25mm)
#set text(size: 11pt)
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def plan_for_documents(meanings: Mapping[str, Meaning]) -> Planned:
    """What documents with these fields suggest."""
    fields = {name: {"right_of": _LABELS.get(one) or [_words(name)]} for name, one in meanings.items()}
    days = [name for name, one in meanings.items() if one in _DAYS]
    amounts = [name for name, one in meanings.items() if one is Meaning.AMOUNT]
    known = next((name for name, one in meanings.items() if one is Meaning.ID), next(iter(meanings)))
    steps: list[dict[str, Any]] = []
    if days:
        steps.append({"step": "dates", "columns": days, "formats": ["YYYY-MM-DD", "D.M.YYYY"]})
    if amounts:
        steps.append({"step": "number", "columns": amounts})
    steps.append({"step": "needs_review", "to": "review", "required": list(meanings), "confidence": 0.8})
    folder = f"{{{days[0]}:YYYY}}/" if days else ""
    steps.append({"step": "file_documents", "name": f"{folder}{{{known}}}", "path_as": "filed_as"})
    filled = [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name}} for name in (*meanings, "filed_as")
    ]
    notes = ["Write the labels that stand beside the fields in your documents; the first that has a value counts."]
    return Planned({"format": "documents", "columns": fields}, steps, filled, notes)


def output_of_documents(name: str) -> dict[str, Any]:
    """A workbook with what was read and what a person has to look at, and the documents themselves."""
    sheets = [{"name": "Documents"}, {"name": "To look at", "table": "review"}]
    return {
        "format": "zip",
        "filename": f"{name}.zip",
        "files": [{"format": "xlsx", "filename": f"{name}.xlsx", "sheets": sheets}],
        "documents": {"path": "filed_as", "others": "to_look_at"},
    }


def write_documents(section: DocumentsInput, folder: Path) -> Path | None:
    """Write ``input.zip``: two made-up PDFs with every field that stands right of a label; in the second one is missing."""
    import typst

    labels = {name: one.right_of[0] for name, one in section.fields.items() if one.right_of}
    if not labels:
        return None
    meanings = by_names(section.columns)
    path = folder / "input.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in (0, 1):
            cells = {name: CELLS[meanings[name] or Meaning.TEXT][number] for name in labels}
            if number:
                cells.pop(next(reversed(cells)))
            lines = [
                f"#{json.dumps(f'{labels[name]}: {cell}', ensure_ascii=False)} \\ " for name, cell in cells.items()
            ]
            content = typst.compile((_PAGE + "\n".join(lines)).encode())
            archive.writestr(zipfile.ZipInfo(f"{number + 1}.pdf", _EPOCH), content)
    return path


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
