"""The tables of a run without their rows, in DuckDB: it says what each column and each expression of a query holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sqlglot import exp

from backoffice.errors import EngineError
from backoffice.spark.types import Untranslatable, parsed

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Scope", "Shadow"]


class Shadow:
    """Empty tables. Nothing of a client's ever gets into them but the names of columns."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def declare(self, name: str, columns: Mapping[str, exp.DataType | str]) -> None:
        """A table with these columns; what they hold may be said in DuckDB's words."""
        said = ", ".join(
            f"{_quoted(one)} {kind if isinstance(kind, str) else kind.sql(dialect='duckdb')}"
            for one, kind in columns.items()
        )
        self._run(f"CREATE OR REPLACE TABLE {_quoted(name)} ({said})")

    def create(self, name: str, query: exp.Query) -> dict[str, exp.DataType]:
        """A table as the query would make it; gives its columns."""
        self._run(f"CREATE OR REPLACE TABLE {_quoted(name)} AS {_text(query)}")
        return self.columns(name)

    def columns(self, name: str) -> dict[str, exp.DataType]:
        """A table's columns and what they hold."""
        return {one: parsed(kind) for one, kind, *_ in self._run(f"DESCRIBE {_quoted(name)}")}

    def answers(self, query: exp.Query) -> list[exp.DataType]:
        """What a query's columns hold."""
        return [kind for _, kind in self.described(query)]

    def described(self, query: exp.Query) -> list[tuple[str, exp.DataType]]:
        """A query's columns: their names and what they hold."""
        return [(name, parsed(kind)) for name, kind, *_ in self._run(f"DESCRIBE {_text(query)}")]

    def rename(self, name: str, new: str) -> None:
        """Call a table something else."""
        self._run(f"ALTER TABLE {_quoted(name)} RENAME TO {_quoted(new)}")

    def drop(self, name: str) -> None:
        """Drop it, if it is there."""
        self._run(f"DROP TABLE IF EXISTS {_quoted(name)}")

    def tables(self) -> set[str]:
        """The tables that are there."""
        return {name for (name,) in self._run("SELECT table_name FROM duckdb_tables()")}

    def _run(self, text: str) -> list[tuple]:
        import duckdb

        fault = ""
        try:
            return self._connection.execute(text).fetchall()
        except duckdb.Error as error:
            fault = type(error).__name__
        raise EngineError(f"The engine failed ({fault}).", hint="Try the SOW on a test file with `backoffice sow run`.")


class Scope:
    """What one SELECT reads: within it names have a meaning.

    :param shadow: with its tables.
    :param select: DuckDB's.
    """

    def __init__(self, shadow: Shadow, select: exp.Select) -> None:
        self._shadow = shadow
        self._select = select
        self._known: dict[str, exp.DataType] = {}
        group = select.args.get("group")
        self.grouped = {one.sql() for one in group.expressions} if group else set[str]()

    def kind(self, node: exp.Expr) -> exp.DataType:
        """What an expression of the SELECT holds.

        :raises Untranslatable: that cannot be said apart from all else in it.
        """
        text = node.sql(dialect="duckdb")
        if text not in self._known:
            query = exp.select(node.copy())
            for part in ("from_", "joins"):
                if self._select.args.get(part):
                    value = self._select.args[part]
                    query.set(part, [one.copy() for one in value] if isinstance(value, list) else value.copy())
            for cte in _before(self._select):
                query = query.with_(cte.args["alias"].copy(), as_=cte.this.copy(), copy=False)
            try:
                self._known[text] = self._shadow.answers(query)[0]
            except EngineError:
                raise Untranslatable(type(node).__name__) from None
        return self._known[text]


def _before(select: exp.Select) -> Iterable[exp.CTE]:
    """The named queries that a SELECT may read, outermost first."""
    found: list[exp.CTE] = []
    inside: exp.Expr = select
    while inside.parent is not None:
        above = inside.parent
        named = above.args.get("with_") if isinstance(above, exp.Query) and not isinstance(inside, exp.With) else None
        if named is not None:
            found = [*named.expressions, *found]
        if isinstance(inside, exp.CTE) and isinstance(above, exp.With):
            found = [*above.expressions[: above.expressions.index(inside)], *found]
        inside = above
    named = select.args.get("with_")
    return [*found, *(named.expressions if named is not None else ())]


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def _text(query: exp.Query) -> str:
    return query.sql(dialect="duckdb")
