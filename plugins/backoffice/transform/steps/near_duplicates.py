"""Near duplicates: blocks, pairs, points, groups, survivors."""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from sqlglot import exp, parse_one

from backoffice.contract.steps.near_duplicates import NearDuplicates, Points
from backoffice.transform.compiling import ROW, Rows, Source, call, col, compile_step, table
from backoffice.transform.merging import listing, most_complete_first


@compile_step.register
def _(step: NearDuplicates, source: Source) -> Rows:
    name = source.name
    columns = step.columns_after(source.columns)
    tables = (
        (f"{name}_keys", _keys(step, source)),
        (
            f"{name}_blocks",
            _sql(f"select line, key, count(*) as size from {name}_keys group by line, key having count(*) > 1"),
        ),
        (f"{name}_pairs", _pairs(name, step.largest_block)),
        (f"{name}_same", _same(step, source)),
        (f"{name}_groups", _groups(name)),
        (f"{name}_members", _members(step, source)),
        (name, _merged(step, source, columns)),
    )
    counts = {
        "pairs_compared": _sql(f"select count(*) from {name}_pairs"),
        "pairs_same": _sql(f"select count(*) from {name}_same"),
        "groups_merged": _sql(f"select count(distinct leader) from {name}_groups"),
        "blocks_too_large": _sql(f"select count(*) from {name}_blocks where size > {step.largest_block}"),
    }
    return Rows(tables, columns, counts)


def _sql(text: str) -> exp.Select:
    return parse_one(text, dialect="duckdb", into=exp.Select)


def _keys(step: NearDuplicates, source: Source) -> exp.Query:
    """For each row and each line of ``compare_if_equal``: a hash of its cells. Rows with an empty one have none."""
    parts: list[exp.Select] = []
    for number, line in enumerate(step.compare_if_equal):
        key = exp.Anonymous(this="hash", expressions=[col(name) for name in line])
        part = exp.select(col(ROW), exp.alias_(exp.convert(number), "line"), exp.alias_(key, "key")).from_(
            table(source.table)
        )
        parts.append(part.where(*(exp.not_(col(name).is_(exp.null())) for name in line)))
    query: exp.Query = parts[0]
    for part in parts[1:]:
        query = exp.union(query, part, distinct=False)
    return query


def _pairs(name: str, largest: int) -> exp.Select:
    return _sql(
        f"""select distinct x._row as a, y._row as b from {name}_blocks
        join {name}_keys as x using (line, key) join {name}_keys as y using (line, key)
        where size <= {largest} and x._row < y._row"""
    )


def _same(step: NearDuplicates, source: Source) -> exp.Select:
    terms = [_points(name, points) for name, points in step.points.items()]
    total = terms[0]
    for term in terms[1:]:
        total = exp.Add(this=total, expression=term)
    query = exp.select("p.a", "p.b").from_(table(f"{source.name}_pairs", "p"))
    query = query.join(table(source.table, "x"), on=exp.EQ(this=col(ROW, "x"), expression=exp.column("a", table="p")))
    query = query.join(table(source.table, "y"), on=exp.EQ(this=col(ROW, "y"), expression=exp.column("b", table="p")))
    return query.where(exp.GTE(this=exp.paren(total), expression=exp.convert(step.threshold)))


def _points(name: str, points: Points) -> exp.Expr:
    x, y = col(name, "x"), col(name, "y")
    either_empty = exp.or_(x.is_(exp.null()), y.is_(exp.null()))
    found = exp.Case().when(either_empty, exp.convert(0)).when(exp.EQ(this=x, expression=y), exp.convert(points.equal))
    for edits, value in sorted(points.edits.items()):
        distance = exp.Anonymous(this="damerau_levenshtein", expressions=[x.copy(), y.copy()])
        found = found.when(exp.LTE(this=distance, expression=exp.convert(edits)), exp.convert(value))
    for likeness, value in sorted(points.similar.items(), reverse=True):
        similar = exp.Anonymous(this="jaro_winkler_similarity", expressions=[x.copy(), y.copy()])
        found = found.when(exp.GTE(this=similar, expression=exp.convert(likeness)), exp.convert(value))
    return found.else_(exp.convert(points.differs))


def _groups(name: str) -> exp.Select:
    """Connected components: every row takes the smallest row number among its neighbours until none changes."""
    return _sql(
        f"""with recursive edges as (select a, b from {name}_same union all select b, a from {name}_same),
        reached(_row, leader) using key (_row) as (
            select a, min(least(a, b)) from edges group by a
            union
            select edges.b, min(reached.leader) from reached
            join edges on edges.a = reached._row
            join recurring.reached as known on known._row = edges.b
            where reached.leader < known.leader group by edges.b
        ) select _row, leader from reached"""
    )


def _members(step: NearDuplicates, source: Source) -> exp.Select:
    order = exp.Order(expressions=most_complete_first(source, but=step.list_as, of="t"))
    place = exp.Window(this=exp.RowNumber(), partition_by=[exp.column("leader", table="g")], order=order)
    chosen = [col(name, "t") for name in (ROW, *source.columns)]
    query = exp.select("g.leader", exp.alias_(place, "place"), *chosen).from_(table(f"{source.name}_groups", "g"))
    return query.join(table(source.table, "t"), on=exp.EQ(this=col(ROW, "t"), expression=exp.column(ROW, table="g")))


def _merged(step: NearDuplicates, source: Source, columns: tuple[str, ...]) -> exp.Query:
    """One row a group, and all rows that are in none. ``arg_min`` skips empty cells: so the next member fills them."""
    merged: list[exp.Expr] = []
    others: list[exp.Expr] = []
    for name in (ROW, *columns):
        if name == step.list_as:
            merged.append(exp.alias_(listing(source, step.ids, step.list_as), name, quoted=True))
            others.append(exp.alias_(col(name) if name in source.columns else exp.null(), name, quoted=True))
            continue
        first = (
            call("max", exp.Case().when(_first(), col(name)))
            if name == step.ids
            else call("arg_min", col(name), exp.column("place"))
        )
        merged.append(exp.alias_(first, name, quoted=True))
        others.append(col(name))
    groups = exp.select(*merged).from_(table(f"{source.name}_members")).group_by("leader")
    in_none = exp.column(ROW).isin(query=_sql(f"select _row from {source.name}_groups"))
    rest = exp.select(*others).from_(table(source.table)).where(exp.not_(in_none))
    return exp.union(groups, rest, distinct=False)


def _first() -> exp.Expr:
    return exp.EQ(this=exp.column("place"), expression=exp.convert(1))
