"""Groups of rows that belong together, from scored pairs: the best pair first, and always the same way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Pair", "forest", "forests", "grouped", "groups"]

_BETWEEN = ";"


class Pair(NamedTuple):
    """Two rows, and how much says that they mean the same."""

    a: int
    b: int
    points: float
    side_a: int = 0
    side_b: int = 0
    """The list that a row stands in."""

    def text(self) -> str:
        """As :func:`groups` reads it."""
        return f"{self.a} {self.b} {self.points!r} {self.side_a} {self.side_b}"


class _Sets:
    """Disjoint sets of rows (union-find). The leader of a set is its smallest row."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def leader(self, row: int) -> int:
        parent = self._parent
        while (above := parent.get(row, row)) != row:
            parent[row] = row = parent[above]  # halves the way for the next time
        return row

    def join(self, one: int, other: int) -> int:
        """Make one set of two, by their leaders; gives the new one's."""
        low, high = (one, other) if one < other else (other, one)
        self._parent[high] = low
        self._parent.setdefault(low, low)
        return low

    def rows(self) -> Iterable[int]:
        return self._parent


def _best_first(pairs: Iterable[Pair]) -> list[Pair]:
    return sorted(pairs, key=lambda pair: (-pair.points, pair.a, pair.b))


def forest(pairs: Iterable[Pair]) -> list[Pair]:
    """The best pairs that hold the same rows together: one fewer than there are rows in each group (Kruskal 1956)."""
    sets = _Sets()
    kept: list[Pair] = []
    for pair in _best_first(pairs):
        one, other = sets.leader(pair.a), sets.leader(pair.b)
        if one != other:
            sets.join(one, other)
            kept.append(pair)
    return kept


@dataclass
class _Group:
    rows: list[int]
    sides: set[int] = field(default_factory=set)


def grouped(
    pairs: Sequence[Pair], *, threshold: float, weakest: float | None = None, one_to_one: bool = False
) -> dict[int, int]:
    """Every row of a group -> the group's smallest row.

    :param pairs: those with ``threshold`` points join groups, the best first; weaker ones only speak against it.
    :param weakest: two groups stay apart if two of their rows have fewer points than this with each other, or were never
        compared; ``None``: pairs chain.
    :param one_to_one: a group has one row of a side at most.
    """
    sets = _Sets()
    groups: dict[int, _Group] = {}
    known = {(pair.a, pair.b): pair.points for pair in pairs} if weakest is not None else {}

    def fit(one: _Group, other: _Group) -> bool:
        if one_to_one and one.sides & other.sides:
            return False
        if weakest is None:
            return True
        missing = weakest - 1
        crossed = ((min(a, b), max(a, b)) for a in one.rows for b in other.rows)
        return all(known.get(cross, missing) >= weakest for cross in crossed)

    for pair in _best_first(one for one in pairs if one.points >= threshold):
        leaders = sets.leader(pair.a), sets.leader(pair.b)
        if leaders[0] == leaders[1]:
            continue
        one = groups.get(leaders[0]) or _Group([pair.a], {pair.side_a})
        other = groups.get(leaders[1]) or _Group([pair.b], {pair.side_b})
        if fit(one, other):
            if len(one.rows) < len(other.rows):
                one, other = other, one
            one.rows += other.rows
            one.sides |= other.sides
            for old in leaders:
                groups.pop(old, None)
            groups[sets.join(*leaders)] = one
    return {row: sets.leader(row) for row in sets.rows()}


def _pairs(text: str) -> list[Pair]:
    found = (one.split(" ") for one in text.split(_BETWEEN))
    return [Pair(int(a), int(b), float(points), int(c), int(d)) for a, b, points, c, d in found]


def forests(rows: Iterable[tuple[str]]) -> list[str]:
    """:func:`forest` of many lists of pairs, each written as text: ``a b points side side`` with ``;`` between."""
    return [_BETWEEN.join(pair.text() for pair in forest(_pairs(text))) for (text,) in rows]


def groups(rows: Iterable[tuple[str, float, float | None, bool]]) -> list[str]:
    """:func:`grouped` of such lists: ``row leader`` with ``;`` between."""
    answers = []
    for text, threshold, weakest, one_to_one in rows:
        found = grouped(
            _pairs(text),
            threshold=float(threshold),
            weakest=None if weakest is None else float(weakest),
            one_to_one=one_to_one,
        )
        answers.append(_BETWEEN.join(f"{row} {leader}" for row, leader in sorted(found.items())))
    return answers
