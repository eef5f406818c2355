"""Exact duplicates."""

from __future__ import annotations

from sqlglot import exp

from backoffice.contract.steps.drop_duplicates import DropDuplicates
from backoffice.transform.compiling import ROW, Rows, Source, col, compile_step, table
from backoffice.transform.merging import listing, most_complete_first


@compile_step.register
def _(step: DropDuplicates, source: Source) -> Rows:
    keys = step.by or tuple(name for name in source.columns if name not in (step.ignore or ()) and name != step.list_as)
    filled = [exp.not_(col(name).is_(exp.null())) for name in keys]
    # Rows that say nothing are not the same for it: each is a group of its own.
    comparable = exp.and_(*filled) if step.by else exp.or_(*filled)
    group = [*map(col, keys), exp.Case().when(comparable, exp.convert(0)).else_(col(ROW))]
    order = exp.Order(expressions=most_complete_first(source, but=step.list_as))
    place = exp.Window(this=exp.RowNumber(), partition_by=[one.copy() for one in group], order=order)
    columns = step.columns_after(source.columns)
    chosen: list[exp.Expr] = [col(ROW)]
    for name in columns:
        if step.ids and step.list_as and name == step.list_as:
            chosen.append(exp.alias_(_listed(step.ids, step.list_as, source, group), name, quoted=True))
        else:
            chosen.append(col(name))
    query = exp.select(*chosen).from_(table(source.table)).qualify(exp.EQ(this=place, expression=exp.convert(1)))
    return Rows(((source.name, query),), columns)


def _listed(ids: str, list_as: str, source: Source, group: list[exp.Expr]) -> exp.Expr:
    def over(function: exp.Expr) -> exp.Expr:
        return exp.Window(this=function, partition_by=[one.copy() for one in group])

    alone = exp.EQ(this=over(exp.Count(this=exp.Star())), expression=exp.convert(1))
    before = col(list_as) if list_as in source.columns else exp.null()
    return exp.Case().when(alone, before).else_(over(listing(source, ids, list_as)))
