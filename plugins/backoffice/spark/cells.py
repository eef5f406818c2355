"""Expressions that Spark has no words for with the same meaning: DuckDB works them out, in Spark's Python processes.

Regular expressions, dates in odd formats, accents, rounding, our own functions: whatever is not known to mean the same in
both is not said in Spark's SQL at all. It becomes a function over Arrow arrays that asks DuckDB, so its answers cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["Functions", "Worked"]

_MEMORY = "400MB"


class Functions(Protocol):
    """Functions that are not DuckDB's own. They are sent to Spark's Python processes: by name, not as code."""

    @property
    def secret(self) -> bytes | None:
        """Answers depend on it: what has another asks another connection."""
        ...

    def give(self, connection: DuckDBPyConnection, given: set[str]) -> None:
        """Give them to a connection, but for those that it was given; their names are added to these."""
        ...


@dataclass(frozen=True)
class Worked:
    """One such expression. It is sent to Spark's Python processes."""

    text: str
    """A query of DuckDB's of one row for each of ``given``: ``answer`` and ``place``."""
    names: tuple[str, ...]
    """Of the arguments."""
    gives: pa.DataType
    functions: Functions | None
    """What it asks that is not DuckDB's own."""

    def __repr__(self) -> str:
        """Without the project's key."""
        return "Worked()"

    def __call__(self, *arrays: pa.Array) -> pa.Array:
        """The answers for many rows."""
        fault = ""
        try:
            return self._answered(arrays)
        except Exception as error:  # noqa: BLE001 - DuckDB's message shows cells
            fault = type(error).__name__
        raise RuntimeError(fault)

    def _answered(self, arrays: Sequence[pa.Array]) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        rows = len(arrays[0])
        if not rows:
            return pa.array([], self.gives)
        connection = _connection(self.functions)
        places = pa.array(np.arange(rows))
        connection.register("given", pa.table([*arrays, places], names=[*self.names, "place"]))
        try:
            found = connection.execute(self.text).to_arrow_table()
        finally:
            connection.unregister("given")
        order = found.column(1).to_numpy()
        if len(order) != rows:
            raise ValueError
        if not (np.diff(order) == 1).all():  # a long list in an IN is a join, which may turn rows round
            found = found.take(np.argsort(order, kind="stable"))
        answer = found.column(0).combine_chunks()
        if isinstance(answer, pa.ChunkedArray):
            answer = answer.chunk(0) if answer.num_chunks else pa.array([], self.gives)
        return answer if answer.type == self.gives else answer.cast(self.gives)


_open: dict[bytes | None, tuple[DuckDBPyConnection, set[str]]] = {}
"""This process' connections and what each was given, by the project's key."""


def _connection(functions: Functions | None) -> DuckDBPyConnection:
    """A connection that can open nothing; what does not fit into its memory is an error, not a file."""
    import duckdb

    secret = functions.secret if functions else None
    if secret not in _open:
        settings: dict[str, Any] = {
            "threads": 1,
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        connection = duckdb.connect(":memory:", config=settings)
        connection.execute("SET python_enable_replacements = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        _open[secret] = connection, set()
    connection, given = _open[secret]
    if functions:
        functions.give(connection, given)
    return connection
