"""Tables within documents: from a header that was agreed to rows of cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from backoffice.transform.reading.documents.fields import labels_in
from backoffice.transform.reading.documents.page import Line, Page, Run, Word, runs_of

__all__ = ["Row", "find_rows"]

_CELL_GAP = 0.8
"""Cells of a table stand nearer to each other than other things do, in times the line's height."""
_MOST_ROWS = 10_000


class Row(NamedTuple):
    """A row of a table: its page, from 1, its cells by column, and how sure the reading is."""

    page: int
    cells: dict[str, str]
    sure: float


class _Column(NamedTuple):
    """Where a column stands; without a name: it is there, and was not agreed."""

    name: str
    left: float
    right: float


def find_rows(pages: Sequence[Page], rule: dict[str, Any]) -> list[Row]:
    """The rows of a table, over all pages; it goes on on a page that repeats its header.

    :param rule: a ``DocumentTable`` of the contract, as plain data.
    """
    rows: list[Row] = []
    for number, page in enumerate(pages, start=1):
        header = _header(page.lines, rule["columns"])
        if header is None:
            continue
        place, columns = header
        rows += _rows(page.lines[place + 1 :], columns, rule, number)[: _MOST_ROWS - len(rows)]
    return rows


def _header(lines: Sequence[Line], wanted: dict[str, list[str]]) -> tuple[int, list[_Column]] | None:
    """The line with the most of the labels: all of them or, of many, more than half; and where its columns stand."""
    best: tuple[int, int, list[_Column]] | None = None
    for place, line in enumerate(lines):
        columns = _columns(line, wanted)
        named = sum(bool(one.name) for one in columns)
        if named * 2 > len(wanted) and (best is None or named > best[0]):
            best = (named, place, columns)
    return None if best is None else best[1:]


def _columns(line: Line, wanted: dict[str, list[str]]) -> list[_Column]:
    found: list[_Column] = []
    taken: set[int] = set()
    for name, labels in wanted.items():
        for label in sorted(labels, key=len, reverse=True):
            spot = next((one for one in labels_in(line, label) if not taken.intersection(range(*one))), None)
            if spot is not None:
                words = line.words_in(*spot)
                found.append(_Column(name, words[0].left, words[-1].right))
                taken.update(range(*spot))
                break
    if not found:
        return []
    others = [word for word, begin in zip(line.words, line.starts, strict=True) if begin not in taken]
    found += [_Column("", run.left, run.right) for run in runs_of(others, line.height, _CELL_GAP)]
    return sorted(found, key=lambda one: one.left)


def _rows(lines: Sequence[Line], columns: list[_Column], rule: dict[str, Any], page: int) -> list[Row]:
    names = list(rule["columns"])
    starts = rule["starts"] or names[0]
    rows: list[tuple[dict[str, str], list[Word]]] = []
    for line in lines:
        if any(True for label in rule["ends_at"] for _ in labels_in(line, label)):
            break
        cells: dict[str, str] = {}
        words: list[Word] = []
        for run in runs_of(line.words, line.height, _CELL_GAP):
            name = _nearest(run, columns)
            if name:
                cells[name] = f"{cells[name]} {run.text}" if name in cells else run.text
                words += run.words
        if cells.get(starts):
            rows.append((cells, words))
        elif rows:
            above, sure = rows[-1]
            for name, text in cells.items():
                above[name] = f"{above[name]} {text}" if name in above else text
            sure += words
    return [Row(page, cells, min((word.sure for word in words), default=1.0)) for cells, words in rows]


def _nearest(run: Run, columns: Sequence[_Column]) -> str:
    """The column that a cell stands below: the one it shares most with; below none, the nearest."""

    def distance(column: _Column) -> tuple[float, float]:
        shared = min(run.right, column.right) - max(run.left, column.left)
        return -shared, abs((run.left + run.right) - (column.left + column.right))

    return min(columns, key=distance).name
