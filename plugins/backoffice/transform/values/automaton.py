"""Many patterns of digits tried at once, digit by digit: a deterministic automaton that is worked out as it is walked.

The patterns of a numbering plan are finite and small, but a number has to be held against a dozen of them. Here each
digit is one look-up, and after the last digit that matters (the rest is ``\\d{7}`` to every pattern) only the length
counts. Built by the textbook: Thompson's construction, then subsets of states as they are met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["Automaton", "Node"]

_ANY = 0b11_1111_1111
"""All ten digits, a bit for each."""
_PIECE = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|(?P<digits>\\d|[0-9]|\[[0-9-]+\])|(?P<times>\{\d+(?:,\d+)?\}|\?)"
)


class _State:
    """Waits for one digit of ``digits``, or has come to the end of pattern ``accepts``."""

    __slots__ = ("accepts", "digits", "following", "free")

    def __init__(self, digits: int, following: frozenset[_State], accepts: int = -1) -> None:
        self.digits, self.following, self.accepts = digits, following, accepts
        self.free = digits in (0, _ANY) and all(one.free for one in following)
        """Whether nothing but the length of what follows matters."""


class Node(dict[str, "Node"]):
    """Where the patterns stand after so many digits; the next digit leads to the next node."""

    __slots__ = ("_automaton", "_depth", "_states", "accepts", "free", "known")

    def __init__(self, automaton: Automaton, depth: int, states: frozenset[_State]) -> None:
        self._automaton, self._depth, self._states = automaton, depth, states
        self.accepts = frozenset(state.accepts for state in states if state.accepts >= 0)
        """The numbers of the patterns that match the digits so far, all of them."""
        self.free = all(state.free for state in states)
        """Whether the digits that follow do not matter, but for how many they are."""
        self.known: dict[int, Any] = {}
        """For the automaton's user: what it knows of numbers of a length that come by here."""

    def __missing__(self, digit: str) -> Node:
        bit = 1 << int(digit)
        states = frozenset(after for state in self._states if state.digits & bit for after in state.following)
        node = self[digit] = self._automaton.node(self._depth + 1, states)
        return node


class Automaton:
    """Of some patterns: alternatives, groups, classes of digits, and how often, nothing else.

    :param patterns: each with whether it is about the beginning only.
    :raises ValueError: a pattern has something else in it.
    """

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        self._nodes: dict[tuple[int, frozenset[_State]], Node] = {}
        states: set[_State] = set()
        for number, (pattern, beginning) in enumerate(patterns):
            end = _State(0, frozenset(), number)
            if beginning:
                end.digits, end.following = _ANY, frozenset([end])
            pieces = list(_pieces(pattern))[::-1]
            states |= _built(_alternatives(pieces), frozenset([end]))
        self.root = self.node(0, frozenset(states))

    def node(self, depth: int, states: frozenset[_State]) -> Node:
        """The node of these states after so many digits."""
        if (depth, states) not in self._nodes:
            self._nodes[depth, states] = Node(self, depth, states)
        return self._nodes[depth, states]


_Item = tuple["int | list[list[_Item]]", int, int]
"""Digits or a group of alternatives, and how often at least and at most."""


def _pieces(pattern: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(pattern):
        found = _PIECE.match(pattern, at)
        if found is None or found.lastgroup is None:
            raise ValueError("a pattern of digits has something else in it")
        yield found.lastgroup, found[0]
        at = found.end()


def _alternatives(pieces: list[tuple[str, str]]) -> list[list[_Item]]:
    """Up to the end of the group; takes them off the end of ``pieces``, which is in reverse."""
    found: list[list[_Item]] = [[]]
    while pieces:
        kind, text = pieces.pop()
        if kind == "close":
            break
        if kind == "or":
            found.append([])
            continue
        what = _alternatives(pieces) if kind == "open" else _digits(text)
        least = most = 1
        if pieces and pieces[-1][0] == "times":
            times = pieces.pop()[1]
            limits = [0, 1] if times == "?" else [int(one) for one in times[1:-1].split(",")]
            least, most = limits[0], limits[-1]
        found[-1].append((what, least, most))
    return found


def _digits(text: str) -> int:
    if text == r"\d":
        return _ANY
    allowed = re.compile(text).fullmatch
    return sum(1 << digit for digit in range(10) if allowed(str(digit)))


def _built(alternatives: list[list[_Item]], following: frozenset[_State]) -> frozenset[_State]:
    """The states in which these alternatives begin, given those that follow them."""
    found: set[_State] = set()
    for items in alternatives:
        states = following
        for what, least, most in reversed(items):
            after = states
            for _ in range(most - least):
                states = _one(what, states) | after
            for _ in range(least):
                states = _one(what, states)
        found |= states
    return frozenset(found)


def _one(what: int | list[list[_Item]], following: frozenset[_State]) -> frozenset[_State]:
    return frozenset([_State(what, following)]) if isinstance(what, int) else _built(what, following)
