"""Exact duplicates."""

from __future__ import annotations

from sqlglot import exp

from backoffice.contract.steps.drop_duplicates import DropDuplicates
from backoffice.transform.compiling import ROW, Rows, Source, col, compile_step, filled, table
from backoffice.transform.merging import listing, most_complete_first


@compile_step.register
def _(step: DropDuplicates, source: Source) -> Rows:
    name, columns = source.name, step.columns_after(source.columns)
    keys = step.by or tuple(one for one in source.columns if one not in (step.ignore or ()) and one != step.list_as)
    tables = (
        (f"{name}_repeated", _repeated(keys, source, whole=step.by is not None)),
        (f"{name}_groups", _groups(step, keys, source)),
        (name, _survivors(step, columns, source)),
    )
    return Rows(tables, columns)


def _repeated(keys: tuple[str, ...], source: Source, *, whole: bool) -> exp.Query:
    """Rows that may be equal to another: a hash keeps the memory small; what follows compares the cells themselves.

    A row with an empty key (``whole``), or with nothing but empty ones, is equal to no other.
    """
    comparable = (exp.and_ if whole else exp.or_)(*map(filled, keys))
    key = exp.Anonymous(this="hash", expressions=[col(one) for one in keys])
    again = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.convert(1))
    often = exp.select(key).from_(table(source.table)).group_by(key.copy()).having(again)
    return exp.select("*").from_(table(source.table)).where(comparable, key.copy().isin(query=often))


def _groups(step: DropDuplicates, keys: tuple[str, ...], source: Source) -> exp.Query:
    order = exp.Order(this=col(ROW), expressions=most_complete_first(source, but=step.list_as))
    found = [
        exp.alias_(exp.Anonymous(this="first", expressions=[order]), "survivor"),
        exp.alias_(exp.Anonymous(this="list", expressions=[col(ROW)]), "members"),
    ]
    if step.ids and step.list_as:
        found.append(exp.alias_(listing(source, step.ids, step.list_as), "listed"))
    again = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.convert(1))
    query = exp.select(*found).from_(table(f"{source.name}_repeated"))
    return query.group_by(*map(col, keys)).having(again)


def _survivors(step: DropDuplicates, columns: tuple[str, ...], source: Source) -> exp.Query:
    survivor = exp.column("survivor", table="g")
    chosen: list[exp.Expr] = []
    for one in (ROW, *columns):
        if one == step.list_as:
            before = col(one, "t") if one in source.columns else exp.null()
            listed = exp.func("coalesce", exp.column("listed", table="g"), before)
            chosen.append(exp.alias_(listed, one, quoted=True))
        else:
            chosen.append(col(one, "t"))
    members = exp.select(exp.Anonymous(this="unnest", expressions=[exp.column("members")]))
    in_none = exp.not_(col(ROW, "t").isin(query=members.from_(table(f"{source.name}_groups"))))
    query = exp.select(*chosen).from_(table(source.table, "t"))
    on_survivor = exp.EQ(this=col(ROW, "t"), expression=survivor)
    query = query.join(table(f"{source.name}_groups", "g"), on=on_survivor, join_type="left")
    return query.where(exp.or_(exp.not_(survivor.copy().is_(exp.null())), in_none))
