"""From a SOW to SQL: its tables in order, each as a row of compiled steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlglot import exp

from backoffice.contract import REJECTS, Columns, Sow, Work
from backoffice.contract.flow import flow_of
from backoffice.transform.fragment import ROW, Batches, Cells, Fragment, Rows, Shape, Source
from backoffice.transform.sql import col, table

__all__ = ["Making", "Plan", "Stage", "plan"]


@dataclass(frozen=True)
class Stage:
    """One compiled step."""

    number: int
    """From 1, as people count."""
    step: str
    source: Source
    fragment: Fragment
    marks: Mapping[str, exp.Expr] = field(default_factory=dict)
    """What the next step asks of every row that this one leaves (``Rows.marks``)."""

    @property
    def columns(self) -> Columns:
        """The columns that it leaves."""
        return self.source.after

    def select(self, *, flags: Mapping[str, exp.Expr] | None = None) -> exp.Select:
        """The query of a step that leaves every row, with hidden columns of its own if need be."""
        fragment = self.fragment
        chosen: list[exp.Expr] = [col(ROW)]
        for name in self.columns:
            if isinstance(fragment, Shape):
                old = fragment.columns[name]
                chosen.append(exp.alias_(col(old), name, quoted=True) if old != name else col(name))
            else:
                cell = fragment.cells.get(name) if isinstance(fragment, Cells) else None
                chosen.append(col(name) if cell is None else exp.alias_(_kept(self, name, cell), name, quoted=True))
        chosen += [exp.alias_(flag.copy(), name, quoted=True) for name, flag in (flags or {}).items()]
        return exp.select(*chosen, copy=False).from_(self._from())

    def _from(self) -> exp.Table | exp.Subquery:
        """The table, with the hidden columns that the fragment's cells are made from."""
        found: exp.Table | exp.Subquery = table(self.source.table)
        for hidden in self.fragment.before if isinstance(self.fragment, Cells) else ():
            more = [exp.alias_(cell.copy(), name, quoted=True) for name, cell in hidden.items()]
            called = exp.to_identifier(self.source.table, quoted=True)
            found = exp.select("*", *more).from_(found).subquery(called, copy=False)
        return found


def _kept(stage: Stage, name: str, cell: exp.Expr) -> exp.Expr:
    """The cell, or what it was made from where that could not be read and is to stay."""
    fragment = stage.fragment
    if isinstance(fragment, Cells) and fragment.unreadable == "keep" and fragment.loses:
        read = fragment.reads.get(name, name)
        if read in stage.source.columns:
            return exp.func("coalesce", cell.copy(), col(read))
    return cell.copy()


@dataclass(frozen=True)
class Making:
    """How one table is made of another."""

    table: str
    of: str
    stages: tuple[Stage, ...]
    columns: Columns
    reads: frozenset[str]
    """Every table of the SOW that it reads."""

    def result(self) -> exp.Select:
        """The table, in the order of the rows."""
        chosen = map(col, (ROW, *self.columns))
        return exp.select(*chosen).from_(table(self.stages[-1].source.name)).order_by(col(ROW))


@dataclass(frozen=True)
class Plan:
    """A compiled SOW."""

    makings: tuple[Making, ...]
    tables: Mapping[str, Columns]
    """Every table, its columns and what they hold; ``input`` and ``result`` among them."""
    delivered: Mapping[str, Columns]
    """Those that are delivered, with the columns that are."""

    def query(self, name: str) -> exp.Select:
        """How the table ``name`` is made, as one query over the inputs and the look-ups. A step of Python stands in it
        as a function over a table.
        """
        wanted = self._wanted(name)
        query = exp.select(*map(col, self.delivered.get(name, self.tables[name]))).from_(table(name)).order_by(col(ROW))
        for making in self.makings:
            if making.table not in wanted:
                continue
            parts = [part for stage in making.stages for part in _parts(stage)]
            last = making.stages[-1].source.name
            for called, part in parts:
                called = making.table if called == last else called
                query = query.with_(exp.to_identifier(called, quoted=True), as_=part, copy=False)
        return query

    def _wanted(self, name: str) -> set[str]:
        """The table, and all that it is made from. A table that a step makes on the side is made with the step's own."""
        makers = {making.table: making for making in self.makings}
        for making in self.makings:
            for stage in making.stages:
                if isinstance(stage.fragment, Rows):
                    makers |= dict.fromkeys(stage.fragment.sides, making)
        wanted: set[str] = set()
        waiting = [name]
        while waiting:
            making = makers.get(waiting.pop())
            if making is not None and making.table not in wanted:
                wanted.add(making.table)
                waiting += making.reads
        return wanted


def _parts(stage: Stage) -> Iterator[tuple[str, exp.Query]]:
    fragment = stage.fragment
    if isinstance(fragment, Rows):
        yield from fragment.tables
        yield from fragment.sides.items()
    elif isinstance(fragment, Batches):
        call = exp.Anonymous(this=stage.step, expressions=[col(stage.source.table)])
        yield stage.source.name, exp.select("*").from_(exp.Table(this=call))
    else:
        yield stage.source.name, stage.select()


def plan(sow: Sow) -> Plan:
    """Compile ``sow``. Nothing is run."""
    known: dict[str, dict] = {name: dict(columns) for name, columns in sow.bases.items()}
    flow = flow_of(sow)
    list(flow.faults())
    makings = []
    for work in sow.works():
        making = _making(work, known, sow.path.parent)
        makings.append(making)
        known[work.table] = dict(making.columns)
        if REJECTS in flow.known and _rejects(making):
            known[REJECTS] = flow.known[REJECTS]
    return Plan(tuple(makings), flow.known, sow.delivered)


def _making(work: Work, known: dict[str, dict], folder: Path) -> Making:
    columns: Columns = known[work.of]
    before = work.of
    stages: list[Stage] = []
    reads = {work.of}
    for number, step in enumerate(work.steps, start=1):
        reads |= {one.name for one in step.names() if one.name in known and not hasattr(one.mark, "kinds")}
        known |= {name: dict(made) for name, made in step.tables_made(columns, known).items()}
        after = step.columns_after(columns, known)
        name = f"{work.table}_{number}_{step.step}"
        source = Source(table=before, columns=columns, after=after, name=name, tables=known, folder=folder)
        stages.append(Stage(number, step.step, source, step.compile(source)))
        columns, before = after, name
    return Making(work.table, work.of, tuple(_marked(stages)), columns, frozenset(reads))


def _marked(stages: Sequence[Stage]) -> Iterator[Stage]:
    """The stages; those on cells know what the next one asks of their rows."""
    following = [*(stage.fragment for stage in stages[1:]), None]
    for stage, asked in zip(stages, following, strict=True):
        marks = asked.marks if isinstance(asked, Rows) and isinstance(stage.fragment, Cells | Shape) else {}
        yield replace(stage, marks=marks) if marks else stage


def _rejects(making: Making) -> bool:
    return any(isinstance(stage.fragment, Cells) and stage.fragment.unreadable == "reject" for stage in making.stages)
