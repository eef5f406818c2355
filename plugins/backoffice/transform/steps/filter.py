"""Keeping and dropping rows."""

from __future__ import annotations

from sqlglot import exp

from backoffice.contract.steps.filter import Condition, Filter
from backoffice.transform.compiling import ROW, Rows, Source, col, compile_step, table


@compile_step.register
def _(step: Filter, source: Source) -> Rows:
    query = exp.select(*map(col, (ROW, *source.columns))).from_(table(source.table))
    for condition in step.keep:
        query = query.where(_holds(condition))
    return Rows(((source.name, query),), source.columns)


def _holds(condition: Condition) -> exp.Expr:
    cell = col(condition.column)
    empty = cell.is_(exp.null())
    if condition.one_of is not None:
        return exp.and_(exp.not_(empty), cell.isin(*condition.one_of))
    if condition.none_of is not None:
        return exp.or_(empty, exp.not_(cell.isin(*condition.none_of)))
    return exp.not_(empty) if condition.filled else empty
