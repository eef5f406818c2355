"""Tables that are asked in DuckDB's SQL, like those of one of its connections, and that Spark answers for.

The same question has the same answer: what means the same in both is Spark's, cells that do not are worked out by DuckDB
in Spark's Python processes, and a question that Spark has no words for at all goes to DuckDB, over the same rows.
"""

# pyright: reportMissingImports=false
from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from backoffice.duck import session as duckdb_session

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyspark.sql import DataFrame
    from sqlglot import exp

    from backoffice.spark.dialect import Dialect
    from backoffice.spark.session import OpenSpark
    from backoffice.spark.shadow import Shadow

__all__ = ["Asked", "asked_of_spark"]

_PLACES = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|[$]([0-9]+)""")
"""Of parameters: ``$1``, in which the parser sees the beginning of a text. What stands in quotes is none."""

Rows = Callable[[Mapping[str, "exp.DataType"]], "DataFrame"]
"""A table's rows: these of its columns at least, with what they hold."""


@contextmanager
def asked_of_spark(connection: DuckDBPyConnection, spark: OpenSpark, tables: Mapping[str, Rows]) -> Iterator[Asked]:
    """Ask Spark for tables that a connection of DuckDB's has too, under the same names.

    :param connection: says what the columns hold, and answers what Spark cannot.
    """
    from backoffice.spark.shadow import Shadow

    with duckdb_session(memory_limit="200MB", threads=1) as beside:
        asked = Asked(connection, spark, Shadow(beside), tables)
        try:
            yield asked
        finally:
            asked.close()


class Asked:
    """What a connection of DuckDB's is to those who only ask: ``execute``, then fetch."""

    def __init__(
        self, connection: DuckDBPyConnection, spark: OpenSpark, shadow: Shadow, tables: Mapping[str, Rows]
    ) -> None:
        from backoffice.spark.dialect import Dialect
        from backoffice.spark.frames import provide

        self._connection, self._spark, self._shadow = connection, spark, shadow
        self._tables = {name: _Table(f"asked_{spark.next_number()}", rows) for name, rows in tables.items()}
        self._dialect: Dialect = Dialect(shadow, partial(provide, spark))
        self._known: dict[tuple[str, tuple[Any, ...]], tuple[list[Any], list[tuple[Any, ...]]]] = {}
        """What was answered: the tables do not change, and each question costs Spark a walk through them."""
        self._found: list[tuple[Any, ...]] = []
        self.description: list[tuple[Any, ...]] | None = None
        """The columns of the last answer: a name, and what it holds."""
        self.left_to_duckdb: list[str] = []
        """Why, for each question about these tables that Spark had no words for."""
        for name, table in self._tables.items():
            described = connection.execute(f'DESCRIBE "{name.replace(chr(34), chr(34) * 2)}"').fetchall()
            table.kinds = {column: kind for column, kind, *_ in described}
            shadow.declare(table.known_as, table.kinds)

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> Self:
        """Ask.

        :param parameters: of ``$1``, ``$2``.
        :raises EngineError: Spark failed; with no value in it.
        :raises duckdb.Error: DuckDB failed.
        """
        from backoffice.spark.types import Untranslatable

        question = statement, tuple(parameters or ())
        if question not in self._known:
            query = self._ours(*question)
            try:
                if query is not None:
                    self._known[question] = self._answered(query)
            except Untranslatable as reason:
                self.left_to_duckdb.append(str(reason))
        if question not in self._known:
            cursor = self._connection.execute(statement, list(parameters) if parameters else None)
            self._known[question] = cursor.description, cursor.fetchall()
        self.description, found = self._known[question]
        self._found = list(found)
        return self

    def fetchone(self) -> Any:
        """The next row."""
        return self._found.pop(0) if self._found else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        """The next rows."""
        taken, self._found = self._found[:size], self._found[size:]
        return taken

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        taken, self._found = self._found, []
        return taken

    def close(self) -> None:
        """Take back the names under which Spark knows the tables. The connection stays open."""
        for table in self._tables.values():
            self._spark.session.catalog.dropTempView(table.known_as)

    def _ours(self, statement: str, parameters: Sequence[Any]) -> exp.Query | None:
        """A query of our tables, which have the names in it that Spark knows; ``None``: it is something else."""
        from sqlglot import exp, parse_one

        query = parse_one(
            _PLACES.sub(lambda found: f":p{found[2]}" if found[2] else found[0], statement), dialect="duckdb"
        )
        named = [one for one in query.find_all(exp.Table) if one.name in self._tables]
        if not isinstance(query, exp.Query) or not named:
            return None
        for one in named:
            if not one.alias:
                one.set("alias", exp.TableAlias(this=one.this.copy()))
            one.set("this", exp.to_identifier(self._tables[one.name].known_as))
        for place in list(query.find_all(exp.Placeholder)):
            place.replace(_literal(parameters[int(place.name[1:]) - 1]))
        return query

    def _answered(self, query: exp.Query) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The columns and rows that Spark answers.

        :raises Untranslatable: it cannot.
        """
        from backoffice.spark.faults import spark_errors
        from backoffice.spark.frames import as_duckdb

        described = self._shadow.described(query)
        self._show(query)
        text = self._dialect.text(query)
        with spark_errors(asking=True):
            found = self._spark.session.sql(text).collect()
        kinds = [kind for _, kind in described]
        rows = [tuple(map(as_duckdb, row, kinds)) for row in found]
        return [(name, kind.sql("duckdb")) for name, kind in described], rows

    def _show(self, query: exp.Query) -> None:
        """Give Spark the columns that a query names, and no others: each query reads its tables anew."""
        from sqlglot import exp

        from backoffice.spark.faults import spark_errors

        names = {one.name for one in query.find_all(exp.Column)}
        every = any(not isinstance(one.parent, exp.Count) for one in query.find_all(exp.Star))
        for table in self._tables.values():
            if any(one.name == table.known_as for one in query.find_all(exp.Table)):
                frame = table.rows(table.chosen(names, every=every))
                with spark_errors():
                    frame.createOrReplaceTempView(table.known_as)


class _Table:
    """One of them."""

    def __init__(self, known_as: str, rows: Rows) -> None:
        self.known_as, self.rows = known_as, rows
        self.kinds: dict[str, str] = {}
        """What its columns hold, as DuckDB says it."""

    def chosen(self, names: Collection[str], *, every: bool) -> dict[str, exp.DataType]:
        """These columns and what they hold; any one, if it is none of these: by it rows are counted.

        :raises Untranslatable: Spark has no words for what one of them holds.
        """
        from backoffice.spark.types import Untranslatable, parsed

        found = {name: parsed(kind) for name, kind in self.kinds.items() if every or name in names}
        for name, kind in self.kinds.items():
            if found:
                break
            with suppress(Untranslatable):
                found[name] = parsed(kind)
        if not found:
            raise Untranslatable("every column")
        return found


def _literal(value: Any) -> exp.Expr:
    """A parameter's value; a float stays one: without an exponent it would be an exact number in SQL."""
    from sqlglot import exp

    if isinstance(value, float) and math.isfinite(value):
        return exp.Literal.number(repr(value) if "e" in repr(value) else f"{value!r}e0")
    return exp.convert(value)
