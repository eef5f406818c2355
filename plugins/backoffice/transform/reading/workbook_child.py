"""The child that reads workbooks: calamine is native code, and a whole workbook lies in its memory.

It is started by :mod:`backoffice.transform.reading.workbook`. Cells travel by column, as text
with a NUL after each.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from backoffice.errors import DropRejected
from backoffice.transform.reading.apart import Answers, serve
from backoffice.transform.reading.columns import Wanted, find

__all__ = ["duration_text", "main", "number_text"]

_PIECE_BYTES, _PIECE_CELLS = 4 << 20, 60_000
"""A piece should fit into the processor's cache while it is turned from rows to columns, whatever its cells are like."""
_LONGEST_CELL = 1 << 20
_MOST_MERGED = 100_000
Row = Sequence[Any]


def main() -> None:
    """Carry out one order; never returns."""
    serve(_read)


def _read(order: dict[str, Any], answers: Answers) -> None:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(f"/proc/self/fd/{order['descriptor']}")
    for wanted in order["sheets"]:
        index = _sheet_index(book, wanted["sheet"])
        _send(_Sheet(book.get_sheet_by_index(index), wanted), index, len(book.sheet_names), wanted, answers)


def _sheet_index(book: Any, asked: str | int | None) -> int:
    kinds = [(str(one.typ).rpartition(".")[2], str(one.visible).rpartition(".")[2]) for one in book.sheets_metadata]
    hint = f"The workbook has {len(kinds)} sheet{'s' if len(kinds) != 1 else ''}."
    if asked is None:
        found = next((place for place, kind in enumerate(kinds) if kind == ("WorkSheet", "Visible")), None)
        if found is None:
            raise DropRejected("sheet", "The workbook has no sheet of cells that is not hidden.", hint="Send one.")
        return found
    if isinstance(asked, int):
        if asked > len(kinds):
            raise DropRejected("sheet", f"There is no sheet {asked}.", hint=hint)
        found = asked - 1
    else:
        same = [place for place, name in enumerate(book.sheet_names) if _folded(name) == _folded(asked)]
        if not same:
            raise DropRejected("sheet", f"There is no sheet `{asked}`.", hint=hint)
        found = same[0]
    if kinds[found][0] != "WorkSheet":
        raise DropRejected("sheet", f"The sheet `{asked}` holds no cells.", hint="It is a chart or a macro.")
    return found


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


# ---------------------------------------------------------------------- one sheet


class _Sheet:
    """Rows of a sheet from its header on, and what was noticed about them."""

    def __init__(self, sheet: Any, wanted: dict[str, Any]) -> None:
        self.filled = self.blank_rows = 0
        self.merged = 0
        rows: Iterator[Row] = sheet.iter_rows()
        start: tuple[int, int] = sheet.start or (0, 0)
        ranges = sheet.merged_cell_ranges or []
        self.merged = len(ranges)
        if wanted["merged"] == "fill" and ranges:
            rows = self._fill(rows, ranges, start[1], sheet.width)
        self._rows = islice(rows, wanted["header_row"] - 1, None)
        self.header = [_text(cell) for cell in next(self._rows, ())]
        self.data = islice(self._rows, wanted["skip_below_header"], None)

    def _fill(self, rows: Iterator[Row], ranges: list[Any], left: int, width: int) -> Iterator[Row]:
        if len(ranges) > _MOST_MERGED:
            message = f"The sheet has {len(ranges):,} merged cells; {_MOST_MERGED:,} can be filled."
            raise DropRejected("format", message, hint="Unmerge them before it is saved.")
        waiting = sorted((top, max(0, begin - left), bottom, end - left) for (top, begin), (bottom, end) in ranges)
        waiting.reverse()
        active: list[tuple[int, int, int, Any]] = []
        for number, row in enumerate(rows):
            active = [one for one in active if one[0] >= number]
            while waiting and waiting[-1][0] == number:
                _, begin, bottom, end = waiting.pop()
                if begin < width:
                    active.append((bottom, begin, min(end, width - 1) + 1, row[begin]))
            if active:
                row = list(row)
                for _, begin, end, value in active:
                    if value != "":
                        self.filled += sum(cell == "" for cell in row[begin:end])
                        row[begin:end] = [value] * (end - begin)
            yield row


def _send(sheet: _Sheet, index: int, sheets: int, order: dict[str, Any], answers: Answers) -> None:
    wanted = [Wanted(*one) for one in order["columns"]]
    header = sheet.header
    while header and not header[-1].strip():
        header = header[:-1]
    if not header:
        row = order["header_row"]
        raise DropRejected("empty", f"There is nothing in row {row} of the sheet.", hint="It has to name the columns.")
    nameless = [place for place in range(len(sheet.header)) if not sheet.header[place].strip()]
    places = find(header, wanted, drop_others=order["drop_others"], nobody=set(nameless))
    chosen = [place for place in places.values() if place is not None]
    answers.say(input=order["input"], sheet=index + 1, sheets=sheets, columns=len(header), places=places)
    below: set[int] = set()  # columns without a header in which something stands all the same
    row_number = order["header_row"] + order["skip_below_header"]
    count = 1_000
    while rows := list(islice(sheet.data, count)):
        if not all(map(any, rows)):  # falsy are empty cells, zeros and `false`
            full = [row for row in rows if any(row) or any(cell != "" for cell in row)]
            sheet.blank_rows += len(rows) - len(full)
        else:
            full = rows
        columns = list(zip(*full, strict=True))
        if full:
            below.update(
                place for place in nameless if place not in below and any(cell != "" for cell in columns[place])
            )
            size = _send_piece([columns[place] for place in chosen], len(full), row_number, answers)
            count = max(1, min(4_096, _PIECE_CELLS // len(columns), count * _PIECE_BYTES // max(size, 1)))
        row_number += len(rows)
    if below and not order["drop_others"]:
        what = "1 column without a header has" if len(below) == 1 else f"{len(below)} columns without a header have"
        message = f"{what} cells."
        raise DropRejected("columns", message, hint="Empty what stands beside the table, or give it a header.")
    nameless_inside = sum(place < len(header) for place in nameless)
    dropped = len(header) - nameless_inside + len(below) - len(chosen)
    noticed = {"blank_rows": sheet.blank_rows, "merged": sheet.merged, "filled": sheet.filled, "dropped": dropped}
    answers.say(end=order["input"], **noticed)


def _send_piece(columns: list[Row], rows: int, first: int, answers: Answers) -> int:
    buffers = [_packed(column, first) for column in columns]
    answers.say(buffers, rows=rows, sizes=[len(one) for one in buffers])
    return sum(map(len, buffers)) + 1


def _packed(column: Row, first: int) -> bytes:
    """A column's cells, with a NUL after each."""
    try:
        text = "\0".join(column)
    except TypeError:
        column, text = _written(column)
    if len(text) > _LONGEST_CELL:
        longest = max(map(len, text.split("\0")))
        if longest > _LONGEST_CELL:
            message = f"A cell has {longest:,} signs; {_LONGEST_CELL:,} can be read."
            raise DropRejected("line-too-long", message, hint=f"It is in or after row {first + 1} of the sheet.")
    if text.count("\0") != len(column) - 1:
        raise DropRejected("format", "Cells hold NUL characters.", hint="Save it again with a spreadsheet program.")
    return text.encode() + b"\0"


def _written(column: Row) -> tuple[Row, str]:
    """Cells that are not all text, as text."""
    kinds = set(map(type, column))
    if kinds == {float} or (kinds == {float, str} and all(cell == "" for cell in column if type(cell) is str)):
        # What Python writes of a list, which takes a tenth of the time that its cells would take one by one.
        text = repr(list(column))[1:-1].replace(", ", "\0").replace("''", "") + "\0"
        text = text.replace(".0\0", "\0")
        if "e" not in text and "n" not in text and "-0\0" not in text:
            return column, text[:-1]
    column = [_TEXTS[type(cell)](cell) for cell in column]
    return column, "\0".join(column)


# ---------------------------------------------------------------------- one way of writing


def number_text(number: float) -> str:
    """With a point, without exponent, and whole numbers without ``.0``. What is no number is empty."""
    if number != number or number in (float("inf"), float("-inf")):
        return ""
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    text = repr(number)
    if "e" not in text:
        return text.removesuffix(".0")
    digits, _, exponent = text.partition("e")
    sign = "-" if digits.startswith("-") else ""
    whole, _, fraction = digits.lstrip("-").partition(".")
    fraction = fraction.rstrip("0")
    point = len(whole) + int(exponent)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{whole}{fraction}"
    every = (whole + fraction).ljust(point, "0")
    return sign + every[:point] + (f".{every[point:]}" if every[point:] else "")


def duration_text(value: dt.timedelta) -> str:
    """Hours, which may be more than 24, minutes and seconds."""
    microseconds = value // dt.timedelta(microseconds=1)
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{rest:06}" if rest else "")
    return "-" + text if microseconds < 0 else text


_TEXTS: dict[type, Any] = {
    str: str,
    float: number_text,
    int: str,
    bool: {True: "true", False: "false"}.__getitem__,
    dt.date: dt.date.isoformat,
    dt.datetime: dt.datetime.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: duration_text,
}


def _text(cell: Any) -> str:
    return _TEXTS[type(cell)](cell)
