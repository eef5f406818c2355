"""What a step means: which tables it reads, and what of them it changes. Light: it is imported at DAG parse.

Every table that a step reads has the hidden column ``_row``: the row's number in the client's file, or where a step has
made new rows their number in that step's result. It keeps the order, and no two rows of a table have the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.contract.kind import Columns
from backoffice.contract.step import Unreadable

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlglot import exp

__all__ = ["ROW", "Batches", "Cells", "Demand", "Fragment", "Rows", "Shape", "Source"]

ROW = "_row"


@dataclass(frozen=True)
class Source:
    """What a step reads."""

    table: str
    columns: Columns
    """Its columns, without the hidden one, and what they hold."""
    after: Columns
    """The columns that the step is to leave."""
    name: str
    """What the step calls its own result; further tables of its own begin with it and ``_``."""
    tables: Mapping[str, Columns] = field(default_factory=dict)
    """The SOW's other tables that are there by now, under the names that the SOW gives them. They have ``_row`` too."""
    folder: Path = Path()
    """Where the SOW lies."""


@dataclass(frozen=True)
class Demand:
    """What has to hold after a step; otherwise the client's file is refused, with figures and no value."""

    query: exp.Query
    """Of one row: whether it holds, then the figures of the message; over the tables of the step."""
    message: str
    """What is wrong, with ``{0}``, ``{1}``, … for the figures."""
    hint: str = ""


@dataclass(frozen=True)
class Cells:
    """A step that changes cells, or adds columns, and leaves every row. What is not named stays as it is."""

    cells: Mapping[str, exp.Expr]
    reads: Mapping[str, str] = field(default_factory=dict)
    """For a cell that is new, or that takes another's place: the column that it is read from. Left out: its own."""
    lost: Mapping[str, exp.Expr] = field(default_factory=dict)
    """For a cell that is made from several: when it counts as lost, over what it reads."""
    loses: bool = True
    """Whether a cell that it empties held something; if so, those are counted, and ``unreadable`` says what is done."""
    unreadable: Unreadable = "blank"
    counts: Mapping[str, exp.Expr] = field(default_factory=dict)
    """Further figures: in how many rows this is true of what the step reads."""
    demands: tuple[Demand, ...] = ()
    before: tuple[Mapping[str, exp.Expr], ...] = ()
    """Hidden columns that the cells are made from, each worked out once; one mapping sees those of the mappings before
    it. Their names begin with ``_``."""


@dataclass(frozen=True)
class Shape:
    """A step that chooses, renames or orders columns: new name -> old name."""

    columns: Mapping[str, str]


@dataclass(frozen=True)
class Rows:
    """A step that drops, merges or makes rows. The last of its tables, called ``Source.name``, is its result."""

    tables: tuple[tuple[str, exp.Query], ...]
    counts: Mapping[str, exp.Query] = field(default_factory=dict)
    """Further figures: queries of one number over the tables."""
    sides: Mapping[str, exp.Query] = field(default_factory=dict)
    """Further tables that the SOW may deliver or work on, by their names in the SOW; each with ``_row``."""
    demands: tuple[Demand, ...] = ()
    dropped: exp.Select | None = None
    """Where the result is the table that it finds without some rows: a query of their numbers (``_row``) over that table and
    all of its tables but the last. An engine may take them out instead of making the last one; its counts and demands
    must not look at the table that it finds then."""
    marks: Mapping[str, exp.Expr] = field(default_factory=dict)
    """What its queries ask of every row of the table that it finds, by hidden names. Where steps on cells make that table, it
    is worked out with their cells: no second look at all columns of a table that may not fit into memory."""


@dataclass(frozen=True)
class Batches:
    """A step that is Python: a function from the table's record batches to the result's. Its columns are ``after``."""

    run: Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]
    fault: Callable[[], str] = str
    """What the last run says of its failure, with no value in it; empty: nothing."""


Fragment = Cells | Shape | Rows | Batches
