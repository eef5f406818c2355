"""Mistakes in our own YAML files: where, what, and what was meant.

These files are the company's, so a mistake may show the line it stands on; nothing of a client's data is in them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from backoffice.errors import ContractError

__all__ = ["ContractFileError", "Mistake", "Place", "closest", "did_you_mean", "one_of", "refuse"]


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file. Lines and columns count from 1, columns in characters; ``width`` is what the carets span."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True)
class Mistake:
    """One mistake, and the line it stands on."""

    file: Path
    place: Place
    message: str
    hint: str
    source: str

    @classmethod
    def at(cls, file: Path, lines: Sequence[str], place: Place, message: str, *, hint: str = "") -> Mistake:
        """A mistake at ``place`` in a file of ``lines``."""
        source = lines[place.line - 1] if place.line <= len(lines) else ""
        return cls(file, place, message, hint, source)

    def __str__(self) -> str:
        """``file:line:column: message hint``, then the line with a caret."""
        head = f"{self.file}:{self.place.line}:{self.place.column}: {self.message}"
        if self.hint:
            head += f" {self.hint}"
        if not self.source.strip():
            return head
        # A long line is cut to what is around the place; a tab counts as one column and is shown as one blank.
        start = max(0, self.place.column - 80)
        shown = self.source.replace("\t", " ")[start : start + 110]
        caret = " " * (self.place.column - 1 - start) + "^" * max(1, min(self.place.width, 110))
        return f"{head}\n    {shown}\n    {caret}"

    def to_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "file": str(self.file),
            "line": self.place.line,
            "column": self.place.column,
            "message": self.message,
            "hint": self.hint,
        }


class ContractFileError(ContractError):
    """Every mistake that was found, in the order of the files' lines."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda one: (str(one.file), one.place, one.message)))
        super().__init__("\n".join(str(one) for one in self.mistakes))


def refuse(mistakes: Iterable[Mistake]) -> NoReturn:
    """Raise them all.

    :raises ContractFileError: always.
    """
    raise ContractFileError(mistakes)


def closest(word: object, known: Iterable[str]) -> str | None:
    """The known word that ``word`` is likely to mean, if there is one."""
    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in known}
    close = difflib.get_close_matches(str(word).casefold().replace("-", "_").strip(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """``Did you mean `x`?``, or nothing if no known word is close."""
    close = closest(word, known)
    return f"Did you mean `{close}`?" if close else ""


def one_of(known: Iterable[str]) -> str:
    """``Use one of: …``."""
    return f"Use one of: {', '.join(known)}."
