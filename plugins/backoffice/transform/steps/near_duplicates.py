"""Near duplicates: blocks, pairs, points, groups, survivors."""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import Model
from backoffice.contract.step import AnyColumn, Example, NewColumn, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.merging import listing, most_complete_first
from backoffice.transform.sql import call, col, filled, query, table

if TYPE_CHECKING:
    from sqlglot import exp

Edits = Annotated[int, Field(ge=1, le=9)]
Likeness = Annotated[float, Field(gt=0, lt=1)]


class Points(Model):
    """What one column says about two rows being the same. A column that is empty in either row says nothing: 0 points.

    The best that holds counts: ``equal``, then ``edits``, then ``similar``, else ``differs``.
    """

    equal: float
    edits: dict[Edits, float] = Field(default_factory=dict)
    """At most so many letters inserted, deleted, changed or swapped with the next (Damerau-Levenshtein) -> points."""
    similar: dict[Likeness, float] = Field(default_factory=dict)
    """A likeness (Jaro-Winkler, 0 to 1) of at least so much -> points."""
    differs: float


class NearDuplicates(Step):
    """Find rows that mean the same, and make one of them, by points as Fellegi and Sunter (1969) weigh evidence.

    Two rows are compared if they are equal in every column of one line of ``compare_if_equal``; a block of more than
    ``largest_block`` rows that share such a line is not compared by it (and counted), or the work would grow with its
    square. A pair with ``threshold`` points or more is the same. Pairs chain: if A is B and B is C, all three are one.

    Of such a group the most complete row survives, of equally complete ones the first. Each of its empty cells is
    filled from the most complete of the others that has one.
    """

    step: Literal["near_duplicates"] = "near_duplicates"
    ids: AnyColumn
    """The client's own reference, to list what was merged; it is never filled and earns no points by itself."""
    list_as: NewColumn
    """The column that lists the references of merged rows, joined by ``;``. Empty where nothing was merged."""
    compare_if_equal: tuple[Annotated[tuple[AnyColumn, ...], Field(min_length=1)], ...] = Field(min_length=1)
    points: dict[AnyColumn, Points] = Field(min_length=1)
    threshold: float = Field(gt=0)
    largest_block: int = Field(default=200, ge=2, le=10_000)

    example: ClassVar[Example] = Example(
        """- step: near_duplicates
  ids: id
  list_as: merged
  compare_if_equal: [[town]]
  points:
    name: {equal: 10, similar: {0.9: 7}, differs: -5}
  threshold: 6
""",
        before="""\
id,name,town,phone
1,Maria Huber,Graz,
2,Maria Hubr,Graz,0316 1
3,Bo Lang,Graz,
""",
        after="""\
id,name,town,phone,merged
2,Maria Hubr,Graz,0316 1,1;2
3,Bo Lang,Graz,,
""",
    )
    blanks: ClassVar[str] = "An empty cell says nothing about two rows, and is filled from the next that has one."

    @model_validator(mode="after")
    def _can_be_reached(self) -> NearDuplicates:
        most = sum(points.equal for points in self.points.values())
        if most < self.threshold:
            raise ValueError(f"`threshold` {self.threshold:g} is out of reach: equal rows have {most:g} points")
        return self

    @override
    def words(self) -> str:
        lines = " or ".join(" and ".join(line) for line in self.compare_if_equal)
        return (
            f"Merge rows that mean the same: equal in {lines}, and {self.threshold:g} points or more over "
            f"{len(self.points)} columns. The most complete row stays, its empty cells filled from the others."
        )

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        lines = dict(enumerate(self.compare_if_equal, start=1))
        blocks = {number: f"{name}_blocks_{number}" for number in lines}
        pairs = {number: f"{name}_pairs_{number}" for number in lines}
        tables: list[tuple[str, exp.Query]] = []
        for number, line in lines.items():
            tables.append((blocks[number], _blocks(line, source)))
            tables.append((pairs[number], _pairs(self, line, source, blocks[number])))
        same = " union ".join(f"select a, b from {one}" for one in pairs.values())
        tables += [
            (f"{name}_same", query(same)),
            (f"{name}_groups", _groups(name)),
            (f"{name}_members", _members(self, source)),
            (name, _merged(self, source)),
        ]
        small = " + ".join(
            f"(select coalesce(sum(size * (size - 1) // 2), 0) from {one} where size <= {self.largest_block})"
            for one in blocks.values()
        )
        large = " + ".join(f"(select count(*) from {one} where size > {self.largest_block})" for one in blocks.values())
        counts = {
            "pairs_compared": query(f"select ({small})::bigint"),
            "pairs_same": query(f"select count(*) from {name}_same"),
            "groups_merged": query(f"select count(distinct leader) from {name}_groups"),
            "blocks_too_large": query(f"select {large}"),
        }
        return Rows(tuple(tables), counts)


def _blocks(line: tuple[str, ...], source: Source) -> exp.Query:
    """Rows that are equal in every column of ``line``, by what they share. An empty cell equals nothing."""
    from sqlglot import exp

    size = exp.alias_(exp.Count(this=exp.Star()), "size")
    blocks = exp.select(*map(col, line), size).from_(table(source.table)).where(*map(filled, line))
    return blocks.group_by(*map(col, line)).having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.convert(1)))


def _pairs(step: NearDuplicates, line: tuple[str, ...], source: Source, blocks: str) -> exp.Query:
    """The pairs within one line's blocks that have the points. Only what is found is kept, not what is compared."""
    from sqlglot import exp

    x, y = exp.select("t.*").from_(table(source.table, "t")), exp.select("t.*").from_(table(source.table, "t"))
    bounded = exp.select("*").from_(table(blocks)).where(f"size <= {step.largest_block}")
    keys = tuple(exp.to_identifier(name, quoted=True) for name in line)
    x = x.join(bounded.subquery("s"), using=keys, join_type="semi")
    y = y.join(bounded.subquery("s"), using=keys, join_type="semi")
    equal = [exp.EQ(this=col(name, "x"), expression=col(name, "y")) for name in line]
    earlier = exp.LT(this=col(ROW, "x"), expression=col(ROW, "y"))
    terms = [_points(name, points, source.columns[name]) for name, points in step.points.items()]
    total = reduce(_plus, terms)
    chosen = exp.alias_(col(ROW, "x"), "a"), exp.alias_(col(ROW, "y"), "b")
    pairs = exp.select(*chosen).from_(x.subquery("x")).join(y.subquery("y"), on=exp.and_(*equal, earlier))
    return pairs.where(exp.GTE(this=exp.paren(total), expression=exp.convert(step.threshold)))


def _plus(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return exp.Add(this=one, expression=other)


def _points(name: str, points: Points, kind: Kind) -> exp.Expr:
    """What one column says of two rows. Most compared cells differ: that is asked first, so the rest costs little."""
    from sqlglot import exp

    x: exp.Expr = col(name, "x")
    y: exp.Expr = col(name, "y")
    if kind is not Kind.TEXT:
        x, y = exp.cast(x, "varchar"), exp.cast(y, "varchar")
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
    return query(
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
    from sqlglot import exp

    order = exp.Order(expressions=most_complete_first(source, but=step.list_as, of="t"))
    place = exp.Window(this=exp.RowNumber(), partition_by=[exp.column("leader", table="g")], order=order)
    chosen = [col(name, "t") for name in (ROW, *source.columns)]
    members = exp.select("g.leader", exp.alias_(place, "place"), *chosen).from_(table(f"{source.name}_groups", "g"))
    return members.join(table(source.table, "t"), on=exp.EQ(this=col(ROW, "t"), expression=exp.column(ROW, table="g")))


def _merged(step: NearDuplicates, source: Source) -> exp.Query:
    """One row a group, and all rows that are in none. ``arg_min`` skips empty cells: so the next member fills them."""
    from sqlglot import exp

    merged: list[exp.Expr] = []
    others: list[exp.Expr] = []
    for name in (ROW, *source.after):
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
    in_none = exp.column(ROW).isin(query=query(f"select _row from {source.name}_groups"))
    rest = exp.select(*others).from_(table(source.table)).where(exp.not_(in_none))
    return exp.union(groups, rest, distinct=False)
