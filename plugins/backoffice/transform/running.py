"""Carrying out one table's steps on DuckDB, and counting what each of them did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from backoffice.contract import REJECTS
from backoffice.errors import DropRejected
from backoffice.transform.compiling import Making, Plan, Stage
from backoffice.transform.faults import batches_into, rows_of
from backoffice.transform.figures import StepFigures
from backoffice.transform.fragment import ROW, Batches, Cells, Demand, Rows
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Tables", "run_making"]


class Tables:
    """The tables of one run."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.connection = connection

    def create(self, name: str, query: exp.Query) -> None:
        """Make a table of a query."""
        self.execute(f"CREATE OR REPLACE TABLE {self.quoted(name)} AS {query.sql(dialect='duckdb')}")

    def drop_all(self, names: Iterable[str]) -> None:
        """Drop those that are there."""
        for name in names:
            self.execute(f"DROP TABLE IF EXISTS {self.quoted(name)}")

    def count(self, name: str) -> int:
        """How many rows it has; none, if it is not there."""
        there = self.execute(f"SELECT 1 FROM duckdb_tables() WHERE table_name = {exp.convert(name).sql('duckdb')}")  # noqa: S608
        return self.one(exp.select(exp.Count(this=exp.Star())).from_(table(name)))[0] if there else 0

    def one(self, query: exp.Query) -> tuple[Any, ...]:
        """A query's one row."""
        return self.execute(query.sql(dialect="duckdb"))[0]

    def in_order(self, name: str) -> bool:
        """Whether its rows lie in their order: those of a parallel join may not."""
        follows = f"SELECT _row > coalesce(lag(_row) OVER (), 0) AS follows FROM {self.quoted(name)}"  # noqa: S608
        return self.execute(f"SELECT coalesce(bool_and(follows), true) FROM ({follows})")[0][0]  # noqa: S608

    def execute(self, text: str) -> list[tuple[Any, ...]]:
        """Run SQL of ours.

        :raises EngineError: out of memory, or a fault of ours; with no value in it.
        """
        return rows_of(self.connection, text)

    @staticmethod
    def quoted(name: str) -> str:
        """A table's name in SQL."""
        return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def run_making(tables: Tables, making: Making, compiled: Plan, *, keep: bool) -> list[StepFigures]:
    """Make one table.

    :param keep: whether what it is made of is still needed afterwards.
    :raises DropRejected: ``unreadable``: a cell cannot be read and the SOW says to stop.
    """
    rows = tables.count(making.of)
    figures: list[StepFigures] = []
    last = making.of
    waiting: list[Stage] = []
    for stage in making.stages:
        whole = isinstance(stage.fragment, Rows | Batches)
        if not whole:
            waiting.append(stage)
        if waiting and (whole or stage is making.stages[-1] or _ends(stage)):
            done = _cells(tables, making.table, waiting, rows, compiled)
            _drop(tables, last, making.of, keep=keep)
            figures += done
            rows, last, waiting = done[-1].rows_out, waiting[-1].source.name, []
        if whole:
            done_one = _rows(tables, making.table, stage, rows)
            _drop(tables, last, making.of, keep=keep)
            figures.append(done_one)
            rows, last = done_one.rows_out, stage.source.name
    _finish(tables, making, last)
    return figures


def _finish(tables: Tables, making: Making, last: str) -> None:
    """Give the last step's table its name in the SOW, without the columns that only counted."""
    name = tables.quoted(making.table)
    tables.drop_all([making.table])
    tables.execute(f"ALTER TABLE {tables.quoted(last)} RENAME TO {name}")
    for (column,) in tables.execute(f"SELECT column_name FROM (DESCRIBE {name})"):  # noqa: S608
        if column != ROW and column not in making.columns:
            tables.execute(f"ALTER TABLE {name} DROP COLUMN {tables.quoted(column)}")


def _drop(tables: Tables, name: str, of: str, *, keep: bool) -> None:
    if not (keep and name == of):
        tables.drop_all([name])


def _ends(stage: Stage) -> bool:
    """Whether something is done after its pass that the next step has to wait for."""
    return isinstance(stage.fragment, Cells) and (_takes_out(stage) or bool(stage.fragment.demands))


def _takes_out(stage: Stage) -> bool:
    return isinstance(stage.fragment, Cells) and stage.fragment.unreadable in ("reject", "stop")


def _hold(tables: Tables, stage: Stage, demands: Iterable[Demand]) -> None:
    """Refuse the file if one of them is not met."""
    for one in demands:
        met, *figures = tables.one(one.query)
        if not met:
            message = one.message
            for place, figure in enumerate(figures):
                message = message.replace(f"{{{place}}}", f"{figure or 0:,}")
            raise DropRejected("not-as-agreed", f"{message} (step {stage.number}, {stage.step})", hint=one.hint)


def _cells(tables: Tables, name: str, stages: list[Stage], rows: int, compiled: Plan) -> list[StepFigures]:
    """Steps in a row that leave every row: one pass, with a hidden column for everything that is counted.

    Only the last of them may take rows out.
    """
    flags: dict[str, tuple[int, str, str]] = {}
    ctes: list[tuple[str, exp.Select]] = []
    for stage in stages:
        carried: dict[str, exp.Expr] = {one: col(one) for one in flags}
        if isinstance(stage.fragment, Cells):
            for column in stage.fragment.cells:
                for kind, flag in _flags(stage, stage.fragment, column).items():
                    hidden = f"_{stage.number}_{kind}_{column}"
                    flags[hidden] = (stage.number, kind, column)
                    carried[hidden] = flag
            for called, flag in stage.fragment.counts.items():
                hidden = f"_{stage.number}_counts_{called}"
                flags[hidden] = (stage.number, "counts", called)
                carried[hidden] = flag
        ctes.append((stage.source.name, stage.select(flags=carried)))
    query = ctes[-1][1]
    for called, cte in ctes[:-1]:
        query = query.with_(exp.to_identifier(called, quoted=True), as_=cte, copy=False)
    last = stages[-1]
    tables.create(last.source.name, query)
    found = dict.fromkeys(flags, 0)
    if flags:
        counts = [exp.CountIf(this=col(one)) for one in flags]
        found = dict(zip(flags, tables.one(exp.select(*counts).from_(table(last.source.name))), strict=True))
    figures = []
    for stage in stages:
        kinds: dict[str, dict[str, int]] = {"changed": {}, "blanked": {}, "counts": {}}
        for one, (number, kind, column) in flags.items():
            if number == stage.number and found[one]:
                kinds[kind][column] = found[one]
        unreadable = stage.fragment.unreadable if isinstance(stage.fragment, Cells) else "blank"
        figures.append(StepFigures(stage.number, stage.step, rows, rows, name, unreadable=unreadable, **kinds))
    if isinstance(last.fragment, Cells):
        _hold(tables, last, last.fragment.demands)
    if _takes_out(last) and figures[-1].blanked:
        lost = [one for one, (number, kind, _) in flags.items() if number == last.number and kind == "blanked"]
        figures[-1] = _taken_out(tables, last, lost, figures[-1], stages[0].source.table, compiled)
    return figures


def _flags(stage: Stage, fragment: Cells, column: str) -> dict[str, exp.Expr]:
    """What is counted of one column: cells that have another value, and cells that were filled and are not any more."""
    cell = fragment.cells[column]
    read = fragment.reads.get(column, column)
    flags: dict[str, exp.Expr] = {}
    if column in fragment.lost:
        flags["blanked"] = fragment.lost[column]
    elif read in stage.source.columns and fragment.loses:
        flags["blanked"] = sql(":cell is null and :before is not null", cell=cell, before=col(read))
    if column in stage.source.columns:
        same_kind = stage.source.columns[column] == stage.columns.get(column)
        now = cell if same_kind else exp.cast(cell.copy(), "varchar")
        before = col(column) if same_kind else exp.cast(col(column), "varchar")
        flags["changed"] = sql(":now is not null and :now is distinct from :before", now=now, before=before)
    return flags


def _taken_out(
    tables: Tables, stage: Stage, lost: list[str], figures: StepFigures, before: str, compiled: Plan
) -> StepFigures:
    """Rows with a cell that could not be read: refuse the file, or put them aside as they were before."""
    if isinstance(stage.fragment, Cells) and stage.fragment.unreadable == "stop":
        counts = ", ".join(f"{count:,} in {column}" for column, count in figures.blanked.items())
        message = f"Cells cannot be read as agreed ({stage.step}): {counts}."
        raise DropRejected("unreadable", message, hint="Mend them, and send the file again.")
    name = stage.source.name
    whole, clean = f"{name}_whole", exp.not_(exp.or_(*map(col, lost)))
    tables.execute(f"ALTER TABLE {tables.quoted(name)} RENAME TO {tables.quoted(whole)}")
    tables.create(name, exp.select("*").from_(table(whole)).where(clean))
    reasons = exp.Array(
        expressions=[
            exp.Case().when(col(one, "t"), exp.convert(f"{stage.step}: {one.split('_', 3)[3]}")) for one in lost
        ]
    )
    there = tables.execute(f"SELECT column_name FROM (DESCRIBE {tables.quoted(before)})")  # noqa: S608
    known = {one for (one,) in there}
    chosen: list[exp.Expr] = [
        col(ROW, "t"),
        exp.alias_(col(ROW, "t"), "reject_row"),
        exp.alias_(
            sql("array_to_string(list_filter(:all, lambda r: r is not null), '; ')", all=reasons), "reject_reason"
        ),
    ]
    for column in list(compiled.tables[REJECTS])[2:]:
        cell: exp.Expr = exp.cast(col(column, "b"), "varchar") if column in known else exp.cast(exp.null(), "varchar")
        chosen.append(exp.alias_(cell, column, quoted=True))
    query = exp.select(*chosen).from_(table(whole, "t")).where(exp.or_(*(col(one, "t") for one in lost)))
    query = query.join(table(before, "b"), on=exp.EQ(this=col(ROW, "t"), expression=col(ROW, "b")))
    if tables.count(REJECTS):
        tables.execute(f"INSERT INTO {tables.quoted(REJECTS)} {query.sql(dialect='duckdb')}")
    else:
        tables.create(REJECTS, query)
    tables.drop_all([whole])
    return replace(figures, rows_out=tables.count(name))


def _rows(tables: Tables, name: str, stage: Stage, rows: int) -> StepFigures:
    """A step that drops, merges or makes rows."""
    fragment = stage.fragment
    called = stage.source.name
    if isinstance(fragment, Batches):
        batches_into(tables.connection, fragment, stage.source, called)
        return StepFigures(stage.number, stage.step, rows, tables.count(called), name)
    assert isinstance(fragment, Rows)  # noqa: S101 - asked by the caller
    for one, query in (*fragment.tables, *fragment.sides.items()):
        tables.create(one, query)
    _hold(tables, stage, fragment.demands)
    counts = {one: tables.one(query)[0] for one, query in fragment.counts.items()}
    tables.drop_all(one for one, _ in fragment.tables[:-1])
    return StepFigures(stage.number, stage.step, rows, tables.count(called), name, counts=counts)
