"""Functions that SQL does not have, written in Python over many values at once: phone numbers, names, checksums.

A step uses one like any other in SQL: ``PHONE(col("phone"), "DE")`` is an expression. The engine gives each that a SOW
needs to DuckDB as a function over Arrow arrays. Equal values in one batch are worked out once, and the answers to the
values last seen are kept for the next.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from backoffice.contract.kind import Kind

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection
    from sqlglot import exp

__all__ = ["FUNCTIONS", "Function", "provide"]

FUNCTIONS: dict[str, Function] = {}
"""Every function that has been defined, by its name in SQL."""

_KEPT = 65_536
"""Answers kept from one batch to the next."""


class Function:
    """A function for SQL. Calling it gives the expression.

    :param name: in SQL; lower case.
    :param takes: what its arguments hold; the first is never empty when ``work`` sees it (an empty one gives empty).
    :param gives: what it answers: a kind, or a mapping of names to kinds for several answers at once; then
        ``sql(":f.name", f=FUNCTION(…))`` takes one of them.
    :param work: the arguments of many rows, as tuples, to as many answers; ``None`` is an empty cell. It must be a pure
        function of them. With several answers, each is a tuple in the order of ``gives``.
    :param keyed: whether ``work`` takes the project's key too, as ``secret=``; ``None``: there is none, it is a trial.
    """

    def __init__(
        self,
        name: str,
        takes: Sequence[Kind],
        gives: Kind | dict[str, Kind],
        work: Callable[..., Iterable[Any]],
        *,
        keyed: bool = False,
    ) -> None:
        self.name, self.takes, self.gives, self.work, self.keyed = name, tuple(takes), gives, work, keyed
        self.defined_in: str = sys._getframe(1).f_globals["__name__"]
        """The module to import for it, in another process: ``work`` may be of another one."""
        self._kept: dict[tuple[Any, ...], Any] = {}
        FUNCTIONS[name] = self

    def bound(self, secret: bytes | None) -> Function:
        """The same with the key of a project, and with answers of its own; itself, if it takes none."""
        if not self.keyed:
            return self
        copied, work = copy(self), self.work
        # A closure, not a `partial`: that one shows the key when it is printed.
        copied.work, copied._kept = lambda rows: work(rows, secret=secret), {}
        return copied

    def __call__(self, *arguments: exp.Expr | str | float | int | None) -> exp.Expr:
        """The call, as an expression; text and numbers become literals."""
        from sqlglot import exp

        ready = [one if isinstance(one, exp.Expr) else exp.convert(one) for one in arguments]
        return exp.Anonymous(this=self.name, expressions=ready)

    def answers(self, rows: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The answers for many rows."""
        kept = self._kept
        wanted = [row for row in dict.fromkeys(rows) if row not in kept and row[0] is not None]
        if len(kept) + len(wanted) > _KEPT:
            kept = self._kept = {}  # another thread may be about to answer out of the old ones
            wanted = [row for row in dict.fromkeys(rows) if row[0] is not None]
        kept.update(zip(wanted, self.work(wanted), strict=True))
        return [kept.get(row) for row in rows]

    def forget(self) -> None:
        """Drop the answers that are kept: they are the client's data."""
        self._kept.clear()

    def over_arrays(self, *arrays: Any) -> Any:
        """The same for Arrow arrays."""
        import pyarrow as pa

        rows = list(zip(*(array.to_pylist() for array in arrays), strict=True))
        answers = self.answers(rows)
        if isinstance(self.gives, Kind):
            return pa.array(answers, _arrow(self.gives))
        names = list(self.gives)
        dicts = [None if one is None else dict(zip(names, one, strict=True)) for one in answers]
        return pa.array(dicts, pa.struct([(name, _arrow(kind)) for name, kind in self.gives.items()]))


def provide(connection: DuckDBPyConnection, functions: Iterable[Function]) -> None:
    """Give them to a connection."""
    import duckdb
    from duckdb.func import ARROW, SPECIAL

    from backoffice.transform.sql import SQL_TYPES

    for one in functions:
        if isinstance(one.gives, Kind):
            gives: Any = duckdb.sqltype(SQL_TYPES[one.gives])
        else:
            gives = duckdb.struct_type({name: duckdb.sqltype(SQL_TYPES[kind]) for name, kind in one.gives.items()})
        takes: list[Any] = [duckdb.sqltype(SQL_TYPES[kind]) for kind in one.takes]
        work = _with_parameters(one.over_arrays, len(takes))
        connection.create_function(one.name, work, takes, gives, type=ARROW, null_handling=SPECIAL)


def _with_parameters(work: Callable[..., Any], count: int) -> Any:
    """The function as one of so many arguments: DuckDB looks at its signature."""

    def given(*arrays: Any) -> Any:
        return work(*arrays)

    parameters = [Parameter(f"a{number}", Parameter.POSITIONAL_ONLY) for number in range(count)]
    given.__signature__ = Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return given


def _arrow(kind: Kind) -> pa.DataType:
    import pyarrow as pa

    return {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.decimal128(18, 6),
        Kind.DATE: pa.date32(),
        Kind.TIMESTAMP: pa.timestamp("us"),
        Kind.BOOLEAN: pa.bool_(),
    }[kind]
