"""A page as words with their places, and the lines that they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Line", "Page", "Run", "Word", "lines_of", "runs_of"]

_WIDE = 1.5
"""A gap of so many times the line's height is between things that stand beside each other, not between words."""


class Word(NamedTuple):
    """A word. Places are in points or pixels, from the top left of the page as it is looked at."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    sure: float = 1.0
    """From 0 to 1."""


class Run(NamedTuple):
    """Words beside each other, without a wide gap."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, with a blank between them."""
        return " ".join(word.text for word in self.words)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.words[0].left

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.words[-1].right


class Line:
    """Words beside each other, from left to right, as a text that knows where each word is."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = sorted(words, key=lambda word: word.left)
        self.top = min(word.top for word in words)
        self.bottom = max(word.bottom for word in words)
        heights = sorted(word.bottom - word.top for word in words)
        self.height = heights[len(heights) // 2] or 1.0
        self.text = " ".join(word.text for word in self.words)
        self.folded = self.text.casefold()
        if len(self.folded) != len(self.text):  # a sign that becomes two: places in the text would not be the same
            self.folded = self.text.lower() if len(self.text.lower()) == len(self.text) else self.text
        self.starts: list[int] = []
        place = 0
        for word in self.words:
            self.starts.append(place)
            place += len(word.text) + 1

    def words_in(self, start: int, end: int) -> list[Word]:
        """The words of which some of the text from ``start`` to ``end`` is."""
        return [
            word
            for word, begin in zip(self.words, self.starts, strict=True)
            if begin < end and begin + len(word.text) > start
        ]


class Page(NamedTuple):
    """A page that was read."""

    lines: list[Line]
    recognised: bool = False
    """Whether its text was recognised in a picture."""

    @property
    def text(self) -> str:
        """All of it, line by line."""
        return "\n".join(line.text for line in self.lines)


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Words to lines, from top to bottom: those whose middles are at the same height."""
    lines: list[list[Word]] = []
    middles: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda one: (one.top + one.bottom, one.left)):
        middle, height = (word.top + word.bottom) / 2, word.bottom - word.top
        if lines and middle - middles[-1][0] <= 0.4 * min(height, middles[-1][1]):
            lines[-1].append(word)
            before, high = middles[-1]
            middles[-1] = (before + (middle - before) / len(lines[-1]), max(high, height))
        else:
            lines.append([word])
            middles.append((middle, height))
    return [Line(one) for one in lines]


def runs_of(words: Sequence[Word], height: float, wide: float = _WIDE) -> list[Run]:
    """Words of a line, apart where a gap is wide.

    :param height: of the line.
    :param wide: how wide, in times the height.
    """
    runs: list[list[Word]] = []
    for word in words:
        if runs and word.left - runs[-1][-1].right <= wide * height:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [Run(tuple(one)) for one in runs]
