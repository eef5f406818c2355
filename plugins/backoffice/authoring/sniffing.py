"""A first look at an author's test file: which format it is, where its header stands, and what an input section says."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from backoffice.authoring.meaning import by_name
from backoffice.discretion import kind_of
from backoffice.errors import DropRejected

__all__ = ["Sniffed", "column_name", "sniff"]

_LOOKED_AT = 256 * 1024
_SPREADSHEETS = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".xlsb": "xlsb", ".ods": "ods"}
_YEAR = re.compile(r"(19|20)\d\d")
_OTHERS = {b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"-----BEGIN PGP": "encrypted"}


@dataclass(frozen=True)
class Sniffed:
    """What was found."""

    input: dict[str, Any]
    """The ``input`` of a SOW that reads it."""

    @property
    def columns(self) -> list[str]:
        """The names that the columns are given."""
        return list(self.input["columns"])


def sniff(path: Path, *, suffix: str = "") -> Sniffed:
    """Look at ``path``.

    :param suffix: how its name ends, where that is not how ``path`` does.

    :raises DropRejected: it is of a format that has no table in it, or nothing like a header is found.
    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    kind = next((what for magic, what in _OTHERS.items() if head.startswith(magic)), "")
    if kind:
        raise DropRejected(
            "format",
            f"The file is {kind}: no table to profile.",
            hint="Give a table: CSV, XLSX, …. What is in a PDF or a scan, `sow profile` shows.",
        )
    if not head.strip():
        raise DropRejected("empty", "The file is empty.", hint="Give one with a header and rows.")
    if head.startswith(b"PAR1"):
        return Sniffed({"format": "parquet", "columns": _columns(_parquet_names(path))})
    if head.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _spreadsheet(path, suffix or path.suffix)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DropRejected("format", "The file is no text and of no known format.", hint="Give a table: CSV, XLSX, ….")
    return _text(head)


def _text(head: bytes) -> Sniffed:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = head.decode(encoding, "replace")
    if text.count("\ufffd") > 1:
        text = head.decode("cp1252", "replace")
    lines = text.splitlines() if len(head) < _LOOKED_AT else text.splitlines()[:-1] or text.splitlines()
    if text.lstrip().startswith("{") and (names := _json_names(lines)):
        return Sniffed({"format": "jsonl", "columns": _columns(names, exact=True)})
    delimiter = _delimiter(lines)
    csv.field_size_limit(2**31 - 1)
    rows = [row for row in islice(csv.reader(lines, delimiter=delimiter, skipinitialspace=True), 50) if any(row)]
    if not rows:
        raise DropRejected("empty", "The file has no rows.", hint="Give one with a header and rows.")
    found: dict[str, Any] = {
        "format": "csv",
        "encoding": "auto",
        "delimiter": "\\t" if delimiter == "\t" else delimiter,
    }
    if delimiter == "\t":
        found["delimiter"] = "\t"
    if _is_header(rows[0], rows[1:]):
        return Sniffed({**found, "columns": _columns(rows[0])})
    names = [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
    return Sniffed({**found, "header": False, "columns": dict.fromkeys(names, "required")})


def _delimiter(lines: list[str]) -> str:
    """The sign under which most rows have the same number of cells, more than one."""
    best, most = ",", 0.0
    for sign in ",;\t|":
        widths = Counter(len(row) for row in islice(csv.reader(lines[:50], delimiter=sign), 50) if row)
        width, times = max(widths.items(), key=lambda one: (one[1], one[0]), default=(1, 0))
        share = times / max(1, sum(widths.values())) * (1 + min(width, 50) / 100)
        if width > 1 and share > most:
            best, most = sign, share
    return best


def _is_header(row: list[str], below: Sequence[list[str]]) -> bool:
    """Names: filled, different, none that is a number, a date or an address; and, where none is a usual name, none that is
    also a cell below. A row of data that is taken for names is written into a SOW.
    """
    cells = [cell.strip().casefold() for cell in row]
    data = re.compile(r"[-+]?[\d.,/:\s-]*\d[\d.,/:\s-]*|\S+@\S+\.\S+")
    different = len({cell for cell in cells if cell}) == sum(map(bool, cells))
    return (
        different
        and any(cells)
        and not any(data.fullmatch(cell) for cell in cells if cell)
        and (
            any(by_name(column_name(cell)) for cell in cells)
            or not any(_repeats(cells, [cell.strip().casefold() for cell in one]) for one in below)
        )
    )


def _repeats(header: list[str], row: list[str]) -> bool:
    """Whether a name is a cell of its own column; not where the whole header stands there once more."""
    same = [name == cell for name, cell in zip(header, row, strict=False) if name]
    return any(same) and not all(same)


def _json_names(lines: list[str]) -> list[str]:
    names: dict[str, None] = {}
    for line in islice((one for one in lines if one.strip()), 200):
        try:
            found = json.loads(line)
        except ValueError:
            return []
        if not isinstance(found, dict):
            return []
        names |= dict.fromkeys(_pointers(found))
    return list(names)


def _pointers(found: dict[str, Any], way: str = "") -> Iterable[str]:
    """A key, or the way to a nested one as RFC 6901 writes it."""
    for key, value in found.items():
        escaped = key.replace("~", "~0").replace("/", "~1")
        if isinstance(value, dict):
            yield from _pointers(value, f"{way}/{escaped}" if way else f"/{escaped}")
        elif not isinstance(value, list):
            yield f"{way}/{escaped}" if way else key


def _parquet_names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    fault = ""
    try:
        return list(pq.read_schema(path).names)
    except Exception as error:  # noqa: BLE001 - pyarrow's errors may show cells
        fault = kind_of(error)
    raise DropRejected("format", f"The file is no Parquet that can be read ({fault}).", hint="Is it whole?")


def _spreadsheet(path: Path, suffix: str) -> Sniffed:
    from python_calamine import CalamineWorkbook

    from backoffice.transform.reading.workbook_child import number_text

    fault, rows, offset, kind = "", [], 0, _SPREADSHEETS.get(suffix.lower())
    if kind is None:
        hint = "Give one of its files; a SOW names it as `member`."
        raise DropRejected("format", "The file is a ZIP, or an office file of another kind.", hint=hint)
    try:
        sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
        rows = list(islice(sheet.iter_rows(), 25))
        offset = sheet.start[0] if sheet.start else 0
    except Exception as error:  # noqa: BLE001 - whatever it raised may show cells
        fault = kind_of(error)
    if fault or not rows:
        raise DropRejected("format", f"The sheet cannot be read{f' ({fault})' if fault else ''}.", hint="Is it whole?")
    texts = [[number_text(cell) if isinstance(cell, float) else str(cell).strip() for cell in row] for row in rows]
    filled = [sum(map(bool, row)) for row in texts]
    widest = max(filled)
    first = next(index for index, count in enumerate(filled) if count >= max(1, widest * 0.8))
    # A column may be called after a year.
    places = [place for place, name in enumerate(texts[first]) if not _YEAR.fullmatch(name)]
    header, *below = ([row[place] for place in places] for row in texts[first:])
    if not _is_header(header, below):
        hint = "Put a row above the table that names its columns, each by a name of its own."
        raise DropRejected("columns", f"Row {first + offset + 1} of the sheet holds cells, not names.", hint=hint)
    found: dict[str, Any] = {"format": kind}
    if first + offset:
        found["header_row"] = first + offset + 1
    return Sniffed({**found, "columns": _columns(name for name in texts[first] if name)})


def _columns(headers: Iterable[str], *, exact: bool = False) -> dict[str, Any]:
    """Each column under a name of its own; with its header where that is another. ``exact``: case matters."""
    found: dict[str, Any] = {}
    for number, header in enumerate(headers, start=1):
        header = header.strip()
        name = base = column_name(header) or f"column_{number}"
        for time in range(2, 1000):
            if name not in found:
                break
            name = f"{base}_{time}"
        found[name] = (
            "required"
            if name == (header if exact else header.casefold())
            else {"header": header or name, "need": "required"}
        )
    return found


def column_name(header: str) -> str:
    """A name as programs like it: ``E-Mail`` to ``e_mail``, ``Straße`` to ``strasse``."""
    folded = header.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    plain = unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:60]
