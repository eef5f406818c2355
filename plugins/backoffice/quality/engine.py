"""Great Expectations' SQL engine over the job's own live DuckDB connection, or over Spark, which is asked like one.

Great Expectations 1.24 knows no DuckDB. Its SQL engine works there once it keeps one connection (its own closes it
after every query, and DuckDB's result with it), and once the few things that it writes per dialect are given
(``dialect``, ``metrics``).

What this engine promises beyond that:

- It never closes, commits or rolls back the connection, which is the caller's, and creates no table on it.
- It logs nothing, and a failing query raises at once instead of being tried three more times.

Importing this module imports Great Expectations (seconds); it starts no thread and opens no DuckDB connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from backoffice.spark.asking import Asked

from .library import import_library

import_library()

import sqlalchemy as sa  # noqa: E402
from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData  # noqa: E402
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine  # noqa: E402
from great_expectations.util import convert_to_json_serializable  # noqa: E402

from .column_types import TypeNames, column_type  # noqa: E402
from .dialect import Connection, DuckDBDialect, engine_over  # noqa: E402

if TYPE_CHECKING:
    from great_expectations.execution_engine.execution_engine import MetricComputationConfiguration

__all__ = ["DuckDBExecutionEngine"]


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Computes metrics of one table over one DuckDB connection, which stays open and as it was.

    ``columns`` maps each column of the table, in order, to its type as DuckDB writes it. Raises DuckDB's own errors.
    """

    def __init__(self, *, connection: Connection, table: str) -> None:
        name = '"' + table.replace('"', '""') + '"'
        described = connection.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()  # noqa: S608 (quoted above)
        self.columns: dict[str, str] = {row[0]: row[1] for row in described}
        self.spills_groups = isinstance(connection, Asked)
        """Whether a long table is grouped at once: Spark sorts for it, DuckDB keeps all groups in memory."""
        engine = engine_over(connection)
        super().__init__(engine=engine, create_temp_table=False)
        self.dialect_module = TypeNames("duckdb", DuckDBDialect)
        self._kept = engine.connect()
        self._rows: dict[str, int] = {}
        self.load_batch_data("result", SqlAlchemyBatchData(execution_engine=self, table_name=table))

    def column_types(self) -> list[dict[str, Any]]:
        """The table's columns as the library wants them: name and a type object."""
        return [{"name": name, "type": column_type(text)} for name, text in self.columns.items()]

    def rows(self, domain: dict[str, Any]) -> int:
        """How many rows a rule looks at. Rules ask alike, and the table stays as it is: each is counted once."""
        query = sa.select(sa.func.count()).select_from(self.source(domain))
        asked = str(query.compile(self._kept, compile_kwargs={"literal_binds": True}))
        if asked not in self._rows:
            self._rows[asked] = int(self.execute_query(query).scalar() or 0)
        return self._rows[asked]

    def source(self, domain: dict[str, Any]) -> Any:
        """What a rule looks at, to be selected from."""
        found: Any = self.get_domain_records(domain_kwargs=domain)
        return found.subquery() if isinstance(found, sa.Select) else found

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """The one connection, which is not closed."""
        yield self._kept

    def close(self) -> None:
        """Let go of the connection without closing it."""

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[MetricComputationConfiguration]) -> dict[Any, Any]:
        """One query for all metrics over the same rows. As in the base class, but no error is logged or quoted."""
        resolved: dict[Any, Any] = {}
        for query in self._organize_metrics_by_domain(metric_fn_bundle):
            source = self.source(query["domain_kwargs"])
            row = self.execute_query(sa.select(*query["select"]).select_from(source)).one()
            for metric, value in zip(query["metric_ids"], row, strict=True):
                resolved[metric] = convert_to_json_serializable(data=value)
        return resolved
