"""What says that two rows mean the same, and how much: points as Fellegi and Sunter (1969) weigh evidence."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model
from backoffice.contract.step import AnyColumn
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Pairing", "Points", "Start", "Swapped", "double", "total", "words_of"]

Edits = Annotated[int, Field(ge=1, le=9)]
Likeness = Annotated[float, Field(gt=0, lt=1)]
Share = Annotated[float, Field(gt=0, le=1)]

_DATES = frozenset({Kind.DATE, Kind.TIMESTAMP})


class Points(Model):
    """What one column says about two rows being the same. A column that is empty in either row says nothing: 0 points.

    ``equal`` counts if it holds; else the most points of what holds; else ``differs``.
    """

    equal: float
    day_and_month: float | None = None
    """The same date, but for day and month that have changed places."""
    edits: dict[Edits, float] = Field(default_factory=dict)
    """At most so many letters inserted, deleted, changed or swapped with the next (Damerau-Levenshtein) -> points."""
    similar: dict[Likeness, float] = Field(default_factory=dict)
    """A likeness (Jaro-Winkler, 0 to 1) of at least so much -> points."""
    words: dict[Share, float] = Field(default_factory=dict)
    """So large a share of all words is in both (Dice, 1: the same words), in any order -> points. Case and signs do not
    matter."""
    differs: float


class Start(Model):
    """The beginning of a cell, to compare by."""

    column: AnyColumn
    first: int = Field(ge=1, le=50)
    """So many letters, in any case."""


class Swapped(Model):
    """Two columns whose cells may have changed places, like given name and surname."""

    columns: tuple[AnyColumn, AnyColumn]
    points: float
    """What it says if they have, in place of what the two columns say."""
    similar: Likeness | None = None
    """How alike the cells have to be, crosswise (Jaro-Winkler); left out: equal."""


class Pairing(Model):
    """Which rows are compared, and how many points make them the same.

    Two rows are compared if they are equal in every column of one line of ``compare_if_equal``; an empty cell equals
    nothing. Where more than ``largest_block`` rows share such a line, they would be too many to compare each with each:
    they are put in order, once by each of the three columns that say most, and each is compared with the
    ``neighbours`` next ones (sorted neighbourhood, Hernandez and Stolfo 1995). Such blocks are counted.
    """

    compare_if_equal: tuple[Annotated[tuple[AnyColumn | Start, ...], Field(min_length=1)], ...] = Field(min_length=1)
    """Lines of columns; of a column the first letters only: ``{column: surname, first: 3}``."""
    points: dict[AnyColumn, Points] = Field(min_length=1)
    swapped: tuple[Swapped, ...] = ()
    threshold: float = Field(gt=0)
    """A pair with so many points or more is the same."""
    largest_block: int = Field(default=200, ge=2, le=10_000)
    neighbours: int = Field(default=20, ge=1, le=1000)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Pairing:
        most = sum(max(_possible(points)) for points in self.points.values())
        most += sum(max(0.0, one.points) for one in self.swapped)
        if most < self.threshold:
            raise ValueError(f"`threshold` {self.threshold:g} is out of reach: equal rows have {most:g} points")
        for one in self.swapped:
            if strange := [name for name in one.columns if name not in self.points]:
                raise ValueError(f"`swapped` takes the place of points: `{strange[0]}` has none")
            if one.columns[0] == one.columns[1]:
                raise ValueError("`swapped` names two different columns")
        swapped = [name for one in self.swapped for name in one.columns]
        if len(set(swapped)) < len(swapped):
            raise ValueError("a column can be in one pair of `swapped` only")
        return self

    def date_faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """As a step's ``faults``."""
        for name, points in self.points.items():
            if points.day_and_month is not None and columns.get(name) not in _DATES | {None}:
                fault = f"`{name}` holds {columns[name]}: day and month are told apart in dates."
                yield ("points", name, "day_and_month"), fault, "Make dates of it first (step `dates`)."

    def lines(self) -> str:
        """The lines, in words."""
        return " or ".join(" and ".join(map(_shown, line)) for line in self.compare_if_equal)

    def compared(self) -> list[str]:
        """Every column that is looked at."""
        names = [name_of(one) for line in self.compare_if_equal for one in line]
        return list(dict.fromkeys([*self.points, *names]))


def _possible(points: Points) -> Iterator[float]:
    yield points.equal
    yield from () if points.day_and_month is None else (points.day_and_month,)
    for levels in (points.edits, points.similar, points.words):
        yield from levels.values()


def name_of(one: str | Start) -> str:
    return one if isinstance(one, str) else one.column


def _shown(one: str | Start) -> str:
    return one if isinstance(one, str) else f"the first {one.first} letters of {one.column}"


def words_of(cell: exp.Expr) -> exp.Expr:
    """Its different words: letters and digits, in lower case."""
    text = "list_distinct(list_filter(string_split_regex(lower(:cell), :signs), lambda w: w <> ''))"
    return sql(text, cell=cell, signs=r"[^\p{L}\p{N}]+")


def double(number: float) -> exp.Expr:
    """A number as a binary one: points are added up in the same way everywhere."""
    from sqlglot import exp

    return exp.cast(exp.convert(number), "double")


def total(pairing: Pairing, at: dict[str, str]) -> exp.Expr:
    """The points of two rows ``x`` and ``y``.

    :param at: what each compared column is called there; its words stand in ``_w`` and that name.
    """
    terms = {name: _points(at[name], points) for name, points in pairing.points.items()}
    for one in pairing.swapped:
        a, b = one.columns
        text = "case when :crossed then :points else :a + :b end"
        crossed = _crossed(one, at[a], at[b])
        terms[a] = sql(text, crossed=crossed, points=double(one.points), a=terms[a], b=terms.pop(b))
    return reduce(_plus, terms.values())


def _plus(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return exp.Add(this=one, expression=other)


def _crossed(swapped: Swapped, a: str, b: str) -> exp.Expr:
    names = {"xa": col(a, "x"), "xb": col(b, "x"), "ya": col(a, "y"), "yb": col(b, "y")}
    if swapped.similar is None:
        text = ":xa = :yb and :xb = :ya and :xa <> :ya"
        return sql(f"coalesce({text}, false)", **names)
    crosswise = "least(jaro_winkler_similarity(:xa, :yb), jaro_winkler_similarity(:xb, :ya))"
    straight = "greatest(jaro_winkler_similarity(:xa, :ya), jaro_winkler_similarity(:xb, :yb))"
    text = f"coalesce(:xa <> :ya and :xb <> :yb and {crosswise} >= :least and {crosswise} > {straight}, false)"
    return sql(text, **names, least=swapped.similar)


def _points(cell: str, points: Points) -> exp.Expr:
    """What one column says of two rows. Most compared cells differ: that is asked first, so the rest costs little."""
    from sqlglot import exp

    x, y = col(cell, "x"), col(cell, "y")
    found = exp.Case().when(sql(":x is null or :y is null", x=x, y=y), double(0))
    found = found.when(sql(":x = :y", x=x, y=y), double(points.equal), copy=False)
    if points.day_and_month is not None:  # an edit or two would find it as well
        text = (
            "left(:x, 4) = left(:y, 4) and substr(:x, 6, 2) = substr(:y, 9, 2) and substr(:x, 9, 2) = substr(:y, 6, 2)"
        )
        found = found.when(sql(text, x=x, y=y), double(points.day_and_month), copy=False)
    kinds = (
        ("damerau_levenshtein(:x, :y)", "<=", sorted(points.edits.items(), reverse=True)),
        ("jaro_winkler_similarity(:x, :y)", ">=", sorted(points.similar.items())),
        ("2 * len(list_intersect(:v, :w)) / nullif(len(:v) + len(:w), 0)", ">=", sorted(points.words.items())),
    )
    values = {"x": x, "y": y, "v": col(f"_w{cell}", "x"), "w": col(f"_w{cell}", "y")}
    used = [one for one in kinds if one[2]]
    if len(used) == 1:
        text, better, levels = used[0]
        far = sql(f"not {text} {better} :limit", **values, limit=double(levels[0][0]))
        found = found.when(far, double(points.differs), copy=False)
    known = [(value, text, better, level) for text, better, levels in used for level, value in levels]
    for value, text, better, level in sorted(known, key=lambda one: -one[0]):
        holds = sql(f"{text} {better} :limit", **values, limit=double(level))
        found = found.when(holds, double(value), copy=False)
    return found.else_(double(points.differs))
