"""Which items of two lists belong together: one to one, nearest first, and always the same way."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Item", "Match", "match", "matches"]


@dataclass(frozen=True)
class Item:
    """One row of a list."""

    row: int
    amount: int | None
    """In millionths."""
    day: int | None
    """Counted from any day."""


@dataclass(frozen=True)
class Match:
    """What belongs together, or is alone."""

    status: str
    """``matched``, ``sum``, ``differs``, ``only_here`` or ``only_there``."""
    here: tuple[Item, ...]
    there: tuple[Item, ...]


def match(
    here: Sequence[Item], there: Sequence[Item], *, tolerance: int, days: int | None, sums: bool, same_key: bool
) -> list[Match]:
    """Match the items of two lists that have the same key.

    Equal amounts go first, on the same day, then on days further and further apart; then amounts within the tolerance, in
    the same way, the nearest amount first, then the earlier row. What is left matches as a sum where it is one item on one
    side and several on the other.

    :param tolerance: how much amounts may differ, in millionths.
    :param days: how many days they may be apart; ``None``: days do not matter.
    :param sums: whether several may match one.
    :param same_key: whether what is left over on both sides belongs together by its key, and so ``differs``.
    """
    pool = _Pool(there, by_day=days is not None)
    left = sorted(here, key=lambda item: item.row)
    found: list[Match] = []
    for limit in dict.fromkeys((0, tolerance)):
        for apart in range((days or 0) + 1):
            waiting = []
            for item in left:
                other = pool.take(item, limit, apart)
                if other is None:
                    waiting.append(item)
                else:
                    found.append(Match("matched", (item,), (other,)))
            left = waiting
            if not left:
                break
    rest = pool.rest()
    if sums and _is_sum(left, rest, tolerance, days):
        found.append(Match("sum", tuple(left), tuple(rest)))
        left, rest = [], []
    if same_key:
        pairs = list(zip(left, rest, strict=False))
        found += [Match("differs", (one,), (other,)) for one, other in pairs]
        left, rest = left[len(pairs) :], rest[len(pairs) :]
    found += [Match("only_here", (one,), ()) for one in left]
    found += [Match("only_there", (), (one,)) for one in rest]
    return found


class _Pool:
    """Items to match with: by day and amount, for those that are equal; by day, sorted by amount, for those that are near."""

    def __init__(self, items: Sequence[Item], *, by_day: bool) -> None:
        self._by_day = by_day
        self._left = {item.row: item for item in sorted(items, key=lambda item: item.row)}
        self._equal: dict[tuple[int | None, int], deque[int]] = defaultdict(deque)
        self._sorted: dict[int | None, list[tuple[int, int]]] = {}
        for item in self._left.values():
            if item.amount is not None:
                self._equal[self._day(item), item.amount].append(item.row)

    def _day(self, item: Item) -> int | None:
        return item.day if self._by_day else None

    def take(self, item: Item, limit: int, apart: int) -> Item | None:
        """The nearest item that is so many days apart; it is gone from the pool then."""
        if item.amount is None:
            return None
        day = self._day(item)
        if apart and day is None:
            return None
        places: list[int | None] = [day] if not apart or day is None else [day - apart, day + apart]
        row = self._exactly(item.amount, places) if limit == 0 else self._near(item.amount, places, limit)
        return self._left.pop(row) if row is not None else None

    def _exactly(self, amount: int, places: list[int | None]) -> int | None:
        for place in places:
            waiting = self._equal.get((place, amount))
            if waiting:
                return waiting.popleft()
        return None

    def _near(self, amount: int, places: list[int | None], limit: int) -> int | None:
        """Only after all equal amounts are taken: the index by amount holds what is left then."""
        if not self._sorted:
            for item in self._left.values():
                if item.amount is not None:
                    insort(self._sorted.setdefault(self._day(item), []), (item.amount, item.row))
            self._sorted.setdefault(None, [])
        best: tuple[int, int, int | None, int] | None = None
        for place in places:
            known = self._sorted.get(place, [])
            at = bisect_left(known, (amount, 0))
            below = bisect_left(known, (known[at - 1][0], 0)) if at else -1
            for index in (at, below):
                if 0 <= index < len(known) and abs(known[index][0] - amount) <= limit:
                    candidate = (abs(known[index][0] - amount), known[index][1], place, index)
                    best = candidate if best is None or candidate[:2] < best[:2] else best
        if best is None:
            return None
        del self._sorted[best[2]][best[3]]
        return best[1]

    def rest(self) -> list[Item]:
        """What nobody took, in its order."""
        return list(self._left.values())


def _is_sum(here: Sequence[Item], there: Sequence[Item], tolerance: int, days: int | None) -> bool:
    if min(len(here), len(there)) != 1 or len(here) == len(there):
        return False
    amounts = [[item.amount for item in side] for side in (here, there)]
    if any(amount is None for side in amounts for amount in side):
        return False
    one, other = (sum(amount or 0 for amount in side) for side in amounts)
    if abs(one - other) > tolerance:
        return False
    single, several = (here[0], there) if len(here) == 1 else (there[0], here)
    return days is None or all(
        item.day is not None and single.day is not None and abs(item.day - single.day) <= days for item in several
    )


def matches(rows: Iterable[tuple[str, str, int, int, bool, bool]]) -> list[str]:
    """:func:`match` for many pairs of lists, written as text: ``row amount day`` with ``;`` between the items.

    :return: for each, ``row here,row there,status,anchor`` with ``;`` between: each row once; the anchor is the first row
        here of what belongs together.
    """
    answers = []
    for here, there, tolerance, days, sums, same_key in rows:
        if here and there and here.partition(" ")[2] == there.partition(" ")[2] and _clear(here, days):
            # One equal item on either side, as most are.
            row = here.partition(" ")[0]
            answers.append(f"{row},{there.partition(' ')[0]},matched,{row}")
            continue
        found = match(
            list(_items(here)),
            list(_items(there)),
            tolerance=tolerance,
            days=None if days < 0 else days,
            sums=sums,
            same_key=same_key,
        )
        answers.append(";".join(line for one in found for line in _lines(one)))
    return answers


def _clear(text: str, days: int) -> bool:
    """One item, with an amount, and a day where days matter."""
    return ";" not in text and "  " not in text and (days < 0 or text[-1] != " ")


def _items(text: str) -> Iterator[Item]:
    for one in text.split(";") if text else ():
        row, amount, day = one.split(" ")
        yield Item(int(row), int(amount) if amount else None, int(day) if day else None)


def _lines(found: Match) -> Iterator[str]:
    anchor = found.here[0].row if found.here and found.there else ""
    for index in range(max(len(found.here), len(found.there))):
        here = found.here[index].row if index < len(found.here) else ""
        there = found.there[index].row if index < len(found.there) else ""
        yield f"{here},{there},{found.status},{anchor}"
