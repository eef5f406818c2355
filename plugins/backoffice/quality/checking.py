"""Runs a suite: one graph of metrics for all rules, the library's own verdict on each, and an allow-list copied out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.discretion import kind_of
from backoffice.errors import BackofficeError, QualityBroken

from .library import import_library, quiet
from .report import QualityReport, Result
from .rules import sentence
from .suite import Problems, Rule, Suite, did_you_mean, load

if TYPE_CHECKING:
    from great_expectations.validator.validation_graph import ValidationGraph

    from .dialect import Connection
    from .engine import DuckDBExecutionEngine

__all__ = ["check", "warm"]

ROWS = "table.row_count"
BLANK = "column_values.nonnull.unexpected_count"
UNEXPECTED = ".unexpected_count"
FILTERED = ".filtered_row_count"
# A rule about a whole column or table may show these and no other: each counts rows, columns or different values.
COUNTS = (
    "column.distinct_values.not_in_set.count",
    "column.distinct_values.missing_from_column.count",
    "column.distinct_values.count",
    "column.unique_proportion",
    "column.non_null_proportion",
    "table.column_count",
    ROWS,
)
JUDGES_BLANKS = ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null")
TEXT = ("VARCHAR", "BOOLEAN")


@dataclass(frozen=True, slots=True)
class _Broken:
    """What may be said of an error: the rule it struck and its class. Never its text."""

    rule: Rule | None
    error: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """A rule, the metrics that its verdict needs (name to id) and the graph of all that these depend on."""

    rule: Rule
    metrics: Mapping[str, Any]
    graph: ValidationGraph


def check(connection: Connection, table: str, suite: Path) -> QualityReport:
    """See ``backoffice.quality.check``."""
    import_library()
    outcome = _run(connection, table, load(suite))
    if isinstance(outcome, _Broken):
        raise QualityBroken(_describe(outcome), hint="The data was not judged. Correct the rule or report the fault.")
    return outcome


def warm() -> None:
    """Import all that a check needs, and build one rule: the library finishes its classes on first use."""
    import_library()
    import yaml  # noqa: F401 (positions in a faulty suite)
    from great_expectations.expectations.registry import get_expectation_impl
    from great_expectations.validator import validation_graph, validator  # noqa: F401

    from . import metrics  # noqa: F401

    with quiet():
        rule: Any = get_expectation_impl("expect_column_values_to_be_unique")
        rule(column="any").configuration.to_domain_obj()


def _run(connection: Connection, table: str, suite: Suite) -> QualityReport | _Broken:
    """Judge every rule. An error comes back as a value: none of the library's is in flight when ours is raised."""
    from . import metrics  # noqa: F401 (registers them)
    from .engine import DuckDBExecutionEngine

    with quiet():
        try:
            engine = DuckDBExecutionEngine(connection=connection, table=table)
        except Exception as error:  # noqa: BLE001
            return _Broken(None, _class_of(error))
        _refuse_misfits(connection, engine.columns, suite)
        plans: list[_Plan] = []
        for rule in suite.rules:
            try:
                plans.append(_plan(engine, rule))
            except Exception as error:  # noqa: BLE001
                return _Broken(rule, _class_of(error))
        try:
            values = _resolve(engine, plans)
        except Exception as error:  # noqa: BLE001
            return _Broken(_struck(error, plans), _class_of(error))
        rows = values[_row_count().id]
        results: list[Result] = []
        for plan in plans:
            try:
                results.append(_judge(engine, plan, values, rows))
            except Exception as error:  # noqa: BLE001
                return _Broken(plan.rule, _class_of(error))
    return QualityReport(passed=all(result.passed for result in results), rows=int(rows), results=tuple(results))


def _runtime() -> dict[str, Any]:
    """The library's settings: a verdict and its counts, no sample of values; an error is raised, not noted."""
    return {"result_format": {"result_format": "BOOLEAN_ONLY"}, "catch_exceptions": False}


def _row_count() -> Any:
    from great_expectations.validator.metric_configuration import MetricConfiguration

    return MetricConfiguration(ROWS, metric_domain_kwargs={})


def _plan(engine: DuckDBExecutionEngine, rule: Rule) -> _Plan:
    from great_expectations.validator.validation_graph import ValidationGraph

    needed = rule.expectation.get_validation_dependencies(engine, _runtime())
    graph = ValidationGraph(execution_engine=engine)
    for metric in needed.get_metric_configurations():
        graph.build_metric_dependency_graph(metric, runtime_configuration=_runtime())
    ids = {name: metric.id for name, metric in needed.metric_configurations.items()}
    return _Plan(rule=rule, metrics=ids, graph=graph)


def _resolve(engine: DuckDBExecutionEngine, plans: Iterable[_Plan]) -> Mapping[Any, Any]:
    """Every metric of every rule, each computed once, those over the same rows in one query."""
    from great_expectations.validator.validation_graph import ValidationGraph

    whole = ValidationGraph(execution_engine=engine)
    whole.build_metric_dependency_graph(_row_count(), runtime_configuration=_runtime())
    for plan in plans:
        for edge in plan.graph.edges:
            whole.add(edge)
    values, _ = whole.resolve(runtime_configuration=_runtime(), show_progress_bars=False)
    return values


def _judge(engine: DuckDBExecutionEngine, plan: _Plan, values: Mapping[Any, Any], rows: int) -> Result:
    """The library's verdict on one rule, and the counts behind it: numbers under known names, nothing else."""
    rule = plan.rule
    verdict = rule.expectation.metrics_validate(
        dict(values), runtime_configuration=_runtime(), execution_engine=engine
    ).success
    counts = {name: values[id_] for name, id_ in plan.metrics.items()}
    unexpected, judged = _rows(rule, counts, rows)
    return Result(
        rule=rule.type,
        column=", ".join(rule.columns) or None,
        passed=bool(verdict),
        rows=judged,
        unexpected=unexpected,
        percent=None if unexpected is None else round(100 * unexpected / judged, 4) if judged else 0.0,
        observed=_observed(counts) if unexpected is None else None,
        sentence=sentence(rule.type, rule.parameters),
    )


def _rows(rule: Rule, counts: Mapping[str, Any], rows: int) -> tuple[int | None, int]:
    """How many rows broke the rule (``None``: it is not about rows) and how many it judged."""
    total = int(counts.get(ROWS, rows))
    found = [name for name in counts if name.endswith(UNEXPECTED) and name != BLANK]
    if rule.type in JUDGES_BLANKS:
        return int(counts[(found or [BLANK])[0]] or 0), total
    if not found:
        return None, total
    filtered = [name for name in counts if name.endswith(FILTERED)]
    judged = counts[filtered[0]] if filtered else total - (counts.get(BLANK) or 0)
    return int(counts[found[0]] or 0), int(judged)


def _observed(counts: Mapping[str, Any]) -> int | float | None:
    for name in COUNTS:
        value = counts.get(name)
        if isinstance(value, int | float):
            return value
    return None


def _class_of(error: BaseException) -> str:
    """The class of the error at the bottom: DuckDB's own rather than the wrappers around it. One of ours says what it is."""
    while True:
        below = getattr(error, "orig", None) or error.__cause__ or error.__context__
        if not isinstance(below, BaseException):
            return error.message.rstrip(".") if isinstance(error, BackofficeError) else kind_of(error)
        error = below


def _struck(error: BaseException, plans: Iterable[_Plan]) -> Rule | None:
    """The first rule that needs the metric which failed."""
    failed = {metric.id for metric in getattr(error, "failed_metrics", ())}
    for plan in plans:
        if any(edge.left.id in failed or (edge.right and edge.right.id in failed) for edge in plan.graph.edges):
            return plan.rule
    return None


def _describe(broken: _Broken) -> str:
    if broken.rule is None:
        return f"The check could not be run ({broken.error})."
    columns = ", ".join(broken.rule.columns)
    where = f" on {columns}" if columns else ""
    return f"The rule {broken.rule.type}{where} could not be evaluated ({broken.error})."


def _refuse_misfits(connection: Connection, columns: Mapping[str, str], suite: Suite) -> None:
    """``ContractError`` for rules that no data could satisfy or that this engine cannot run: the suite's fault.

    A missing column is one of them. The SOW, not the data, decides which columns a result has; read as bad data it
    would send someone to look for an error in the client's file. A suggestion names only columns that the suite names.
    """
    problems = Problems(suite.path, suite.text)
    shared = {name for rule in suite.rules for name in rule.columns if name in columns}
    for rule in suite.rules:
        place = (*rule.place, "kwargs")
        missing = [name for name in rule.columns if name not in columns]
        for name in missing:
            what = f"The result has no column “{name}”, which {rule.type} reads.{did_you_mean(name, shared)}"
            problems.add(place, what)
        if rule.type == "expect_column_values_to_be_between" and not missing:
            column = rule.columns[0]
            if columns[column] in TEXT:
                what = f"{rule.type} compares numbers and dates, and the column “{column}” is {columns[column]}."
                problems.add(place, f"{what} Use a set, a pattern or a length.")
        for key, sql, what in (
            ("regex", "SELECT regexp_matches('', $1)", "regular expression (RE2: no look-around, no back-references)"),
            ("strftime_format", "SELECT try_strptime('', $1)", "date format"),
        ):
            for pattern in [rule.parameters.get(key), *rule.parameters.get(f"{key}_list", ())]:
                if isinstance(pattern, str) and not _runs(connection, sql, pattern):
                    problems.add(place, f"{rule.type}: DuckDB cannot read “{pattern}” as a {what}.")
    problems.raise_if_any()


def _runs(connection: Connection, sql: str, parameter: str) -> bool:
    try:
        connection.execute(sql, [parameter]).fetchall()
    except Exception:  # noqa: BLE001
        return False
    return True
