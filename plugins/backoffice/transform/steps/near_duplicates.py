"""Near duplicates: blocks, pairs, points, groups, survivors."""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from functools import reduce

from sqlglot import exp, parse_one

from backoffice.contract.steps.near_duplicates import NearDuplicates, Points
from backoffice.transform.compiling import ROW, Rows, Source, call, col, compile_step, filled, table
from backoffice.transform.merging import listing, most_complete_first


@compile_step.register
def _(step: NearDuplicates, source: Source) -> Rows:
    name, columns = source.name, step.columns_after(source.columns)
    lines = dict(enumerate(step.compare_if_equal, start=1))
    blocks = {number: f"{name}_blocks_{number}" for number in lines}
    pairs = {number: f"{name}_pairs_{number}" for number in lines}
    tables: list[tuple[str, exp.Query]] = []
    for number, line in lines.items():
        tables.append((blocks[number], _blocks(line, source)))
        tables.append((pairs[number], _pairs(step, line, source, blocks[number])))
    same = " union ".join(f"select a, b from {one}" for one in pairs.values())
    tables += [
        (f"{name}_same", _sql(same)),
        (f"{name}_groups", _groups(name)),
        (f"{name}_members", _members(step, source)),
        (name, _merged(step, source, columns)),
    ]
    small = " + ".join(
        f"(select coalesce(sum(size * (size - 1) // 2), 0) from {one} where size <= {step.largest_block})"
        for one in blocks.values()
    )
    large = " + ".join(f"(select count(*) from {one} where size > {step.largest_block})" for one in blocks.values())
    counts = {
        "pairs_compared": _sql(f"select ({small})::bigint"),
        "pairs_same": _sql(f"select count(*) from {name}_same"),
        "groups_merged": _sql(f"select count(distinct leader) from {name}_groups"),
        "blocks_too_large": _sql(f"select {large}"),
    }
    return Rows(tuple(tables), columns, counts)


def _sql(text: str) -> exp.Query:
    query = parse_one(text, dialect="duckdb")
    return query if isinstance(query, exp.Query) else exp.select(query)


def _blocks(line: tuple[str, ...], source: Source) -> exp.Query:
    """Rows that are equal in every column of ``line``, by what they share. An empty cell equals nothing."""
    size = exp.alias_(exp.Count(this=exp.Star()), "size")
    query = exp.select(*map(col, line), size).from_(table(source.table)).where(*map(filled, line))
    return query.group_by(*map(col, line)).having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.convert(1)))


def _pairs(step: NearDuplicates, line: tuple[str, ...], source: Source, blocks: str) -> exp.Query:
    """The pairs within one line's blocks that have the points. Only what is found is kept, not what is compared."""
    x, y = exp.select("t.*").from_(table(source.table, "t")), exp.select("t.*").from_(table(source.table, "t"))
    bounded = exp.select("*").from_(table(blocks)).where(f"size <= {step.largest_block}")
    keys = tuple(exp.to_identifier(name, quoted=True) for name in line)
    x = x.join(bounded.subquery("s"), using=keys, join_type="semi")
    y = y.join(bounded.subquery("s"), using=keys, join_type="semi")
    equal = [exp.EQ(this=col(name, "x"), expression=col(name, "y")) for name in line]
    earlier = exp.LT(this=col(ROW, "x"), expression=col(ROW, "y"))
    terms = [_points(name, points) for name, points in step.points.items()]
    total = reduce(_plus, terms)
    chosen = exp.alias_(col(ROW, "x"), "a"), exp.alias_(col(ROW, "y"), "b")
    query = exp.select(*chosen).from_(x.subquery("x")).join(y.subquery("y"), on=exp.and_(*equal, earlier))
    return query.where(exp.GTE(this=exp.paren(total), expression=exp.convert(step.threshold)))


def _plus(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Add(this=one, expression=other)


def _points(name: str, points: Points) -> exp.Expr:
    """What one column says of two rows. Most compared cells differ: that is asked first, so the rest costs little."""
    x, y = col(name, "x"), col(name, "y")
    either_empty = exp.or_(x.is_(exp.null()), y.is_(exp.null()))
    found = exp.Case().when(either_empty, exp.convert(0))
    found = found.when(exp.EQ(this=x.copy(), expression=y.copy()), exp.convert(points.equal), copy=False)
    if points.edits:
        distance = exp.Anonymous(this="damerau_levenshtein", expressions=[x.copy(), y.copy()])
        levels = sorted(points.edits.items())
        if not points.similar:
            far = exp.GT(this=distance, expression=exp.convert(levels[-1][0]))
            found = found.when(far, exp.convert(points.differs), copy=False)
        for edits, value in levels:
            found = found.when(
                exp.LTE(this=distance.copy(), expression=exp.convert(edits)), exp.convert(value), copy=False
            )
    if points.similar:
        likeness = exp.Anonymous(this="jaro_winkler_similarity", expressions=[x.copy(), y.copy()])
        levels = sorted(points.similar.items(), reverse=True)
        far = exp.LT(this=likeness, expression=exp.convert(levels[-1][0]))
        found = found.when(far, exp.convert(points.differs), copy=False)
        for least, value in levels:
            found = found.when(
                exp.GTE(this=likeness.copy(), expression=exp.convert(least)), exp.convert(value), copy=False
            )
    return found.else_(exp.convert(points.differs))


def _groups(name: str) -> exp.Query:
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


def _members(step: NearDuplicates, source: Source) -> exp.Query:
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
        # The reference is the survivor's own or none; filled in from another row it would be a lie.
        first = exp.EQ(this=exp.column("place"), expression=exp.convert(1))
        own = call("max", exp.Case().when(first, col(name)))
        next_best = call("arg_min", col(name), exp.column("place"))
        merged.append(exp.alias_(own if name == step.ids else next_best, name, quoted=True))
        others.append(col(name))
    groups = exp.select(*merged).from_(table(f"{source.name}_members")).group_by("leader")
    in_none = exp.column(ROW).isin(query=_sql(f"select _row from {source.name}_groups"))
    rest = exp.select(*others).from_(table(source.table)).where(exp.not_(in_none))
    return exp.union(groups, rest, distinct=False)
