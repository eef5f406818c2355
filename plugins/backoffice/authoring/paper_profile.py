"""What documents hold, for whoever writes a SOW: pages, text or scan, languages, fields by usual labels, tables.

They are read twice, by confined children: once for labels, which are ours, and headers; then as a SOW with those would read
them. As with tables, nothing of a value is shown but its shape, unless values are asked for.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.authoring.meaning import Meaning, by_names
from backoffice.authoring.profile import ColumnProfile, agreed, column_profile
from backoffice.authoring.sniffing import Sniffed, column_name
from backoffice.contract import INPUT
from backoffice.contract.documents import CONFIDENCE, DOCUMENT, LANGUAGES, DocumentsInput, Language
from backoffice.errors import EngineError

if TYPE_CHECKING:
    from backoffice.transform import Engine

__all__ = ["FieldProfile", "PaperProfile", "TableProfile", "holds_documents", "profile_documents"]

_SUFFIXES = (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
_MEANINGS = {
    "number": Meaning.ID,
    "document_date": Meaning.DATE,
    "due_date": Meaning.DATE,
    "net": Meaning.AMOUNT,
    "tax": Meaning.AMOUNT,
    "total": Meaning.AMOUNT,
    "iban": Meaning.IBAN,
    "email": Meaning.EMAIL,
    "phone": Meaning.PHONE,
}
_OURS = (DOCUMENT, "page", "line", "confidence")


@dataclass(frozen=True)
class FieldProfile:
    """A field that stands beside or below a usual label."""

    place: dict[str, list[str]]
    """As a SOW says it: ``right_of``, ``below``."""
    sure: float
    """How sure its reading is on average, from 0 to 1."""
    column: ColumnProfile


@dataclass(frozen=True)
class TableProfile:
    """A table within the documents."""

    labels: dict[str, str]
    """Its columns, and what stands above each."""
    documents: int
    """How many have it."""
    columns: tuple[ColumnProfile, ...]


@dataclass(frozen=True)
class PaperProfile:
    """Documents."""

    kinds: dict[str, int]
    """How many of them are ``pdf``, ``png``, …"""
    pages: int
    recognised: int
    """Pages that are pictures."""
    blank: int
    sure: float | None
    """How sure the recognition of those pages is on average, from 0 to 1; ``None``: there are none."""
    languages: tuple[Language, ...]
    """What they are likely written in, by the words that each language has most, the first one first."""
    fields: dict[str, FieldProfile]
    tables: dict[str, TableProfile]

    @property
    def documents(self) -> int:
        """How many there are."""
        return sum(self.kinds.values())

    @property
    def input(self) -> dict[str, Any]:
        """The ``input`` of a SOW that reads them so."""
        section: dict[str, Any] = {"format": "documents"}
        if self.recognised:
            section["languages"] = list(self.languages)
        places = {name: one.place for name, one in self.fields.items()}
        heads = {name: one.labels for name, one in self.tables.items()}
        return section | {key: one for key, one in _found_in(places, heads).items() if one}


def holds_documents(path: Path) -> bool:
    """Whether it is a PDF or a picture, or a ZIP with one."""
    from backoffice.transform.reading.content import DOCUMENTS, kind_of

    with path.open("rb") as file:
        kind = kind_of(file)
        if kind != "zip":
            return kind in DOCUMENTS
        try:
            return any(name.lower().endswith(_SUFFIXES) for name in zipfile.ZipFile(file).namelist())
        except (zipfile.BadZipFile, ValueError):
            return False


def profile_documents(path: Path, *, values: bool = False) -> PaperProfile:
    """Look through the documents of ``path``. Pictures are read in every language that is installed here.

    :param values: whether examples are wanted.
    :raises DropRejected: one of them cannot be read.
    """
    from backoffice.transform import Engine

    seen = _seen(path)
    kinds = Counter(one["kind"] for one in seen)
    counted = Counter[Language]()
    for one in seen:
        counted.update(one["words"])
    sure = [share for one in seen for share in one["sure"]]
    found = PaperProfile(
        dict(kinds), sum(one["pages"] for one in seen), sum(one["recognised"] for one in seen),
        sum(one["blank"] for one in seen), sum(sure) / len(sure) if sure else None, _likely(counted),
        {}, {},
    )  # fmt: skip
    places, heads = _places(seen), _heads(seen)
    section = _section(places, heads, _installed() if found.recognised else [])
    with Engine() as engine:
        engine.load(agreed(Sniffed(section)), path)
        fields = {name: _field(engine, name, place, values=values) for name, place in places.items()}
        tables = {name: _inner(engine, name, labels, values=values) for name, labels in heads.items()}
    return PaperProfile(
        found.kinds, found.pages, found.recognised, found.blank, found.sure, found.languages,
        {name: one for name, one in fields.items() if one.column.filled},
        {name: one for name, one in tables.items() if one.documents},
    )  # fmt: skip


def _seen(path: Path) -> list[dict[str, Any]]:
    from backoffice.transform.reading.documents.reading import look_through
    from backoffice.transform.reading.drop import documents_of

    spec = DocumentsInput.model_validate(_section({}, {}, _installed()))
    with path.open("rb", buffering=0) as file:
        return list(look_through(spec, documents_of(file.fileno(), spec, alone=True)))


def _installed() -> list[Language]:
    from backoffice.transform.reading.documents.reading import language_packs

    found: list[Language] = []
    for code in LANGUAGES:
        try:
            language_packs([*found, code])
        except EngineError:
            continue
        found.append(code)
    return found


def _likely(counted: Counter[Language]) -> tuple[Language, ...]:
    most = max(counted.values(), default=0)
    found: list[Language] = [code for code, count in counted.most_common(2) if count and 4 * count >= most]
    return tuple(found or ["eng"])


def _places(seen: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Each field's labels, those first that stand in most documents."""
    counted: dict[str, Counter[tuple[str, str]]] = {}
    for one in seen:
        for name, (label, place) in one["labels"].items():
            counted.setdefault(name, Counter())[label, place] += 1
    found: dict[str, dict[str, list[str]]] = {}
    for name, labels in counted.items():
        for (label, place), _ in labels.most_common():
            found.setdefault(name, {}).setdefault(place, []).append(label)
    return found


def _heads(seen: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The tables, those first that stand in most documents: a name for each column, and its label."""
    counted = Counter(tuple(head) for one in seen for head in one["heads"])
    found: dict[str, dict[str, str]] = {}
    for number, (head, _) in enumerate(counted.most_common(5), start=1):
        columns: dict[str, str] = {}
        for place, label in enumerate(head, start=1):
            name = column_name(label) or f"column_{place}"
            columns[f"{name}_{place}" if name in columns or name in _OURS else name] = label
        found["items" if number == 1 else f"items_{number}"] = columns
    return found


def _section(places: dict[str, Any], heads: dict[str, dict[str, str]], languages: list[Language]) -> dict[str, Any]:
    return {"format": "documents", "languages": languages, **_found_in(places, heads)}


def _found_in(places: dict[str, Any], heads: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The columns and tables of an input; without any field all of the text."""
    tables = {name: _table({column: [label] for column, label in one.items()}) for name, one in heads.items()}
    return {"columns": places or {"text": {"take": "text"}}, "tables": tables}


def _table(columns: dict[str, list[str]]) -> dict[str, Any]:
    """A row begins where the last column, mostly the amount, is filled; it ends where sums begin."""
    return {"columns": columns, "starts": list(columns)[-1], "ends_at": ["Net", "Subtotal", "Netto", "Total", "Summe"]}


def _field(engine: Engine, name: str, place: dict[str, list[str]], *, values: bool) -> FieldProfile:
    from backoffice.transform.faults import rows_of

    column = column_profile(engine, name, _MEANINGS.get(name), values=values)
    average = rows_of(engine.connection, f'SELECT avg("{name}{CONFIDENCE}") FROM {INPUT}')[0][0]  # noqa: S608
    return FieldProfile(place, float(average or 0), column)


def _inner(engine: Engine, table: str, labels: dict[str, str], *, values: bool) -> TableProfile:
    from backoffice.transform.faults import rows_of

    named = by_names(labels)
    columns = tuple(column_profile(engine, name, named[name], values=values, table=table) for name in labels)
    documents = rows_of(engine.connection, f'SELECT count(DISTINCT "{DOCUMENT}") FROM "{table}"')[0][0]  # noqa: S608
    return TableProfile(labels, int(documents), columns)
