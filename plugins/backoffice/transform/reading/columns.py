"""Finding the agreed columns in a file's header. Light: the children that read foreign formats import it too."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import NamedTuple

from backoffice.errors import DropRejected

__all__ = ["MOST_COLUMNS", "Wanted", "find", "folded"]

MOST_COLUMNS = 16_384
"""As many as a spreadsheet has. The engine takes memory for each, far beyond its limit: at 900,000 it was 4.7 GB."""


class Wanted(NamedTuple):
    """A column that was agreed. (Not a dataclass: importing those takes a third of the child's start.)"""

    name: str
    """What the SOW calls it."""
    header: str
    """What stands above it in the file."""
    required: bool


def find(
    headers: Sequence[str],
    wanted: Sequence[Wanted],
    *,
    drop_others: bool,
    nobody: Container[int] = (),
    hint: Callable[[], str] = str,
) -> dict[str, int | None]:
    """Where each agreed column is; ``None``: it is optional and not there.

    :param nobody: places of headers that do not count as further columns.
    :param hint: what to do about missing or further columns, if something better can be said than which are agreed.
    :raises DropRejected: ``columns``. Only agreed names are in its message.
    """
    if len(headers) > MOST_COLUMNS:
        message = f"The file has {len(headers):,} columns; {MOST_COLUMNS:,} can be read."
        raise DropRejected("columns", message, hint="Send the agreed columns.")
    known: dict[str, list[int]] = {}
    for place, header in enumerate(headers):
        known.setdefault(folded(header), []).append(place)
    places: dict[str, int | None] = {}
    missing: list[str] = []
    for one in wanted:
        there = known.get(folded(one.header), [])
        if len(there) > 1:
            message = f"The column `{one.header}` is there {len(there)} times."
            raise DropRejected("columns", message, hint="Each column may be there once.")
        places[one.name] = there[0] if there else None
        if not there and one.required:
            missing.append(one.header)
    taken = set(places.values())
    others = sum(place not in taken and place not in nobody for place in range(len(headers)))
    if missing or (others and not drop_others):
        raise _refused(missing, 0 if drop_others and missing else others, wanted, hint())
    return places


def _refused(missing: list[str], others: int, wanted: Sequence[Wanted], hint: str) -> DropRejected:
    faults = []
    if missing:
        faults.append(f"{'Columns are' if len(missing) > 1 else 'A column is'} missing: {', '.join(missing)}")
    if others:
        faults.append(f"{others} column{'s' if others > 1 else ''} that {'are' if others > 1 else 'is'} not agreed")
    agreed = f"The agreed columns are: {', '.join(one.header for one in wanted)}."
    return DropRejected("columns", f"{'; '.join(faults)}.", hint=hint or agreed)


def folded(name: str) -> str:
    """A header as it is compared: upper and lower case, and white space, do not matter."""
    return " ".join(name.strip("\ufeff\u200b").split()).casefold()
