"""What an engine has to offer: tables that are made by queries, counted, changed and dropped. Here: DuckDB's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from backoffice.transform.faults import batches_into, rows_of
from backoffice.transform.fragment import ROW, Batches, Source
from backoffice.transform.sql import col, duckdb_text, table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from backoffice.spark.asking import Asked

__all__ = ["Tables"]


class Tables:
    """The tables of one run. Another engine is a subclass: what it does not offer itself is said in these."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self.connection = connection

    def create(self, name: str, query: exp.Query) -> None:
        """Make a table of a query, in place of one of that name."""
        self.execute(f"CREATE OR REPLACE TABLE {self.quoted(name)} AS {duckdb_text(query)}")

    def append(self, name: str, query: exp.Query) -> None:
        """Put a query's rows behind those of a table with the same columns."""
        self.execute(f"INSERT INTO {self.quoted(name)} {duckdb_text(query)}")

    def delete(self, name: str, rows: exp.Select) -> None:
        """Take rows out of a table; the others stay in their order.

        :param rows: a query of their numbers.
        """
        before = self.count(name)
        self.execute(f"DELETE FROM {self.quoted(name)} WHERE {duckdb_text(_among(name, rows))}")  # noqa: S608
        if self.count(name) < before / 2:  # what is deleted takes its room for as long as the table is there
            self.create(f"{name}_left", exp.select("*").from_(table(name)))
            self.drop_all([name])
            self.rename(f"{name}_left", name)

    def rename(self, name: str, new: str) -> None:
        """Call a table something else."""
        self.execute(f"ALTER TABLE {self.quoted(name)} RENAME TO {self.quoted(new)}")

    def keep_columns(self, name: str, columns: Iterable[str]) -> None:
        """Drop a table's other columns."""
        kept = set(columns)
        for column in self.columns(name):
            if column not in kept:
                self.execute(f"ALTER TABLE {self.quoted(name)} DROP COLUMN {self.quoted(column)}")

    def columns(self, name: str) -> list[str]:
        """The names of a table's columns."""
        return [found for (found,) in self.execute(f"SELECT column_name FROM (DESCRIBE {self.quoted(name)})")]  # noqa: S608

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
        return self.execute(duckdb_text(query))[0]

    def in_order(self, name: str) -> bool:
        """Whether its rows lie in their order: those of a parallel join may not."""
        follows = f"SELECT _row > coalesce(lag(_row) OVER (), 0) AS follows FROM {self.quoted(name)}"  # noqa: S608
        return self.execute(f"SELECT coalesce(bool_and(follows), true) FROM ({follows})")[0][0]  # noqa: S608

    def show(self, name: str, of: str, columns: Sequence[str]) -> None:
        """Show these columns of the table ``of`` under another name, in the order of its rows: a view."""
        select = exp.select(*map(col, columns)).from_(table(of))
        if not self.in_order(of):  # sorted when it is read: once, into the file that is kept
            select = select.order_by(col(ROW))
        self.execute(f"CREATE VIEW {self.quoted(name)} AS {duckdb_text(select)}")

    def hide(self, name: str) -> None:
        """Drop what :meth:`show` made, if it is there. A table of that name, which came in and goes back, stays."""
        if self.execute(f"SELECT 1 FROM duckdb_views() WHERE view_name = {exp.convert(name).sql('duckdb')}"):  # noqa: S608
            self.execute(f"DROP VIEW {self.quoted(name)}")

    def asked(self, names: Iterable[str]) -> AbstractContextManager[DuckDBPyConnection | Asked]:  # noqa: ARG002
        """What is shown under these names, to be asked in DuckDB's SQL."""
        return nullcontext(self.connection)

    def batches(self, fragment: Batches, source: Source, into: str) -> None:
        """Make the table ``into`` by a step of Python.

        :raises EngineError: the function failed, or answers with other columns.
        """
        batches_into(self.connection, fragment, source, into)

    def execute(self, text: str) -> list[tuple[Any, ...]]:
        """Run SQL of ours.

        :raises EngineError: out of memory, or a fault of ours; with no value in it.
        """
        return rows_of(self.connection, text)

    @staticmethod
    def quoted(name: str) -> str:
        """A table's name in SQL."""
        return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def _among(name: str, rows: exp.Select) -> exp.Expr:
    """Whether a row of the table is one of these. What looks at that table alone is asked of each row, without a join."""
    source, where = rows.args.get("from_"), rows.args.get("where")
    plain = not any(
        rows.args.get(part) for part in ("joins", "group", "having", "with_", "limit", "distinct", "qualify")
    )
    if plain and where and source and source.this == table(name) and rows.expressions == [col(ROW)]:
        return where.this.copy()
    return col(ROW).isin(query=rows.copy())
