"""Looking for tokens in every place of a deployment, and seeing each time that the search finds what is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.canary.control import planted
from tests.canary.folded import is_folded, unfolded
from tests.canary.places import (
    DATABASES,
    DELETED,
    DUMPS,
    FILES,
    PROCESSES,
    SHARED,
    SHARED_MEMORY,
    TEMPORARY,
    Ground,
    Piece,
    Seen,
    dumps,
    files,
    is_known,
    open_files,
    processes,
    rows,
    temporary,
)
from tests.canary.tokens import OVERLAP, Tokens, is_control

__all__ = ["Search", "Searched"]

_FOLDED_AT_MOST = 64 << 20
_AT_ONCE = 1 << 20
"""Bytes: rows and small pieces of one place are looked through together."""


@dataclass
class Searched:
    """What was looked at, place by place, and where a token was found."""

    pieces: dict[str, int] = field(default_factory=dict)
    size: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    hits: list[str] = field(default_factory=list)
    controls: set[tuple[str, str]] = field(default_factory=set)
    """(place, form) of the control that were found."""

    known: set[str] = field(default_factory=set)
    """Names that clients chose and that are in the store's index: see :func:`tests.canary.places.is_known`. None may be left
    after an erasure and the upkeep that follows it."""

    def __iadd__(self, other: Searched) -> Searched:
        for mine, others in ((self.pieces, other.pieces), (self.size, other.size), (self.rows, other.rows)):
            for place, count in others.items():
                mine[place] = mine.get(place, 0) + count
        self.hits += [hit for hit in other.hits if hit not in self.hits]
        self.controls |= other.controls
        self.known |= other.known
        return self

    def table(self, title: str) -> str:
        """For people."""
        lines = [f"{title:<46}{'pieces':>10}{'rows':>10}{'MB':>12}{'hits':>6}"]
        for place in self.pieces:
            hits = sum(hit.startswith(f"{place}: ") for hit in self.hits)
            counted = f"{self.rows[place]:,}" if place in self.rows else ""
            lines.append(
                f"  {place:<44}{self.pieces[place]:>10,}{counted:>10}{self.size[place] / 1e6:>12,.1f}{hits:>6}"
            )
        return "\n".join(lines)


class Search:
    """One deployment, and the tokens that may be nowhere in it.

    :param remember: files that have not changed since an earlier look of this search are passed by. All tokens of a run begin
        alike, so a file that was clean of that beginning is clean of tokens that were made later.
    """

    def __init__(self, ground: Ground, tokens: Tokens, *, remember: bool = True) -> None:
        self.ground, self.tokens = ground, tokens
        self._seen: Seen | None = {} if remember else None

    def look(self) -> Searched:
        """Look everywhere once."""
        found = Searched()
        for place, pieces in self.places().items():
            found.pieces[place] = found.size[place] = 0
            for where, chunks in pieces:
                self._through(found, place, where, chunks)
        return found

    def places(self) -> dict[str, Iterator[Piece]]:
        """What :meth:`look` goes through, by the kind of place."""
        ground, seen = self.ground, self._seen
        pids = ground.pids()
        return {
            FILES: files(*ground.folders, leave_out=ground.leave_out, seen=seen),
            TEMPORARY: files(*ground.arrivals(*temporary()), leave_out=ground.leave_out, seen=seen),
            SHARED: files(*ground.arrivals(SHARED_MEMORY), seen=seen),
            DUMPS: files(*ground.arrivals(*dumps())),
            DELETED: open_files([*pids, os.getpid()]),
            DATABASES: rows(ground.databases()),
            PROCESSES: processes(pids),
        }

    def must_find_nothing(self) -> Searched:
        """Look with a control in every place and in every form: all of that has to be found, and nothing else."""
        with planted(self.ground, self.tokens) as wanted:
            found = self.look()
        assert not wanted - found.controls, f"the search does not find what is there: {sorted(wanted - found.controls)}"
        assert not found.hits, f"a client's value was found in {len(found.hits)} places: {found.hits}"
        return found

    def _through(self, found: Searched, place: str, where: str, chunks: Iterator[bytes]) -> None:
        found.pieces[place] += 1
        names: set[str] = set()
        held, folded, first = bytearray(), None, True
        for chunk in chunks:
            found.size[place] += len(chunk)
            if place == DATABASES:
                found.rows[place] = found.rows.get(place, 0) + 1
            if first and is_folded(chunk[:8]):
                folded = bytearray()
            if folded is not None and len(folded) < _FOLDED_AT_MOST:
                folded += chunk
            first = False
            held += chunk
            if len(held) >= _AT_ONCE:
                names |= self.tokens.found_in(bytes(held))
                del held[:-OVERLAP]
        names |= self.tokens.found_in(bytes(held))
        for piece in unfolded(bytes(folded)) if folded is not None else ():
            names |= self.tokens.found_in(piece)
        for name in sorted(names):
            if is_control(name):
                found.controls.add((place, name))
            elif is_known(name, where):
                found.known.add(name)
            else:
                found.hits.append(f"{place}: {name} in {where}")
