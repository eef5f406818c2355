"""From a SOW to SQL. Each step becomes one common table expression (or a few), built as sqlglot expressions.

Every table that a step reads has the hidden column ``_row``: the row's number in the client's file. It keeps the order.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch

from sqlglot import exp

from backoffice.contract import Sow, Step

__all__ = [
    "ROW",
    "Cells",
    "Fragment",
    "Plan",
    "Rows",
    "Shape",
    "Source",
    "Stage",
    "call",
    "col",
    "compile_step",
    "complete",
    "filled",
    "plan",
]

ROW = "_row"


@dataclass(frozen=True)
class Source:
    """What a step reads: a table, and its columns without the hidden one."""

    table: str
    columns: tuple[str, ...]
    name: str
    """What the step calls its own result; further tables of its own begin with it."""


@dataclass(frozen=True)
class Cells:
    """A step that changes cells and leaves every row. Columns that are not named stay as they are."""

    cells: Mapping[str, exp.Expr]
    loses: bool = True
    """Whether a cell that it empties held something; if so, those are counted."""
    dates: bool = False
    """Whether the cells are dates as YYYY-MM-DD now."""


@dataclass(frozen=True)
class Shape:
    """A step that chooses, renames or orders columns: new name -> old name."""

    columns: Mapping[str, str]


@dataclass(frozen=True)
class Rows:
    """A step that drops or merges rows. The last of its tables, called ``Source.name``, is its result."""

    tables: tuple[tuple[str, exp.Query], ...]
    columns: tuple[str, ...]
    counts: Mapping[str, exp.Query] = field(default_factory=dict)
    """Further figures: queries of one number over the tables."""


Fragment = Cells | Shape | Rows


@singledispatch
def compile_step(step: Step, source: Source) -> Fragment:
    """What ``step`` means as SQL. Each module of ``transform/steps/`` registers one step."""
    raise NotImplementedError(f"The step {type(step).__name__} has no SQL: register one in transform/steps/.")


@dataclass(frozen=True)
class Stage:
    """One compiled step."""

    number: int
    """From 1, as people count."""
    step: str
    source: Source
    fragment: Fragment
    columns: tuple[str, ...]

    def select(self, *, flags: Mapping[str, exp.Expr] | None = None) -> exp.Select:
        """The query of a step that leaves every row, with hidden columns of its own if need be."""
        fragment = self.fragment
        chosen: list[exp.Expr] = [col(ROW)]
        if isinstance(fragment, Shape):
            chosen += [
                exp.alias_(col(old), new, quoted=True) if new != old else col(old)
                for new, old in fragment.columns.items()
            ]
        elif isinstance(fragment, Cells):
            for name in self.columns:
                cell = fragment.cells.get(name)
                chosen.append(col(name) if cell is None else exp.alias_(cell.copy(), name, quoted=True))
        chosen += [exp.alias_(flag.copy(), name, quoted=True) for name, flag in (flags or {}).items()]
        return exp.select(*chosen, copy=False).from_(table(self.source.table))


@dataclass(frozen=True)
class Plan:
    """A compiled SOW."""

    stages: tuple[Stage, ...]
    columns: tuple[str, ...]
    """The columns of the result."""
    dates: frozenset[str] = frozenset()
    """Those of them that are dates in the result; all others are text."""

    def result(self) -> exp.Select:
        """The agreed columns of the last step, in the order of the client's file."""
        chosen: list[exp.Expr] = []
        for name in self.columns:
            chosen.append(
                exp.alias_(exp.cast(col(name), "date"), name, quoted=True) if name in self.dates else col(name)
            )
        return exp.select(*chosen).from_(table(self.stages[-1].source.name)).order_by(col(ROW))

    def query(self) -> exp.Select:
        """The whole SOW as one query over the table ``input``."""
        query = self.result()
        for stage in self.stages:
            fragment = stage.fragment
            tables = fragment.tables if isinstance(fragment, Rows) else ((stage.source.name, stage.select()),)
            for name, part in tables:
                query = query.with_(exp.to_identifier(name), as_=part, copy=False)
        return query


def plan(sow: Sow) -> Plan:
    """Compile ``sow``. Nothing is run."""
    _load_steps()
    columns = tuple(sow.input.columns)
    before = "input"
    dates: set[str] = set()
    stages = []
    for number, step in enumerate(sow.steps, start=1):
        source = Source(table=before, columns=columns, name=f"{step.step}_{number}")
        fragment = compile_step(step, source)
        if isinstance(fragment, Shape):
            columns = tuple(fragment.columns)
            dates = {new for new, old in fragment.columns.items() if old in dates}
        elif isinstance(fragment, Cells):
            dates = dates | set(fragment.cells) if fragment.dates else dates - set(fragment.cells)
        elif isinstance(fragment, Rows):
            columns = fragment.columns
        stages.append(Stage(number, step.step, source, fragment, columns))
        before = source.name
    return Plan(tuple(stages), sow.output.columns or columns, frozenset(dates))


def _load_steps() -> None:
    package = importlib.import_module("backoffice.transform.steps")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def col(name: str, of: str | None = None) -> exp.Column:
    """A column, quoted: its name is the client's."""
    return exp.column(name, table=of, quoted=True)


def table(name: str, alias: str | None = None) -> exp.Table:
    """A table of ours."""
    known_as = exp.TableAlias(this=exp.to_identifier(alias)) if alias else None
    return exp.Table(this=exp.to_identifier(name), alias=known_as)


def call(name: str, *arguments: exp.Expr | str | float | int) -> exp.Expr:
    """A call of one of DuckDB's functions; text and numbers become literals."""
    return exp.func(
        name, *(exp.convert(one) if not isinstance(one, exp.Expr) else one for one in arguments), dialect="duckdb"
    )


def filled(name: str) -> exp.Expr:
    """Whether a cell is."""
    return exp.not_(col(name).is_(exp.null()))


def complete(columns: tuple[str, ...]) -> exp.Expr:
    """How many cells of a row are filled."""
    return exp.Anonymous(this="list_count", expressions=[exp.Array(expressions=[col(name) for name in columns])])
