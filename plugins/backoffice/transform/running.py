"""Carrying out a compiled SOW on the tables of an engine, and counting what each of its steps did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from backoffice.contract import REJECTS, Columns, Kind
from backoffice.errors import DropRejected
from backoffice.transform.chain import Begun, Chain
from backoffice.transform.compiling import Making, Plan, Stage
from backoffice.transform.figures import StepFigures
from backoffice.transform.fragment import ROW, Batches, Cells, Demand, Rows
from backoffice.transform.sql import col, sql, table
from backoffice.transform.tables import Tables

__all__ = ["first_steps", "run_all", "run_making"]


def run_all(tables: Tables, compiled: Plan, *, begun: Mapping[str, Begun] | None = None) -> list[StepFigures]:
    """Make every table of a SOW out of its inputs and look-ups, and drop what is no longer needed on the way.

    :param begun: what is done already, by the input that it reads.
    :raises DropRejected: a cell cannot be read and the SOW says to stop; or something that has to hold does not.
    """
    if REJECTS in compiled.tables:  # it is there too where no row has to be put aside
        tables.create(REJECTS, _empty(compiled.tables[REJECTS]))
    figures: list[StepFigures] = []
    for index, making in enumerate(compiled.makings):
        needed = {name for later in compiled.makings[index + 1 :] for name in later.reads} | set(compiled.delivered)
        done = (begun or {}).get(making.of)
        figures += run_making(tables, making, compiled, keep=making.of in needed, begun=done)
        tables.drop_all(name for name in making.reads if name not in needed)
    return figures


def run_making(
    tables: Tables, making: Making, compiled: Plan, *, keep: bool, begun: Begun | None = None
) -> list[StepFigures]:
    """Make one table.

    :param keep: whether what it is made of is still needed afterwards.
    :raises DropRejected: ``unreadable``: a cell cannot be read and the SOW says to stop.
    """
    rows = begun.rows if begun else tables.count(making.of)
    figures: list[StepFigures] = []
    last, marks = making.of, dict[str, exp.Expr]()
    for part in _parts(making.stages):
        standing = {making.of} if keep else set[str]()
        if isinstance(part, Stage):
            figures.append(_rows(tables, making.table, _known(part, marks), rows, keep=last in standing))
            made, marks = part.source.name, {}
        else:
            chain = begun.chain if begun and not figures else Chain(part)
            if not begun or chain is not begun.chain:
                tables.create(chain.name, chain.query())
            figures += _counted(tables, chain, making.table, rows, compiled)
            made, marks = chain.name, dict(chain.last.marks)
        if last not in standing:
            tables.drop_all([last])
        rows, last = figures[-1].rows_out, made
    tables.drop_all([making.table])
    tables.rename(last, making.table)
    return figures


def first_steps(compiled: Plan) -> dict[str, tuple[Stage, ...]]:
    """The steps that can be done while an input is read, by its name: they ask for nothing but its rows, one by one, and
    nothing after them looks at the input again.
    """
    found: dict[str, tuple[Stage, ...]] = {}
    for making in compiled.makings:
        first = next(iter(_parts(making.stages)), None)
        others = [one for one in compiled.makings if one is not making and making.of in one.reads]
        if first is None or isinstance(first, Stage) or others or making.of in compiled.delivered:
            continue
        last = first[-1].fragment
        rejects = isinstance(last, Cells) and last.unreadable == "reject"  # needs the rows as they were
        later = making.stages[len(first) :]
        if (
            not rejects
            and Chain(first).stands_alone()
            and making.of not in {one for stage in later for one in _read(stage)}
        ):
            found[making.of] = first
    return found


def _read(stage: Stage) -> Iterable[str]:
    """The tables that a step reads."""
    fragment = stage.fragment
    queries: list[exp.Expr] = (
        [demand.query for demand in fragment.demands] if isinstance(fragment, Cells | Rows) else []
    )
    if isinstance(fragment, Cells):
        queries += [*fragment.cells.values(), *fragment.lost.values(), *fragment.counts.values()]
        queries += [cell for hidden in fragment.before for cell in hidden.values()]
    elif isinstance(fragment, Rows):
        queries += [query for _, query in fragment.tables]
        queries += [*fragment.sides.values(), *fragment.counts.values()]
    return (one.name for query in queries for one in query.find_all(exp.Table))


def _parts(stages: Sequence[Stage]) -> Iterable[Stage | tuple[Stage, ...]]:
    """The steps, those in a row together that one query can do."""
    waiting: list[Stage] = []
    for stage in stages:
        whole = isinstance(stage.fragment, Rows | Batches)
        if not whole:
            waiting.append(stage)
        if waiting and (whole or _ends(stage)):
            yield tuple(waiting)
            waiting = []
        if whole:
            yield stage
    if waiting:
        yield tuple(waiting)


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


def _counted(tables: Tables, chain: Chain, name: str, rows: int, compiled: Plan) -> list[StepFigures]:
    """Count what steps in a row did, and take out the rows that have to go."""
    figures = chain.figures(tables, name, rows)
    last = chain.last
    if isinstance(last.fragment, Cells):
        _hold(tables, last, last.fragment.demands)
    if _takes_out(last) and figures[-1].blanked:
        figures[-1] = _taken_out(tables, chain, figures[-1], compiled)
    tables.keep_columns(chain.name, (ROW, *last.columns, *last.marks))
    return figures


def _taken_out(tables: Tables, chain: Chain, figures: StepFigures, compiled: Plan) -> StepFigures:
    """Rows with a cell that could not be read: refuse the file, or put them aside as they were before."""
    stage, lost = chain.last, chain.lost()
    if isinstance(stage.fragment, Cells) and stage.fragment.unreadable == "stop":
        counts = ", ".join(f"{count:,} in {column}" for column, count in figures.blanked.items())
        message = f"Cells cannot be read as agreed ({stage.step}): {counts}."
        raise DropRejected("unreadable", message, hint="Mend them, and send the file again.")
    name, before = stage.source.name, chain.stages[0].source.table
    broken = exp.or_(*lost.values())
    reasons = exp.Array(
        expressions=[exp.Case().when(met, exp.convert(f"{stage.step}: {column}")) for column, met in lost.items()]
    )
    reason = sql("array_to_string(list_filter(:all, lambda r: r is not null), '; ')", all=reasons)
    found = exp.select(col(ROW), exp.alias_(reason, "_reason")).from_(table(name)).where(broken)
    known = set(tables.columns(before))
    chosen: list[exp.Expr] = [
        col(ROW, "t"),
        exp.alias_(col(ROW, "t"), "reject_row"),
        exp.alias_(exp.column("_reason", table="t"), "reject_reason"),
    ]
    for column in list(compiled.tables[REJECTS])[2:]:
        cell: exp.Expr = exp.cast(col(column, "b"), "varchar") if column in known else exp.cast(exp.null(), "varchar")
        chosen.append(exp.alias_(cell, column, quoted=True))
    on = exp.EQ(this=col(ROW, "t"), expression=col(ROW, "b"))
    query = exp.select(*chosen).from_(found.subquery("t")).join(table(before, "b"), on=on)
    if tables.count(REJECTS):
        tables.append(REJECTS, query)
    else:
        tables.create(REJECTS, query)
    tables.delete(name, exp.select(col(ROW)).from_(table(name)).where(broken))
    return replace(figures, rows_out=tables.count(name))


def _known(stage: Stage, marks: Mapping[str, exp.Expr]) -> Stage:
    """The stage, with queries that take from the table what is worked out there already."""
    fragment = stage.fragment
    if not marks or not isinstance(fragment, Rows):
        return stage

    def taken(node: exp.Expr) -> exp.Expr:
        return next((col(name) for name, mark in marks.items() if node == mark), node)

    asked = tuple((name, query.transform(taken)) for name, query in fragment.tables)
    return replace(stage, fragment=replace(fragment, tables=asked))


def _rows(tables: Tables, name: str, stage: Stage, rows: int, *, keep: bool) -> StepFigures:
    """A step that drops, merges or makes rows.

    :param keep: whether the table that it reads has to stay as it is.
    """
    fragment, source = stage.fragment, stage.source
    if isinstance(fragment, Batches):
        tables.batches(fragment, source, source.name)
        return StepFigures(stage.number, stage.step, rows, tables.count(source.name), name)
    assert isinstance(fragment, Rows)  # noqa: S101 - asked by the caller
    takes_out = fragment.dropped is not None and not keep
    made = (*(fragment.tables[:-1] if takes_out else fragment.tables), *fragment.sides.items())
    for one, query in made:
        tables.create(one, query)
    if fragment.dropped is not None and takes_out:
        tables.delete(source.table, fragment.dropped)
        tables.keep_columns(source.table, (ROW, *source.columns))
        tables.rename(source.table, source.name)
    _hold(tables, stage, fragment.demands)
    counts = {one: tables.one(query)[0] for one, query in fragment.counts.items()}
    tables.drop_all(one for one, _ in fragment.tables[:-1])
    return StepFigures(stage.number, stage.step, rows, tables.count(source.name), name, counts=counts)


def _empty(columns: Columns) -> exp.Select:
    """No rows of these columns; their numbers are of the kind that rows have."""
    kinds = {Kind.INTEGER: "bigint"}
    cells = {name: exp.cast(exp.null(), kinds.get(kind, "varchar")) for name, kind in columns.items()}
    chosen = [exp.alias_(cell, name, quoted=True) for name, cell in cells.items()]
    return exp.select(exp.alias_(exp.cast(exp.null(), "bigint"), ROW, quoted=True), *chosen).where(exp.false())
