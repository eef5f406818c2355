"""What a step of a SOW is. The steps themselves are in :mod:`backoffice.contract.steps`, one file each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from backoffice.contract.model import Model

__all__ = ["Named", "Step", "step_words"]

Named = tuple[tuple[str | int, ...], str]
"""A column that a step names: the way to it within the step, and the column."""


class Step(Model):
    """One instruction of a SOW, carried out on the table that the step before it left.

    A step is a model in ``contract/steps/`` (what can be said in YAML) and a function in ``transform/steps/`` (what it
    means as SQL). Both folders are read as a whole: a new step adds two files and edits none.
    """

    step: Any
    """The step's name; each step narrows it to its own."""

    def words(self) -> str:
        """What the step does, in words for an operator."""
        raise NotImplementedError

    def columns_named(self) -> Iterator[Named]:
        """Every column the step needs to find, with its place."""
        yield from ()

    def columns_after(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that the step leaves, given those it finds."""
        return columns

    def columns_made(self) -> Iterator[Named]:
        """Columns that only steps make: none of the client's may be called so."""
        yield from ()


def listed(key: str, columns: Iterable[str] | None) -> Iterator[Named]:
    """The columns of a list, or the keys of a mapping, that stands under ``key``."""
    mapping = isinstance(columns, dict)
    for index, column in enumerate(columns or ()):
        yield (key, column if mapping else index), column


def step_words(step: Step) -> str:
    """What ``step`` does, in words for an operator."""
    return step.words()
