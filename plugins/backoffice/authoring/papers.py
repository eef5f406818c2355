"""A project of documents, to begin with: fields by their labels, what a person has to look at, and where each is filed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from backoffice.authoring.meaning import Meaning, by_names
from backoffice.authoring.paper_profile import PaperProfile
from backoffice.authoring.profile import ColumnProfile
from backoffice.authoring.samples import CELLS
from backoffice.authoring.suggesting import Planned
from backoffice.contract import DocumentsInput

__all__ = ["output_of_documents", "plan_for_documents", "plan_of_papers", "write_documents"]

_Key = TypeVar("_Key", bound=Hashable)
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
    steps = _steps(meanings, {}, list(meanings))
    notes = ["Write the labels that stand beside the fields in your documents; the first that has a value counts."]
    return Planned({"format": "documents", "columns": fields}, steps, _filled([*meanings, "filed_as"]), notes)


def plan_of_papers(found: PaperProfile) -> Planned:
    """What the documents that were looked through suggest."""
    if not found.fields:
        notes = [
            "No usual label was found. Say for each field what stands beside it: `right_of`, `below` or `pattern`."
        ]
        return Planned(found.input, [], [], notes)
    known = {name: one.column for name, one in found.fields.items()}
    always = [name for name, one in known.items() if one.filled == one.rows]
    notes = [
        f"`{name}` was found in {one.filled:,} of {one.rows:,} documents."
        for name, one in known.items()
        if name not in always
    ]
    notes += [
        f"`{name}`: say which label ends the table, as `ends_at`, and where a row starts." for name in found.tables
    ]
    steps = _steps({name: one.meaning for name, one in known.items()}, known, always or list(known)[:1])
    return Planned(found.input, steps, _filled([*always, "filed_as"]), notes)


def _filled(columns: Iterable[str]) -> list[dict[str, Any]]:
    return [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name}} for name in columns]


def _steps(
    meanings: Mapping[str, Meaning], known: Mapping[str, ColumnProfile], required: list[str]
) -> list[dict[str, Any]]:
    days = [name for name, one in meanings.items() if one in _DAYS]
    amounts = [name for name, one in meanings.items() if one is Meaning.AMOUNT]
    steps: list[dict[str, Any]] = []
    for formats, columns in _alike({name: known[name].date_formats if name in known else () for name in days}).items():
        steps.append({"step": "dates", "columns": columns, "formats": list(formats) or ["YYYY-MM-DD", "D.M.YYYY"]})
    for decimal, columns in _alike({name: known[name].decimal if name in known else "" for name in amounts}).items():
        more = {"decimal": decimal, "currency": True} if known else {}
        steps.append({"step": "number", "columns": columns, **{key: one for key, one in more.items() if one}})
    steps.append({"step": "needs_review", "to": "review", "required": required, "confidence": 0.8})
    reference = next((name for name, one in meanings.items() if one is Meaning.ID), next(iter(meanings)))
    folder = f"{{{days[0]}:YYYY}}/" if days else ""
    steps.append({"step": "file_documents", "name": f"{folder}{{{reference}}}", "path_as": "filed_as"})
    return steps


def _alike(written: Mapping[str, _Key]) -> dict[_Key, list[str]]:
    """The columns that are written alike, together."""
    found: dict[_Key, list[str]] = {}
    for name, how in written.items():
        found.setdefault(how, []).append(name)
    return found


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
