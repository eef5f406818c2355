"""A SOW step by step: every table between two steps, to be looked at. For test files; the engine itself keeps none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from backoffice.authoring.sheets import Row, in_writing
from backoffice.contract import RESULT, Columns, Sow, Step, step_words

if TYPE_CHECKING:
    from sqlglot import exp

    from backoffice.transform import Engine, StepFigures
    from backoffice.transform.compiling import Making, Plan, Stage
    from backoffice.transform.tables import Tables

__all__ = ["Change", "Seen", "walk"]


@dataclass(frozen=True)
class Change:
    """A row before and after a step. One of the two is missing where the row is dropped or new."""

    before: Row | None
    after: Row | None


@dataclass(frozen=True)
class Seen:
    """What one step does to the first rows that it touches."""

    number: int
    step: Step
    figures: StepFigures
    before: tuple[str, ...]
    after: tuple[str, ...]
    """The columns."""
    renamed: dict[str, str]
    """New names of columns -> old ones."""
    changes: tuple[Change, ...]
    """The first rows that are not the same afterwards."""
    first: tuple[tuple[Row, ...], tuple[Row, ...]] | None = None
    """Instead, where the step makes other rows than it finds: the first rows before, and after."""

    @property
    def words(self) -> str:
        """What it does."""
        return step_words(self.step)


def walk(engine: Engine, sow: Sow, *, table: str = RESULT, rows: int = 5) -> Iterator[Seen]:
    """Carry out ``sow`` on what ``engine`` has loaded, one step after another, and show those to ``table``.

    :param rows: how many of each step.
    :raises DropRejected: a cell cannot be read and the SOW says to stop.
    :raises EngineError: out of memory, or a fault of ours.
    """
    from backoffice.transform.compiling import plan
    from backoffice.transform.tables import Tables

    compiled = plan(sow)
    engine._provide(compiled)  # the functions that its steps call: a matter between the engine and this
    tables = Tables(engine.connection)
    steps = {work.table: work.steps for work in sow.works()}
    for making in compiled.makings:
        for stage, step in zip(making.stages, steps[making.table], strict=True):
            figures = _one(tables, making, stage, compiled)
            if making.table == table:
                yield _seen(tables, stage, step, figures, rows)
        tables.create(making.table, making.result())


def _one(tables: Tables, making: Making, stage: Stage, compiled: Plan) -> StepFigures:
    """Carry out a single step, as a table of its own."""
    from backoffice.transform.running import run_making

    single = replace(making, table="_seen", of=stage.source.table, stages=(stage,), columns=stage.columns)
    figures = run_making(tables, single, compiled, keep=True)[0]
    tables.drop_all([stage.source.name])
    tables.rename("_seen", stage.source.name)
    return figures


def _seen(tables: Tables, stage: Stage, step: Step, figures: StepFigures, rows: int) -> Seen:
    from backoffice.transform.fragment import Rows, Shape

    fragment = stage.fragment
    renamed = {new: old for new, old in fragment.columns.items() if new != old} if isinstance(fragment, Shape) else {}
    source = stage.source
    before, after = tuple(source.columns), tuple(stage.columns)
    seen = Seen(stage.number, step, figures, before, after, renamed, ())
    if not isinstance(fragment, Rows | Shape) and type(fragment).__name__ != "Cells":
        return replace(seen, first=_first(tables, stage, rows))
    if isinstance(fragment, Rows) and not _keeps_rows(tables, stage):
        return replace(seen, first=_first(tables, stage, rows))
    return replace(seen, changes=tuple(_changes(tables, stage, renamed, rows)))


def _first(tables: Tables, stage: Stage, rows: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    from sqlglot import exp

    from backoffice.transform.sql import col, table

    shown = []
    for name, columns in ((stage.source.table, stage.source.columns), (stage.source.name, stage.columns)):
        query = exp.select(*(in_writing(one, kind) for one, kind in columns.items())).from_(table(name))
        found = tables.execute(query.order_by(col("_row")).limit(rows).sql(dialect="duckdb"))
        shown.append(tuple(map(_texts, found)))
    return shown[0], shown[1]


def _changes(tables: Tables, stage: Stage, renamed: dict[str, str], rows: int) -> Iterator[Change]:
    """Rows that have another cell, are gone, or are new; by their number."""
    from sqlglot import exp

    from backoffice.transform.sql import col

    before, after = stage.source.columns, stage.columns
    same = [name for name in after if renamed.get(name, name) in before]
    differs: list[exp.Expr] = [exp.Is(this=col("_row", one), expression=exp.null()) for one in "ba"]
    for name in same:
        one, other = (
            in_writing(renamed.get(name, name), before[renamed.get(name, name)], of="b"),
            in_writing(name, after[name], of="a"),
        )
        differs.append(exp.NullSafeNEQ(this=one, expression=other))
    differs += [exp.not_(exp.Is(this=col(name, "a"), expression=exp.null())) for name in after if name not in same]
    cells = [col("_row", "b"), *_written(before, "b"), col("_row", "a"), *_written(after, "a")]
    query = _joined(stage, *cells).where(exp.or_(*differs))
    order = exp.func("coalesce", col("_row", "b"), col("_row", "a"))
    for row in tables.execute(query.order_by(order).limit(rows).sql(dialect="duckdb")):
        half = len(before) + 1
        was, now = row[:half], row[half:]
        yield Change(None if was[0] is None else _texts(was[1:]), None if now[0] is None else _texts(now[1:]))


def _keeps_rows(tables: Tables, stage: Stage) -> bool:
    """Whether a row's number means the same row before and after: most cells of such rows are equal then."""
    from sqlglot import exp

    before, after = stage.source.columns, stage.columns
    shared = [name for name in after if before.get(name) == after[name]]
    if not shared:
        return False
    equal = [f"CAST({_sql(name, 'b')} IS NOT DISTINCT FROM {_sql(name, 'a')} AS INTEGER)" for name in shared]
    share = exp.maybe_parse(f"avg(({' + '.join(equal)}) / {len(equal)})", dialect="duckdb")
    found = tables.execute(_joined(stage, share, kind="inner").sql(dialect="duckdb"))[0][0]
    return found is None or found > 0.5


def _joined(stage: Stage, *cells: exp.Expr, kind: str = "full") -> exp.Select:
    from sqlglot import exp

    from backoffice.transform.sql import col, table

    query = exp.select(*cells).from_(table(stage.source.table, "b"))
    on = exp.EQ(this=col("_row", "b"), expression=col("_row", "a"))
    return query.join(table(stage.source.name, "a"), on=on, join_type=kind)


def _written(columns: Columns, of: str) -> list[exp.Expr]:
    return [in_writing(name, kind, of=of) for name, kind in columns.items()]


def _sql(name: str, of: str) -> str:
    from backoffice.transform.sql import col

    return col(name, of).sql(dialect="duckdb")


def _texts(cells: tuple[object, ...]) -> Row:
    return tuple("" if cell is None else str(cell) for cell in cells)
