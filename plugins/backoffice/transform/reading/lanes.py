"""A table that several threads fill at once, each by a query of its own.

DuckDB has one thread read a file whose rows are to be numbered. Here each thread has a connection of its own to the same
database and works out one part, steps and all; none of its own threads are asked for, so nobody waits without resting.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from backoffice.errors import EngineError
from backoffice.transform.faults import rows_of
from backoffice.transform.reading.loading import create, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["fill"]


def fill(connection: DuckDBPyConnection, table: str, queries: Sequence[str]) -> None:
    """Put the rows of all of these queries into an empty table, the first one's first; all of them or none.

    :raises DropRejected: ``too-large``: they do not fit into the job's memory.
    :raises EngineError: a file that is read has a row that cannot be, or a fault of ours.
    """
    with ExitStack() as open_:
        lanes = [open_.enter_context(closing(connection.cursor())) for _ in queries]
        for lane in lanes:
            rows_of(lane, "BEGIN")
        with ThreadPoolExecutor(len(lanes), thread_name_prefix="lane") as threads:
            work = [threads.submit(_put, lane, table, query) for lane, query in zip(lanes, queries, strict=True)]
            if any(one.exception() for one in wait(work, return_when=FIRST_EXCEPTION).done):
                for lane in lanes:
                    lane.interrupt()
        for one in work:
            one.result()
        for lane in lanes:  # in this order: it is that of the rows
            rows_of(lane, "COMMIT")


def _put(lane: DuckDBPyConnection, table: str, query: str) -> None:
    done = create(lane, f"INSERT INTO {quoted(table)} {query}")
    if not done or rows_of(lane, "SELECT count(*) FROM reject_errors")[0][0]:
        raise EngineError("A part of the file cannot be read.")
