"""What a page is made of. Plain values: how they look is the business of ``html`` and ``pdf``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Block", "Cell", "Column", "Drawing", "Figure", "Figures", "Heading", "Pages", "Table", "Words"]

Tone = Literal["", "red", "amber", "green", "blue", "grey"]


@dataclass(frozen=True)
class Heading:
    """A heading."""

    text: str


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Figure:
    """A number that is worth reading first."""

    value: str
    label: str
    tone: Tone = ""


@dataclass(frozen=True)
class Figures:
    """Several of them, side by side."""

    figures: Sequence[Figure]

    @property
    def across(self) -> int:
        """How many stand in a line."""
        count = len(self.figures)
        return count if count < 5 else 3 if count < 7 else 4


@dataclass(frozen=True)
class Drawing:
    """An SVG picture; ``words`` says what it shows to those who do not see it."""

    svg: str
    words: str
    caption: str = ""
    """Above it."""


@dataclass(frozen=True)
class Column:
    """A table's column."""

    name: str
    right: bool = False
    width: float = 0
    """Its share of what the others leave; 0: as wide as its cells."""


@dataclass(frozen=True)
class Cell:
    """A cell that stands out."""

    text: str
    tone: Tone = ""
    more: str = ""
    """Behind it, quietly."""


@dataclass(frozen=True)
class Table:
    """A table; its header is repeated on every page."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Cell]]
    total: Sequence[str] | None = None
    small: bool = False


Block = Heading | Words | Figures | Drawing | Table


@dataclass(frozen=True)
class Pages:
    """A whole document."""

    title: str
    subtitle: str = ""
    facts: Sequence[tuple[str, str]] = ()
    """What it is about, in pairs: shown below the title."""
    blocks: Sequence[Block] = field(default_factory=list)
    foot: str = ""
    """At the foot of each page."""
    language: str = "en"
    landscape: bool = False
    page_words: tuple[str, str] = ("Page", "of")
