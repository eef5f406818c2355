"""SQLAlchemy over one DuckDB connection, or what is asked like one, that belongs to someone else: as much as a check needs.

Not ``duckdb-engine``: that opens DuckDB connections of its own on use, and closes the one it is given.
Here transactions and the end of the connection are its owner's affair, nothing is asked that was not to be asked, and
DuckDB's errors come as they are.
"""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import IdentifierPreparer

from .library import SQL_LOGGING_NAME

__all__ = ["Connection", "DuckDBDialect", "engine_over"]

NAME = "backoffice_duckdb"


class Connection(Protocol):
    """What is asked in DuckDB's SQL: a connection of DuckDB's, or Spark by way of :mod:`backoffice.spark.asking`."""

    @property
    def description(self) -> Any:
        """The columns of the last answer."""

    def execute(self, statement: str, parameters: Any = None, /) -> Any:
        """Ask; what it gives has the answer's ``fetchall``."""

    def fetchone(self) -> Any:
        """The next row."""

    def fetchmany(self, size: int = 1) -> Any:
        """The next rows."""

    def fetchall(self) -> Any:
        """All rows that are left."""


class _Cursor:
    """A DB-API cursor. DuckDB's connection is one already; only parameters and closing differ."""

    arraysize = 1
    rowcount = -1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def description(self) -> Any:
        """The columns of the last result."""
        return self._connection.description

    def execute(self, statement: str, parameters: Any = None) -> None:
        """Run one statement."""
        self._connection.execute(statement, list(parameters) if parameters else None)

    def fetchone(self) -> Any:
        """The next row."""
        return self._connection.fetchone()

    def fetchmany(self, size: int = 1) -> Any:
        """The next rows."""
        return self._connection.fetchmany(size)

    def fetchall(self) -> Any:
        """All rows that are left."""
        return self._connection.fetchall()

    def close(self) -> None:
        """Nothing is held."""


class _Connection:
    """A DB-API connection which cannot end a transaction or itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def cursor(self) -> _Cursor:
        """Another view of the one connection."""
        return _Cursor(self._connection)

    def commit(self) -> None:
        """The owner's."""

    def rollback(self) -> None:
        """The owner's."""

    def close(self) -> None:
        """The owner's."""


class _Driver:
    """What SQLAlchemy asks of a DB-API module. It wraps errors of class ``Error``: DuckDB raises none of these."""

    paramstyle = "numeric_dollar"

    class Error(Exception):
        """Never raised."""


class _QuoteEverything(IdentifierPreparer):
    """Quotes each name, so that no list of reserved words is needed."""

    def _requires_quotes(self, value: str) -> bool:  # noqa: ARG002
        return True


class DuckDBDialect(DefaultDialect):
    """The SQL standard, with names in quotes and numbered parameters."""

    name = "duckdb"
    driver = "backoffice"
    default_paramstyle = "numeric_dollar"
    preparer = _QuoteEverything
    supports_statement_cache = True
    supports_native_boolean = True
    supports_sane_rowcount = False
    div_is_floordiv = False

    @classmethod
    def import_dbapi(cls) -> Any:
        """The driver."""
        return _Driver

    def initialize(self, connection: Any) -> None:
        """Ask nothing on connecting."""


registry.register(NAME, __name__, "DuckDBDialect")


def engine_over(connection: Connection) -> sa.Engine:
    """An engine whose only connection is this one."""
    return sa.create_engine(
        f"{NAME}://",
        creator=lambda: _Connection(connection),
        poolclass=sa.StaticPool,
        logging_name=SQL_LOGGING_NAME,
        pool_logging_name=SQL_LOGGING_NAME,
    )
