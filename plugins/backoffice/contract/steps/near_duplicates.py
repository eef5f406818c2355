"""Near duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.model import ColumnName, Model
from backoffice.contract.step import Named, Step, listed

Edits = Annotated[int, Field(ge=1, le=9)]
Likeness = Annotated[float, Field(gt=0, lt=1)]


class Points(Model):
    """What one column says about two rows being the same. A column that is empty in either row says nothing: 0 points.

    The best that holds counts: ``equal``, then ``edits``, then ``similar``, else ``differs``.
    """

    equal: float
    edits: dict[Edits, float] = Field(default_factory=dict)
    """At most so many letters inserted, deleted, changed or swapped with the next (Damerau-Levenshtein) -> points."""
    similar: dict[Likeness, float] = Field(default_factory=dict)
    """A likeness (Jaro-Winkler, 0 to 1) of at least so much -> points."""
    differs: float


class NearDuplicates(Step):
    """Find rows that mean the same, and make one of them, by points as Fellegi and Sunter (1969) weigh evidence.

    Two rows are compared if they are equal in every column of one line of ``compare_if_equal``; a block of more than
    ``largest_block`` rows that share such a line is not compared by it (and counted), or the work would grow with its
    square. A pair with ``threshold`` points or more is the same. Pairs chain: if A is B and B is C, all three are one.

    Of such a group the most complete row survives, of equally complete ones the first. Each of its empty cells is
    filled from the most complete of the others that has one.
    """

    step: Literal["near_duplicates"] = "near_duplicates"
    ids: ColumnName
    """The client's own reference, to list what was merged; it is never filled and earns no points by itself."""
    list_as: ColumnName
    """The column that lists the references of merged rows, joined by ``;``. Empty where nothing was merged."""
    compare_if_equal: tuple[Annotated[tuple[ColumnName, ...], Field(min_length=1)], ...] = Field(min_length=1)
    points: dict[ColumnName, Points] = Field(min_length=1)
    threshold: float = Field(gt=0)
    largest_block: int = Field(default=200, ge=2, le=10_000)

    @model_validator(mode="after")
    def _can_be_reached(self) -> NearDuplicates:
        most = sum(points.equal for points in self.points.values())
        if most < self.threshold:
            raise ValueError(f"`threshold` {self.threshold:g} is out of reach: equal rows have {most:g} points")
        return self

    @override
    def words(self) -> str:
        lines = " or ".join(" and ".join(line) for line in self.compare_if_equal)
        return (
            f"Merge rows that mean the same: equal in {lines}, and {self.threshold:g} points or more over "
            f"{len(self.points)} columns. The most complete row stays, its empty cells filled from the others."
        )

    @override
    def columns_named(self) -> Iterator[Named]:
        yield ("ids",), self.ids
        for index, line in enumerate(self.compare_if_equal):
            for place, column in enumerate(line):
                yield ("compare_if_equal", index, place), column
        yield from listed("points", self.points)

    @override
    def columns_after(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        return columns if self.list_as in columns else (*columns, self.list_as)

    @override
    def columns_made(self) -> Iterator[Named]:
        yield ("list_as",), self.list_as
