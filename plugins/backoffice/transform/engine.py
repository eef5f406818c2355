"""The engine: one DuckDB connection in memory that reads a client's file, carries out a SOW, and leaves no trace.

It may open nothing but file descriptors of its own process: the caller, or :meth:`Engine.load`, opens what is read.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlglot import exp

from backoffice.contract import Sow
from backoffice.duck import session
from backoffice.errors import EngineError
from backoffice.transform.compiling import Cells, Rows, Stage, col, plan, table
from backoffice.transform.faults import rows_of
from backoffice.transform.figures import InputProfile, RunFigures, StepFigures
from backoffice.transform.reading import read_csv

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Engine", "explain"]

INPUT = "input"
RESULT = "result"


def explain(sow: Sow) -> str:
    """The one SQL query (DuckDB's dialect) that ``sow`` means, over the table ``input``; laid out to be read."""
    return plan(sow).query().sql(dialect="duckdb", pretty=True, max_text_width=100)


class Engine:
    """Reads and transforms one drop. A context manager; everything it holds is gone at its end.

    :param memory_limit: as DuckDB writes it. Beyond it a run fails: plaintext is never spilled to disk (P7).
    :param threads: of DuckDB.
    """

    def __init__(self, *, memory_limit: str = "600MB", threads: int = 2) -> None:
        self._memory_limit, self._threads = memory_limit, threads
        self._open = ExitStack()
        self._connection: DuckDBPyConnection | None = None

    def __enter__(self) -> Self:
        """Open the connection."""
        connection = self._open.enter_context(session(memory_limit=self._memory_limit, threads=self._threads))
        connection.execute("SET allowed_directories = ['/proc/self/fd/', '/dev/fd/']")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        self._connection = connection
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; its memory is given back."""
        self._connection = None
        self._open.close()

    @property
    def connection(self) -> DuckDBPyConnection:
        """The connection, with the tables ``input`` and ``result``.

        :raises EngineError: outside the ``with`` block.
        """
        if self._connection is None:
            raise EngineError("The engine is not open.", hint="Use it in a `with` block.")
        return self._connection

    def load(self, sow: Sow, path: Path | str) -> InputProfile:
        """Read ``path`` (a memfd's ``/proc/self/fd/N`` as well) as ``sow.input`` says into the table ``input``.

        :raises DropRejected: the client has to mend the file; neither message nor code holds anything of its content.
        """
        return read_csv(self.connection, sow.input, Path(path), into=INPUT)

    def run(self, sow: Sow) -> RunFigures:
        """Carry out the steps of ``sow`` on ``input``, into the table ``result``. The same input gives the same result.

        It runs the query that :func:`explain` shows, kept in pieces where rows are dropped or merged, so that each
        step can be counted. ``result`` has the agreed columns, text but for dates, in the order of the client's
        file; ``input`` is gone as soon as it is not needed any more.

        :raises EngineError: out of memory, or a fault of ours.
        """
        compiled = plan(sow)
        rows_in = rows = self._number(exp.select(exp.Count(this=exp.Star())).from_(table(INPUT)))
        figures: list[StepFigures] = []
        waiting: list[Stage] = []
        last = INPUT
        for stage in compiled.stages:
            if not isinstance(stage.fragment, Rows):
                waiting.append(stage)
                continue
            if waiting:
                figures += self._cells(waiting, rows, last)
                last, waiting = waiting[-1].source.name, []
            done = self._rows(stage, stage.fragment, rows, last)
            figures.append(done)
            rows, last = done.rows_out, stage.source.name
        if waiting:
            figures += self._cells(waiting, rows, last)
            last = waiting[-1].source.name
        self._create(RESULT, compiled.result(), temporary=False)
        self._drop(last)
        return RunFigures(rows_in, rows, tuple(figures))

    def _cells(self, stages: list[Stage], rows: int, before: str) -> list[StepFigures]:
        """Steps in a row that leave every row: one pass, with a hidden column for everything that is counted."""
        flags: dict[str, tuple[int, str, str]] = {}
        ctes: list[tuple[str, exp.Select]] = []
        for stage in stages:
            carried: dict[str, exp.Expr] = {name: col(name) for name in flags}
            if isinstance(stage.fragment, Cells):
                for column, cell in stage.fragment.cells.items():
                    for kind, flag in _flags(column, cell, loses=stage.fragment.loses).items():
                        name = f"_{stage.number}_{kind}_{column}"
                        flags[name] = (stage.number, kind, column)
                        carried[name] = flag
            ctes.append((stage.source.name, stage.select(flags=carried)))
        query = ctes[-1][1]
        for name, cte in ctes[:-1]:
            query = query.with_(exp.to_identifier(name), as_=cte, copy=False)
        self._create(stages[-1].source.name, query)
        self._drop(before)
        found = dict.fromkeys(flags, 0)
        if flags:
            counts = [exp.CountIf(this=col(name)) for name in flags]
            found = dict(zip(flags, self._one(exp.select(*counts).from_(table(stages[-1].source.name))), strict=True))
        figures = []
        for stage in stages:
            kinds: dict[str, dict[str, int]] = {"changed": {}, "blanked": {}}
            for name, (number, kind, column) in flags.items():
                if number == stage.number and found[name]:
                    kinds[kind][column] = found[name]
            figures.append(StepFigures(stage.number, stage.step, rows, rows, **kinds))
        return figures

    def _rows(self, stage: Stage, fragment: Rows, rows: int, before: str) -> StepFigures:
        for name, query in fragment.tables:
            self._create(name, query)
        counts = {name: self._number(query) for name, query in fragment.counts.items()}
        rows_out = self._number(exp.select(exp.Count(this=exp.Star())).from_(table(stage.source.name)))
        for name, _ in fragment.tables[:-1]:
            self._drop(name)
        self._drop(before)
        return StepFigures(stage.number, stage.step, rows, rows_out, counts=counts)

    def _create(self, name: str, query: exp.Query, *, temporary: bool = True) -> None:
        kind = "TEMP TABLE" if temporary else "TABLE"
        self._execute(f"CREATE OR REPLACE {kind} {name} AS {query.sql(dialect='duckdb')}")

    def _drop(self, name: str) -> None:
        self._execute(f"DROP TABLE {name}")

    def _number(self, query: exp.Query) -> int:
        return self._one(query)[0]

    def _one(self, query: exp.Query) -> tuple[Any, ...]:
        return self._execute(query.sql(dialect="duckdb"))[0]

    def _execute(self, sql: str) -> list[tuple[Any, ...]]:
        return rows_of(self.connection, sql)


def _flags(column: str, cell: exp.Expr, *, loses: bool) -> dict[str, exp.Expr]:
    filled, before = exp.not_(cell.copy().is_(exp.null())), col(column)
    changed = exp.and_(filled, exp.NullSafeNEQ(this=cell.copy(), expression=before.copy()))
    blanked = exp.and_(cell.copy().is_(exp.null()), exp.not_(before.is_(exp.null())))
    return {"changed": changed, "blanked": blanked} if loses else {"changed": changed}
