"""Steps in a row that change cells and leave every row, as one query that works out each changed cell once.

Every step is a level of the query, one around the other. What is counted compares the cells before and after a step: both
are there at the outermost level, under hidden names, and the answers are the bits of a number that each row carries. So
the steps and their counting are one pass; rows with the same number are then counted together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from backoffice.contract import Kind
from backoffice.transform.figures import StepFigures
from backoffice.transform.fragment import ROW, Cells, Shape
from backoffice.transform.literals import as_text
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from backoffice.transform.compiling import Stage
    from backoffice.transform.tables import Tables

__all__ = ["Ahead", "Begun", "Chain"]

_BITS = 62
"""That one number holds."""


@dataclass(frozen=True)
class _Flag:
    """Something that is counted: in how many rows it is true."""

    number: int
    """Of the step."""
    kind: str
    """``changed``, ``blanked`` or ``counts``."""
    called: str
    """The column, or the figure's name."""


class Chain:
    """A run of steps that leave every row. Only the last of them may take rows out afterwards.

    :param stages: at least one.
    :param marked: a condition on what the first step reads: rows that are not the client's. Take them out before anything
        is counted.
    """

    def __init__(self, stages: Sequence[Stage], *, marked: exp.Expr | None = None) -> None:
        self.stages = tuple(stages)
        self._marked = marked
        building = _Building(self.stages[0], marked)
        self._flags = [flag for stage in self.stages for flag in building.add(stage)]
        self._query = building.finished(self.last.columns, self.last.marks)

    @property
    def name(self) -> str:
        """The table that it makes."""
        return self.stages[-1].source.name

    @property
    def last(self) -> Stage:
        """The last step."""
        return self.stages[-1]

    def query(self) -> exp.Select:
        """It over the table that the first step reads; with hidden columns for what is counted."""
        return self._query.copy()

    def stands_alone(self) -> bool:
        """Whether it reads the table that the first step reads once, and no other."""
        named = {one.alias for one in self._query.ctes}
        read = [one.name for one in self._query.find_all(exp.Table) if one.name not in named]
        return read == [self.stages[0].source.table]

    def is_marked(self) -> exp.Expr:
        """Whether a row is one of the marked, over the table that was made."""
        return _bit(0)

    def lost(self) -> dict[str, exp.Expr]:
        """For each column that the last step reads: whether a row's cell could not be read, over the table that was made."""
        number = self.last.number
        return {
            flag.called: _bit(place)
            for place, flag in self._placed()
            if flag.number == number and flag.kind == "blanked"
        }

    def figures(self, tables: Tables, making: str, rows: int) -> list[StepFigures]:
        """What each of the steps did, counted in the table that was made.

        :param making: the table that they are steps to.
        """
        found = dict(self._counted(tables))
        figures = []
        for stage in self.stages:
            kinds: dict[str, dict[str, int]] = {"changed": {}, "blanked": {}, "counts": {}}
            for flag, count in found.items():
                if flag.number == stage.number and count:
                    kinds[flag.kind][flag.called] = count
            unreadable = stage.fragment.unreadable if isinstance(stage.fragment, Cells) else "blank"
            figures.append(StepFigures(stage.number, stage.step, rows, rows, making, unreadable=unreadable, **kinds))
        return figures

    def _placed(self) -> Iterator[tuple[int, _Flag]]:
        return enumerate(self._flags, start=0 if self._marked is None else 1)

    def _counted(self, tables: Tables) -> Iterator[tuple[_Flag, int]]:
        by_column: dict[int, list[tuple[int, _Flag]]] = {}
        for place, flag in self._placed():
            by_column.setdefault(place // _BITS, []).append((place, flag))
        for number, placed in by_column.items():
            hidden = _hidden(number)
            groups = exp.select(col(hidden), exp.alias_(exp.Count(this=exp.Star()), "n")).from_(table(self.name))
            groups = groups.group_by(col(hidden))
            sums = [sql("coalesce(sum(case when :met then n end), 0)", met=_bit(place)) for place, _ in placed]
            counts = tables.one(exp.select(*sums).from_(groups.subquery("groups")))
            yield from zip((flag for _, flag in placed), map(int, counts), strict=True)


def _hidden(number: int) -> str:
    return f"_counted_{number}"


def _bit(place: int) -> exp.Expr:
    number, bit = divmod(place, _BITS)
    return sql("(:flags & :bit) <> 0", flags=col(_hidden(number)), bit=exp.Literal.number(1 << bit))


@dataclass(frozen=True)
class Begun:
    """The first steps to a table, which were done while its source was read."""

    chain: Chain
    """Its table is there; the one that it reads never was."""
    rows: int


@dataclass(frozen=True)
class Ahead:
    """First steps that may be done while a file is read, so that there is no table of its text."""

    stages: Mapping[str, Sequence[Stage]] = field(default_factory=dict)
    """By the input's name."""
    threads: int = 1
    """How many may read a long list at once."""
    begun: dict[str, Begun] = field(default_factory=dict)
    """Those that were: the reader says so here."""


class _Building:
    """A chain's query while it grows: one level around the other."""

    def __init__(self, first: Stage, marked: exp.Expr | None) -> None:
        self._below: exp.Table | exp.Subquery = table(first.source.table)
        self._beside: list[tuple[str, exp.Query]] = []
        """Levels that a step looks at as a whole: named, and worked out once."""
        self._carried: list[str] = []
        """Hidden columns that every further level hands on."""
        self._asked: dict[str, str] = {}
        """Columns of the present level by which something is counted -> the hidden names under which they are handed on
        from the level that changes them."""
        self._names = 0
        self._columns = list(first.source.columns)
        self.met: list[exp.Expr] = []
        """What is counted."""
        if marked is not None:
            hidden = self._new()
            self._wrap({hidden: marked}, self._columns, first.source.table)
            self._carried.append(hidden)
            self.met.append(col(hidden))

    def add(self, stage: Stage) -> Iterator[_Flag]:
        """Put a step around what is there. Gives what is counted of it, in the order in which ``met`` grows."""
        fragment = stage.fragment
        if isinstance(fragment, Shape):
            self._wrap({new: col(old) for new, old in fragment.columns.items()}, stage.columns, stage.source.name)
            return
        assert isinstance(fragment, Cells)  # noqa: S101 - asked by the caller
        self._look_around(stage, fragment)
        for hidden in fragment.before:
            more = [exp.alias_(cell.copy(), name, quoted=True) for name, cell in hidden.items()]
            self._below = self._called(exp.select("*", *more).from_(self._below), stage.source.table)
        yield from self._cells(stage, fragment)

    def finished(self, columns: Iterable[str], marks: Mapping[str, exp.Expr]) -> exp.Select:
        """The query, with what is counted as bits of as many numbers as it takes."""
        still = {hidden: name for name, hidden in self._asked.items()}
        chosen: list[exp.Expr] = [col(ROW), *map(col, columns)]
        chosen += [exp.alias_(mark.copy(), name, quoted=True) for name, mark in marks.items()]
        for start in range(0, len(self.met), _BITS):
            total: exp.Expr | None = None
            for bit, met in enumerate(self.met[start : start + _BITS]):
                now = met.transform(lambda node: col(still[node.name]) if _is_hidden(node, still) else node)
                one = sql("case when :met then :bit else 0 end", met=now, bit=exp.Literal.number(1 << bit))
                total = one if total is None else exp.Add(this=total, expression=one)
            big = exp.cast(exp.paren(total or exp.Literal.number(0)), "bigint")
            chosen.append(exp.alias_(big, _hidden(start // _BITS), quoted=True))
        query = exp.select(*chosen).from_(self._below)
        for name, level in self._beside:
            query = query.with_(exp.to_identifier(name, quoted=True), as_=level, copy=False)
        return query

    # ------------------------------------------------------------------ levels

    def _cells(self, stage: Stage, fragment: Cells) -> Iterator[_Flag]:
        source = stage.source
        old = {name: self._ask(name) for name in fragment.cells if name in source.columns}
        read = {name: fragment.reads.get(name, name) for name in fragment.cells}
        read = {name: self._ask(one) for name, one in read.items() if one in source.columns and fragment.loses}
        keeps = set(read) if fragment.unreadable == "keep" else set()
        raw = {name: self._new() for name in keeps}
        more = {raw.get(name, name): cell for name, cell in fragment.cells.items()}
        lost = {name: self._new() for name in fragment.lost}
        counts = {called: self._new() for called in fragment.counts}
        more |= {lost[name]: met for name, met in fragment.lost.items()}
        more |= {counts[called]: met for called, met in fragment.counts.items()}
        extra = [name for name in more if name not in stage.columns]
        self._wrap(more, stage.columns, source.name, but=keeps)
        self._carried += extra
        if keeps:
            again = {
                name: sql("coalesce(:cell, :read)", cell=col(raw[name]), read=self._at(read[name])) for name in keeps
            }
            self._wrap(again, stage.columns, source.name)
        flags: list[tuple[str, str, exp.Expr]] = []
        for name in fragment.cells:
            now = col(raw[name]) if name in keeps else col(self._ask(name))
            if name in lost:
                flags.append(("blanked", name, col(lost[name])))
            elif name in read:
                met = sql(":cell is null and :before is not null", cell=now, before=col(read[name]))
                flags.append(("blanked", name, met))
            if name in old:
                flags.append(
                    ("changed", name, _changed(col(old[name]), source.columns[name], now, stage.columns[name]))
                )
        flags += [("counts", called, col(hidden)) for called, hidden in counts.items()]
        for kind, called, met in flags:
            self.met.append(met)
            yield _Flag(stage.number, kind, called)

    def _look_around(self, stage: Stage, fragment: Cells) -> None:
        """Give the present level a name of its own where the step's cells ask something of all rows."""
        parts = [*fragment.cells.values(), *fragment.lost.values(), *fragment.counts.values()]
        parts += [cell for hidden in fragment.before for cell in hidden.values()]
        called = stage.source.table
        if any(one.name == called for part in parts for one in part.find_all(exp.Table)) and isinstance(
            self._below, exp.Subquery
        ):
            self._beside.append((called, self._below.this))
            self._below = table(called)

    def _wrap(
        self, more: Mapping[str, exp.Expr], columns: Iterable[str], called: str, *, but: Iterable[str] = ()
    ) -> None:
        """A level with these columns: as ``more`` says, the others as they are.

        :param but: columns that are not there yet.
        """
        missing = set(but)
        left = [name for name in columns if name not in missing]
        chosen: list[exp.Expr] = [col(ROW)]
        for name in left:
            chosen.append(exp.alias_(more[name].copy(), name, quoted=True) if name in more else col(name))
        chosen += map(col, self._carried)
        chosen += [exp.alias_(cell.copy(), name, quoted=True) for name, cell in more.items() if name not in left]
        for name in list(self._asked):
            unchanged = name in left and (name not in more or more[name] == col(name))
            if not unchanged:
                hidden = self._asked.pop(name)
                chosen.append(exp.alias_(col(name), hidden, quoted=True))
                self._carried.append(hidden)
        self._below = self._called(exp.select(*chosen).from_(self._below), called)

    @staticmethod
    def _called(query: exp.Select, name: str) -> exp.Subquery:
        return query.subquery(exp.to_identifier(name, quoted=True), copy=False)

    def _ask(self, name: str) -> str:
        """The hidden name of a column's cells as they are now."""
        return self._asked.setdefault(name, self._new()) if name not in self._asked else self._asked[name]

    def _at(self, hidden: str) -> exp.Expr:
        """What has a hidden name, at the present level."""
        return col(next((name for name, one in self._asked.items() if one == hidden), hidden))

    def _new(self) -> str:
        self._names += 1
        return f"_{self._names}"


def _is_hidden(node: exp.Expr, hidden: Mapping[str, str]) -> bool:
    return isinstance(node, exp.Column) and node.name in hidden


def _changed(before: exp.Expr, old: Kind, now: exp.Expr, new: Kind) -> exp.Expr:
    """Whether a cell that is filled holds something else than before; as people write it, where its kind is another."""
    if old != new:
        before, now = as_text(before, old), as_text(now, new)
    return sql("coalesce(:now <> :before, :now is not null)", now=now, before=before)
