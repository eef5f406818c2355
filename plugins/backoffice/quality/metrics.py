"""What Great Expectations lacks, or asks badly, on DuckDB: registered for our engine alone, other engines keep theirs.

Text is matched as the library's pandas engine does it: any value as its text, and a regular expression may match
anywhere in it. DuckDB's regular expressions are RE2's: no look-around, no back-references.
"""

# ruff: noqa: ARG002, N805 (the library calls these as class methods, with more arguments than each needs)

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from great_expectations.expectations.metrics.column_aggregate_metric_provider import ColumnAggregateMetricProvider
from great_expectations.expectations.metrics.column_aggregate_metrics.column_outlier_statistics import (
    OutlierStatistics as Statistics,
)
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.metrics.metric_provider import MetricProvider, metric_value
from great_expectations.expectations.metrics.multicolumn_map_metrics.compound_columns_unique import (
    CompoundColumnsUnique,
)
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from .engine import DuckDBExecutionEngine

__all__: list[str] = []

GROUPED_AT_ONCE = 16_000_000  # rows; a whole check of 20 million peaked at 0.83 GB in one part, 0.55 in eight

_condition = column_condition_partial(engine=DuckDBExecutionEngine)


def _text(column: Any) -> Any:
    return sa.cast(column, sa.VARCHAR)


def _matches(column: Any, regex: str) -> Any:
    return sa.func.regexp_matches(_text(column), sa.literal(regex))


def _like(column: Any, pattern: str, escape: str | None) -> Any:
    return _text(column).like(sa.literal(pattern), escape=escape)


class ColumnTypes(TableMetricProvider):
    """The columns and their types, from DuckDB's own description of the table."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)
    default_kwarg_values = {"include_nested": True}  # noqa: RUF012

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, execution_engine: DuckDBExecutionEngine, **kwargs: Any) -> Any:
        return execution_engine.column_types()


class RowCount(TableMetricProvider):
    """The rows of the table."""

    metric_name = "table.row_count"

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(
        cls, execution_engine: DuckDBExecutionEngine, metric_domain_kwargs: dict[str, Any], **kwargs: Any
    ) -> int:
        return execution_engine.rows(metric_domain_kwargs)


class MatchRegex(ColumnMapMetricProvider):
    """The expression matches somewhere in the text."""

    condition_metric_name = "column_values.match_regex"
    condition_value_keys = ("regex",)

    @_condition
    def _duckdb(cls, column: Any, regex: str, **kwargs: Any) -> Any:
        return _matches(column, regex)


class NotMatchRegex(ColumnMapMetricProvider):
    """The expression matches nowhere in the text."""

    condition_metric_name = "column_values.not_match_regex"
    condition_value_keys = ("regex",)

    @_condition
    def _duckdb(cls, column: Any, regex: str, **kwargs: Any) -> Any:
        return sa.not_(_matches(column, regex))


class MatchRegexList(ColumnMapMetricProvider):
    """Any, or all, of the expressions match."""

    condition_metric_name = "column_values.match_regex_list"
    condition_value_keys = ("regex_list", "match_on")

    @_condition
    def _duckdb(cls, column: Any, regex_list: list[str], match_on: str = "any", **kwargs: Any) -> Any:
        join = sa.and_ if match_on == "all" else sa.or_
        return join(*(_matches(column, regex) for regex in regex_list))


class NotMatchRegexList(ColumnMapMetricProvider):
    """None of the expressions matches."""

    condition_metric_name = "column_values.not_match_regex_list"
    condition_value_keys = ("regex_list",)

    @_condition
    def _duckdb(cls, column: Any, regex_list: list[str], **kwargs: Any) -> Any:
        return sa.not_(sa.or_(*(_matches(column, regex) for regex in regex_list)))


class MatchLike(ColumnMapMetricProvider):
    """The whole text is like the pattern."""

    condition_metric_name = "column_values.match_like_pattern"
    condition_value_keys = ("like_pattern", "escape")

    @_condition
    def _duckdb(cls, column: Any, like_pattern: str, escape: str | None = None, **kwargs: Any) -> Any:
        return _like(column, like_pattern, escape)


class NotMatchLike(ColumnMapMetricProvider):
    """The text is not like the pattern."""

    condition_metric_name = "column_values.not_match_like_pattern"
    condition_value_keys = ("like_pattern", "escape")

    @_condition
    def _duckdb(cls, column: Any, like_pattern: str, escape: str | None = None, **kwargs: Any) -> Any:
        return sa.not_(_like(column, like_pattern, escape))


class MatchLikeList(ColumnMapMetricProvider):
    """The text is like any, or all, of the patterns."""

    condition_metric_name = "column_values.match_like_pattern_list"
    condition_value_keys = ("like_pattern_list", "match_on", "escape")

    @_condition
    def _duckdb(
        cls,
        column: Any,
        like_pattern_list: list[str],
        match_on: str = "any",
        escape: str | None = None,
        **kwargs: Any,
    ) -> Any:
        join = sa.and_ if match_on == "all" else sa.or_
        return join(*(_like(column, pattern, escape) for pattern in like_pattern_list))


class NotMatchLikeList(ColumnMapMetricProvider):
    """The text is like none of the patterns."""

    condition_metric_name = "column_values.not_match_like_pattern_list"
    condition_value_keys = ("like_pattern_list", "escape")

    @_condition
    def _duckdb(cls, column: Any, like_pattern_list: list[str], escape: str | None = None, **kwargs: Any) -> Any:
        return sa.not_(sa.or_(*(_like(column, pattern, escape) for pattern in like_pattern_list)))


class MatchStrftime(ColumnMapMetricProvider):
    """The text reads as a date or time in the format. A DATE is checked in its ISO form."""

    condition_metric_name = "column_values.match_strftime_format"
    condition_value_keys = ("strftime_format",)

    @_condition
    def _duckdb(cls, column: Any, strftime_format: str, **kwargs: Any) -> Any:
        return sa.func.try_strptime(_text(column), sa.literal(strftime_format)).is_not(None)


class JsonParseable(ColumnMapMetricProvider):
    """The text is a JSON document."""

    condition_metric_name = "column_values.json_parseable"

    @_condition
    def _duckdb(cls, column: Any, **kwargs: Any) -> Any:
        return sa.func.json_valid(_text(column))


class DistinctNotInSet(ColumnAggregateMetricProvider):
    """Samples of the values outside the set: never wanted here, the count decides."""

    metric_name = "column.distinct_values.not_in_set"
    value_keys = ("value_set", "limit")

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, **kwargs: Any) -> list[Any]:
        return []


class DistinctMissing(ColumnAggregateMetricProvider):
    """Samples of the values that the column lacks: the count decides."""

    metric_name = "column.distinct_values.missing_from_column"
    value_keys = ("value_set", "limit")

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(cls, **kwargs: Any) -> list[Any]:
        return []


def _repeated(engine: DuckDBExecutionEngine, domain: dict[str, Any], names: list[str]) -> int:
    """How many rows share their values with another row; rows with a blank among them are passed over.

    The library asks for a count beside every row, or joins the counts back to all rows. Grouping alone says as much for
    half the time. A long table is grouped in parts, each holding all rows of its values:
    memory is scarce, and spilling costs more.
    """
    source = engine.source(domain)
    columns = [sa.column(name) for name in names]
    parts = 1
    if not engine.spills_groups:
        parts <<= (engine.rows(domain) // GROUPED_AT_ONCE).bit_length()
    found = 0
    for part in range(parts):
        # As literals of the hash's own type: with parameters DuckDB took four times as long.
        bits = sa.func.hash(*columns).op("&")(sa.literal_column(f"{parts - 1}::UBIGINT"))
        mine = [bits == sa.literal_column(f"{part}::UBIGINT")] if parts > 1 else []
        groups = (
            sa.select(sa.func.count().label("rows"))
            .select_from(source)
            .where(*(column.is_not(None) for column in columns), *mine)
            .group_by(*columns)
            .having(sa.func.count() > 1)
            .subquery()
        )
        found += int(engine.execute_query(sa.select(sa.func.sum(groups.c.rows))).scalar() or 0)
    return found


class Unique(MetricProvider):
    """Rows whose value repeats."""

    metric_name = "column_values.unique.unexpected_count"
    domain_keys = ColumnMapMetricProvider.condition_domain_keys

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(
        cls, execution_engine: DuckDBExecutionEngine, metric_domain_kwargs: dict[str, Any], **kwargs: Any
    ) -> int:
        return _repeated(execution_engine, metric_domain_kwargs, [metric_domain_kwargs["column"]])


class CompoundUnique(MetricProvider):
    """Rows whose values together repeat."""

    metric_name = "compound_columns.unique.unexpected_count"
    domain_keys = CompoundColumnsUnique.condition_domain_keys

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(
        cls, execution_engine: DuckDBExecutionEngine, metric_domain_kwargs: dict[str, Any], **kwargs: Any
    ) -> int:
        return _repeated(execution_engine, metric_domain_kwargs, list(metric_domain_kwargs["column_list"]))


class OutlierStatistics(ColumnAggregateMetricProvider):
    """What outliers are measured against: quartiles and their distance, or mean and standard deviation."""

    metric_name = "column.outlier_statistics"
    value_keys = ("method",)

    @metric_value(engine=DuckDBExecutionEngine)
    def _duckdb(
        cls,
        execution_engine: DuckDBExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **kwargs: Any,
    ) -> Statistics:
        column = sa.column(metric_domain_kwargs["column"])
        if metric_value_kwargs["method"] == "iqr":
            wanted = [sa.func.quantile_cont(column, 0.25), sa.func.quantile_cont(column, 0.75)]
        else:
            wanted = [sa.func.avg(column), sa.func.stddev_samp(column)]
        row = execution_engine.execute_query(
            sa.select(*wanted).select_from(execution_engine.source(metric_domain_kwargs))
        ).one()
        first, second = (None if value is None else float(value) for value in row)
        if metric_value_kwargs["method"] == "iqr":
            return Statistics(first, second, None if first is None or second is None else second - first)
        return Statistics.symmetric(center=first, spread=second)
