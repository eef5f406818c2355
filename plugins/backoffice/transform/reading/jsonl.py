"""Reading JSON lines: one object in each line, its values as text in one way of writing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from backoffice.contract import JsonLinesInput
from backoffice.errors import DropRejected
from backoffice.transform.figures import InputProfile
from backoffice.transform.reading.columns import MOST_COLUMNS
from backoffice.transform.reading.loading import load_batches, texts, wanted

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["exact_number", "read_jsonl"]

_ROWS = 20_000
_PIECE_BYTES = 16 << 20
_LARGEST_EXPONENT = 400
_AGAIN = "Export it again: UTF-8, one JSON object in each line."


def read_jsonl(connection: DuckDBPyConnection, spec: JsonLinesInput, path: Path, *, into: str) -> InputProfile:
    """Read ``path`` into the table ``into``: ``_row`` and the columns of ``spec``, all text, in the file's order.

    :raises DropRejected: ``format``, ``encoding``, ``columns``, ``line-too-long``, ``too-large``, ``empty``.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        lines = _Lines(file, spec)
        places: dict[str, int | None] = {name: place for place, name in enumerate(spec.columns)}
        rows = load_batches(connection, spec, places, lines.pieces(), into=into)
    if lines.refused:
        code, message, hint = lines.refused
        raise DropRejected(code, message, hint=hint)
    if rows == 0:
        raise DropRejected("empty", "The file has no rows.", hint="Send one with a JSON object in each line.")
    missing = lines.missing()
    if missing or (lines.others and spec.extra_columns == "refuse"):
        raise _wrong_columns(missing, len(lines.others), spec)
    return InputProfile(
        format=spec.format,
        rows=rows,
        bytes=size,
        columns=len(lines.seen) + len(lines.others),
        dropped_columns=len(lines.others),
        missing_columns=len(spec.columns) - len(lines.seen),
        encoding="utf-8",
        blank_rows=lines.blank,
    )


def _wrong_columns(missing: list[str], others: int, spec: JsonLinesInput) -> DropRejected:
    faults = [f"{'Keys are' if len(missing) > 1 else 'A key is'} in no line: {', '.join(missing)}"] if missing else []
    if others and spec.extra_columns == "refuse":
        faults.append(f"{others} key{'s' if others > 1 else ''} that {'are' if others > 1 else 'is'} not agreed")
    hint = f"The agreed keys are: {', '.join(one.header for one in wanted(spec))}."
    return DropRejected("columns", f"{'; '.join(faults)}.", hint=hint)


class _Lines:
    """The lines of a file as columns, piece by piece; ``refused`` says why there are no more."""

    def __init__(self, file: IO[bytes], spec: JsonLinesInput) -> None:
        self.refused: tuple[str, str, str] | None = None
        self.others: set[str] = set()
        self.seen: set[str] = set()
        self.blank = 0
        self._file, self._spec, self._number = file, spec, 0
        self._ways = {one.name: _way(one.header) for one in wanted(spec)}
        self._known = {way[0] for way in self._ways.values()}
        self._decode = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=exact_number, parse_int=_whole, parse_constant=_no_number
        ).decode

    def missing(self) -> list[str]:
        """The headers of required columns that are in no line."""
        return [one.header for one in wanted(self._spec) if one.required and one.name not in self.seen]

    def pieces(self) -> Iterator[tuple[int, list[pa.Array]]]:
        """Columns of text, some thousand rows at a time; ends at the first fault."""
        objects = self._objects()
        while not self.refused and (rows := list(self._some(objects))):
            columns = []
            for name, way in self._ways.items():
                column = self._column(name, way, rows)
                if column is None:
                    return
                columns.append(column)
            yield len(rows), columns

    def _some(self, objects: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        end = self._file.tell() + _PIECE_BYTES
        for one in islice(objects, _ROWS):
            yield one
            if self._file.tell() > end:
                return

    def _objects(self) -> Iterator[dict[str, Any]]:
        known, limit = self._known, self._spec.max_line_bytes
        while line := self._file.readline(limit + 1):
            self._number += 1
            if len(line) > limit:
                message = f"Line {self._number:,} is longer than the agreed {limit:,} bytes."
                self.refused = ("line-too-long", message, "Are the line ends missing? Export it again.")
                return
            if not line.strip():
                self.blank += 1
                continue
            found = self._object(line)
            if found is None:
                return
            others = found.keys() - known
            if others:
                self.others |= others
                if len(self.others) > MOST_COLUMNS:
                    message = f"The file has more than {MOST_COLUMNS:,} keys."
                    self.refused = ("columns", message, "Send the agreed ones.")
                    return
            yield found

    def _object(self, line: bytes) -> dict[str, Any] | None:
        code, message, hint = "format", "is not a JSON object", _AGAIN
        try:
            text = line.decode("utf-8-sig" if self._number == 1 else "utf-8")
            found = self._decode(text.strip())
            if isinstance(found, dict):
                return found
            if isinstance(found, list) and self._number == 1:
                message, hint = "is a list, not an object", "Export it as JSON lines: no brackets around all."
        except UnicodeDecodeError:
            code, message = "encoding", "is not UTF-8"
        except _TwiceError:
            message, hint = "has a key twice", "Each key may be in an object once."
        except (ValueError, RecursionError):
            if self._number == 1 and line.strip() in (b"[", b"[{", b"{"):
                hint = "Export it as JSON lines: each object in a line of its own, no brackets around all."
        self.refused = (code, f"Line {self._number:,} of the file {message}.", hint)
        return None

    def _column(self, name: str, way: tuple[str, ...], rows: list[dict[str, Any]]) -> pa.Array | None:
        if len(way) == 1:
            key = way[0]
            cells = [row.get(key, _ABSENT) for row in rows]
        else:
            cells = [_at(row, way) for row in rows]
        if name not in self.seen and any(cell is not _ABSENT for cell in cells):
            self.seen.add(name)
        try:
            text = "\0".join(cells)
        except TypeError:
            nested = sum(isinstance(cell, dict | list) for cell in cells)
            if nested:
                hint = "Agree on the values within them (`header: /key/inner`), or send them flat."
                self.refused = ("format", f"The column `{name}` holds objects or lists.", hint)
                return None
            cells = [cell if type(cell) is str else _WORDS[cell] for cell in cells]
            text = "\0".join(cells)
        if text.count("\0") != len(cells) - 1:
            self.refused = ("format", f"Cells of the column `{name}` hold NUL characters.", _AGAIN)
            return None
        try:
            return texts(text.encode() + b"\0", len(cells))
        except UnicodeEncodeError:
            self.refused = ("encoding", f"Cells of the column `{name}` hold half characters (surrogates).", _AGAIN)
            return None


class _Absent:
    """Where an object has no such key."""


_ABSENT = _Absent()
_WORDS: dict[Any, str] = {None: "", _ABSENT: "", True: "true", False: "false"}


def _way(header: str) -> tuple[str, ...]:
    """A key, or a JSON pointer (RFC 6901)."""
    if not header.startswith("/"):
        return (header,)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in header[1:].split("/"))


def _at(row: dict[str, Any], way: tuple[str, ...]) -> Any:
    found: Any = row
    for part in way:
        if isinstance(found, list) and part.isdecimal() and part.isascii() and len(part) < 9:
            found = found[int(part)] if int(part) < len(found) else _ABSENT
        else:
            found = found.get(part, _ABSENT) if isinstance(found, dict) else _ABSENT
    return found


class _TwiceError(ValueError):
    """An object has a key twice: which one is meant?"""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _whole(text: str) -> str:
    return "0" if text == "-0" else text


def _no_number(_: str) -> str:
    raise ValueError("NaN and Infinity are not JSON")


def exact_number(text: str) -> str:
    """A decimal number as it stands, digit by digit: without exponent, and no zeros at the end of a fraction.

    :raises ValueError: its exponent is beyond what is a number of anything.
    """
    found = re.fullmatch(r"(-?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?", text)
    if found is None:
        raise ValueError("not a number")
    sign, whole, fraction, exponent = found.groups()
    if exponent is not None:
        shift = int(exponent) if len(exponent) < 6 else _LARGEST_EXPONENT + 1
        if abs(shift) > _LARGEST_EXPONENT:
            raise ValueError("not a number of anything")
        digits = whole + fraction
        point = len(whole) + shift
        digits = "0" * -point + digits if point < 0 else digits.ljust(point, "0")
        whole, fraction = digits[: max(point, 0)], digits[max(point, 0) :]
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return (sign if whole != "0" or fraction else "") + whole + (f".{fraction}" if fraction else "")
