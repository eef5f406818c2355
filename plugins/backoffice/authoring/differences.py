"""What is different between two small tables: rows that are gone or new, and cells."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher

from backoffice.authoring.sheets import Row, Sheet

__all__ = ["CellChange", "Difference", "compare"]


@dataclass(frozen=True)
class CellChange:
    """One cell that differs."""

    row: int
    """In the table that was expected; from 1, the header not counted."""
    column: str
    expected: str
    found: str


@dataclass(frozen=True)
class Difference:
    """How a table differs from the one that was expected."""

    columns: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """What was expected and what is there, where the columns differ; then nothing else is compared."""
    missing: tuple[tuple[int, Row], ...] = ()
    """Rows that were expected and are not there, each with its number."""
    surplus: tuple[tuple[int, Row], ...] = ()
    """Rows that are there and were not expected, each with its number in what was found."""
    cells: tuple[CellChange, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.columns or self.missing or self.surplus or self.cells)


def compare(expected: Sheet, found: Sheet) -> Difference:
    """Compare two tables, row by row in their order. A row counts as the same one if half of its cells are equal."""
    if expected.columns != found.columns:
        return Difference(columns=(expected.columns, found.columns))
    missing: list[tuple[int, Row]] = []
    surplus: list[tuple[int, Row]] = []
    cells: list[CellChange] = []
    matcher = SequenceMatcher(None, expected.rows, found.rows, autojunk=False)
    for what, start, end, other_start, other_end in matcher.get_opcodes():
        if what == "equal":
            continue
        here = list(range(start, end))
        there = list(range(other_start, other_end))
        for one, other in _pairs(expected, found, here, there):
            here.remove(one)
            there.remove(other)
            cells += _cells(expected, found, one, other)
        missing += [(one + 1, expected.rows[one]) for one in here]
        surplus += [(other + 1, found.rows[other]) for other in there]
    return Difference(None, tuple(missing), tuple(surplus), tuple(cells))


def _pairs(expected: Sheet, found: Sheet, here: list[int], there: list[int]) -> list[tuple[int, int]]:
    """Rows that stand for each other, in order."""
    pairs, next_there = [], 0
    for one in here:
        for position in range(next_there, len(there)):
            equal = sum(a == b for a, b in zip(expected.rows[one], found.rows[there[position]], strict=True))
            if 2 * equal >= len(expected.columns):
                pairs.append((one, there[position]))
                next_there = position + 1
                break
    return pairs


def _cells(expected: Sheet, found: Sheet, one: int, other: int) -> list[CellChange]:
    both = zip(expected.columns, expected.rows[one], found.rows[other], strict=True)
    return [CellChange(one + 1, column, was, now) for column, was, now in both if was != now]
