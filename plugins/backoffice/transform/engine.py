"""The engine: one DuckDB connection in memory that reads a client's file, carries out a SOW, and leaves no trace.

It may open nothing but file descriptors of its own process: the caller, or :meth:`Engine.load`, opens what is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlglot import exp

from backoffice.contract import INPUT, Sow
from backoffice.duck import lock, session, work_with
from backoffice.errors import EngineError
from backoffice.password import AskPassword
from backoffice.spool import Spool
from backoffice.transform.chain import Ahead, Begun
from backoffice.transform.compiling import Plan, plan
from backoffice.transform.figures import InputProfile, RunFigures
from backoffice.transform.function import FUNCTIONS, Function, provide
from backoffice.transform.running import first_steps, run_all
from backoffice.transform.tables import Tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.spark.asking import Asked

__all__ = ["Engine", "explain"]


def explain(sow: Sow, name: str | None = None) -> str:
    """The one SQL query (DuckDB's dialect) that ``sow`` means, over its inputs; laid out to be read.

    :param name: of the table; left out: the one that is delivered.
    """
    return plan(sow).query(name or sow.output.table).sql(dialect="duckdb", pretty=True, max_text_width=100)


class Engine:
    """Reads and transforms one drop. A context manager; everything it holds is gone at its end.

    :param memory_limit: as DuckDB writes it. Beyond it data is spilled, encrypted under a key that only this process
        has (P7).
    :param threads: of DuckDB.
    :param secret: the project's key for pseudonyms, 32 bytes. Left out: a trial; pseudonyms then say ``test``.
    :param password: asked for if a workbook is protected with one. Left out: no DPA allows it, such a workbook is refused.
    """

    def __init__(
        self,
        *,
        memory_limit: str = "600MB",
        threads: int = 2,
        secret: bytes | None = None,
        password: AskPassword | None = None,
    ) -> None:
        self._memory_limit, self._threads, self._secret = memory_limit, threads, secret
        self._password = password
        self._open = ExitStack()
        self._tables: Tables | None = None
        self._given: dict[str, Function] = {}
        self._locked = False

    def __enter__(self) -> Self:
        """Open the connection."""
        opened = session(memory_limit=self._memory_limit, threads=1, locked=False)  # one, while it reads
        self._tables = Tables(self._open.enter_context(opened))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; its memory is given back."""
        self._tables = None
        for given in self._given.values():
            given.forget()
        self._open.close()

    @property
    def connection(self) -> DuckDBPyConnection:
        """The connection, with the tables of the SOW.

        :raises EngineError: outside the ``with`` block.
        """
        return self._ready.connection

    def asked(self, tables: Iterable[str]) -> AbstractContextManager[DuckDBPyConnection | Asked]:
        """Delivered tables, to be asked in DuckDB's SQL by those who check them; the engine that made them answers."""
        return self._ready.asked(tables)

    @property
    def _ready(self) -> Tables:
        if self._tables is None:
            raise EngineError("The engine is not open.", hint="Use it in a `with` block.")
        return self._tables

    def load(self, sow: Sow, source: Path | str | Spool) -> dict[str, InputProfile]:
        """Read a file (a memfd's ``/proc/self/fd/N`` as well, or a spool) as the SOW says, a table for each of its inputs.

        :return: what was found, by the input's name; ``input`` is the main one.
        :raises DropRejected: the client has to mend the file; neither message nor code holds anything of its content.
        """
        return self._loaded(sow, source, Ahead())

    def process(self, sow: Sow, source: Path | str | Spool) -> tuple[dict[str, InputProfile], RunFigures]:
        """Read a file and carry out ``sow`` on it: as :meth:`load` and :meth:`run`, with the same result. The first steps are
        done while it is read where they can be, and there is no table of what came in then.

        :raises DropRejected: the client has to mend the file.
        :raises EngineError: out of memory, or a fault of ours.
        """
        compiled = self._compiled(sow)
        ahead = Ahead(first_steps(compiled), threads=self._threads)
        profiles = self._loaded(sow, source, ahead)
        return profiles, self._finished(sow, compiled, ahead.begun)

    def _loaded(self, sow: Sow, source: Path | str | Spool, ahead: Ahead) -> dict[str, InputProfile]:
        from backoffice.transform.reading.drop import read_drop
        from backoffice.transform.reading.lookups import read_lookups

        opened = source if isinstance(source, Spool) else Path(source)
        profiles = read_drop(self.connection, sow, opened, ahead=ahead, password=self._password)
        read_lookups(self.connection, sow)
        return profiles

    def run(self, sow: Sow) -> RunFigures:
        """Carry out ``sow`` on what was loaded. The same input gives the same result.

        It runs the queries that :func:`explain` shows, kept in pieces where rows are dropped or merged, so that each
        step can be counted. Afterwards there is a view for each delivered table (``result`` by that name), with the
        agreed columns, in the order of the client's file; everything else is gone.

        :raises DropRejected: a cell cannot be read and the SOW says to stop.
        :raises EngineError: out of memory, or a fault of ours.
        """
        return self._finished(sow, self._compiled(sow), {})

    def _compiled(self, sow: Sow) -> Plan:
        """The plan, with all that its queries need, and nothing left of a run before."""
        compiled = plan(sow)
        self._provide(compiled)
        for name in compiled.delivered:
            self._ready.hide(name)
        return compiled

    def _finished(self, sow: Sow, compiled: Plan, begun: Mapping[str, Begun]) -> RunFigures:
        """Make every table, show what is delivered without the hidden column, drop all else."""
        tables = self._ready
        if not self._locked:
            work_with(self.connection, threads=self._threads)
            lock(self.connection)
            self._locked = True
        rows_in = begun[INPUT].rows if INPUT in begun else tables.count(INPUT)
        figures = run_all(tables, compiled, begun=begun)
        rows_out = {name: tables.count(name) for name in compiled.delivered}
        for name, columns in compiled.delivered.items():
            tables.drop_all(["_" + name])
            tables.rename(name, "_" + name)
            tables.show(name, "_" + name, list(columns))
        tables.drop_all(set(compiled.tables) - set(compiled.delivered))
        return RunFigures(rows_in, rows_out.get(sow.output.table, 0), tuple(figures), rows_out)

    def _provide(self, compiled: Plan) -> None:
        wanted: dict[str, Function] = {}
        for making in compiled.makings:
            for node in compiled.query(making.table).find_all(exp.Anonymous):
                if node.name in FUNCTIONS and node.name not in self._given:
                    wanted[node.name] = FUNCTIONS[node.name].bound(self._secret)
        provide(self.connection, wanted.values())
        self._given |= wanted
