"""How many of a telephone number's digits matter to a pattern of its numbering plan."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["DIGITS", "Reach", "first_digits", "prefix_lengths", "reach"]

DIGITS = 64
"""More than any input has."""

Reach = dict[str, int]
"""How many digits matter, by the first of them."""

_PIECE = re.compile(
    r"""(?P<open>\((?:\?:)?) | (?P<close>\)) | (?P<or>\|) | (?P<any>\\d) | (?P<one>[0-9]|\[[0-9-]+\])
    | (?P<times>\{\d+(?:,\d+)?\}|\?)""",
    re.VERBOSE,
)


@cache
def reach(pattern: str) -> tuple[int, int]:
    """How long a match can be, and how many of the first digits matter to it.

    A pattern with anything unforeseen in it: all of them do.
    """
    pieces: list[tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        found = _PIECE.match(pattern, at)
        if found is None or found.lastgroup is None:
            return DIGITS, DIGITS
        pieces.append((found.lastgroup, found[0]))
        at = found.end()
    pieces.reverse()
    return _reach_of(pieces)


def _reach_of(pieces: list[tuple[str, str]]) -> tuple[int, int]:
    """The alternatives up to the end of the group; takes them off the end of ``pieces``, which is in reverse."""
    longest = matters = length = end = 0
    while pieces:
        kind, text = pieces.pop()
        if kind in ("close", "or"):
            longest, matters = max(longest, length), max(matters, end)
            length = end = 0
            if kind == "close":
                return longest, matters
            continue
        size, inner = _reach_of(pieces) if kind == "open" else (1, int(kind == "one"))
        times = 1
        if pieces and pieces[-1][0] == "times":
            text = pieces.pop()[1]
            times = 1 if text == "?" else int(text.strip("{}").split(",")[-1])
        if inner:
            end = length + (times - 1) * size + inner
        length += times * size
    return max(longest, length), max(matters, end)


def prefix_lengths(prefix: str) -> Reach:
    """How long a prefix can be, by its first digit."""
    found = dict.fromkeys("0123456789", 0)
    for one in prefix.split("|") if "(" not in prefix else [prefix]:
        for first in first_digits(one):
            found[first] = max(found[first], reach(one)[0])
    return found


def first_digits(pattern: str) -> frozenset[str]:
    """The digits that a match can begin with; where that is not plain to see, all."""
    alternatives = [pattern] if "(" in pattern else pattern.split("|")
    if all(re.fullmatch(r"\d[^?*{]?.*", one) for one in alternatives):
        return frozenset(one[0] for one in alternatives)
    return frozenset("0123456789")
