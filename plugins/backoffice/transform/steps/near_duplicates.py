"""Near duplicates: pairs, groups, survivors; within a list, or linking several."""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns
from backoffice.contract.step import AnyColumn, DateColumn, Example, NewColumn, Step
from backoffice.transform.evidence import Pairing
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.grouping import groups_of
from backoffice.transform.merging import listing, most_complete_first
from backoffice.transform.pairing import cells_of, pairs_among
from backoffice.transform.sql import call, col, query, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class NearDuplicates(Pairing, Step):
    """Find rows that mean the same, and make one of them, by points as Fellegi and Sunter (1969) weigh evidence.

    Two rows are compared if they are equal in every column of one line of ``compare_if_equal``. Where more than
    ``largest_block`` rows share such a line, they are too many to compare each with each: they are put in order, once by
    each of the three columns that say most, and each is compared with the ``neighbours`` next ones; such blocks are
    counted. A pair with ``threshold`` points or more is the same. Pairs chain: if A is B and B is C, all three are one,
    unless ``weakest`` keeps them apart.

    Of such a group the most complete row survives, of equally complete ones the first (``keep`` says otherwise). Each
    of its empty cells is filled from the next of the others that has one.

    Several lists, put one below the other by ``union``, are linked with ``between``.
    """

    step: Literal["near_duplicates"] = "near_duplicates"
    ids: AnyColumn
    """The client's own reference, to list what was merged; it is never filled and earns no points by itself."""
    list_as: NewColumn
    """The column that lists the references of merged rows, joined by ``;``. Empty where nothing was merged."""
    weakest: float | None = None
    """Two groups stay apart, however good a pair is, if two of their rows have fewer points than this with each other;
    the best pair joins first. In groups of more than 1,000 rows those that were never compared stay apart too. Left out:
    pairs chain."""
    between: AnyColumn | None = None
    """The column that says which list a row is from: rows of different lists are compared only; a row without is not."""
    one_to_one: bool = False
    """Whether a row is linked with one row of another list at most: the best pair first, of equal ones the earlier."""
    keep: Literal["most_complete", "first", "newest"] = "most_complete"
    """Which row of a group survives; of equally new ones the most complete."""
    newest_by: DateColumn | None = None
    take: dict[AnyColumn, Literal["newest", "longest"]] = Field(default_factory=dict)
    """Columns whose cell is not the survivor's, but the newest or the longest of the group."""

    family: ClassVar = "tables"
    example: ClassVar[Example] = Example(
        """- step: near_duplicates
  ids: id
  list_as: merged
  compare_if_equal: [[town]]
  points:
    name: {equal: 10, similar: {0.9: 7}, words: {1: 8}, differs: -5}
  threshold: 6
""",
        before="""\
id,name,town,phone
1,Maria Huber,Graz,
2,Maria Hubr,Graz,0316 1
3,Bo Lang,Graz,
4,"Huber, Maria",Graz,
""",
        after="""\
id,name,town,phone,merged
2,Maria Hubr,Graz,0316 1,1;2;4
3,Bo Lang,Graz,,
""",
    )
    blanks: ClassVar[str] = "An empty cell says nothing about two rows, and is filled from the next that has one."

    @model_validator(mode="after")
    def _belongs_together(self) -> NearDuplicates:
        if self.one_to_one and self.between is None:
            raise ValueError("`one_to_one` links lists: say in `between` which column tells them apart")
        if self.weakest is not None and self.weakest > self.threshold:
            raise ValueError("`weakest` is above `threshold`")
        newest = self.keep == "newest" or "newest" in self.take.values()
        if newest != (self.newest_by is not None):
            raise ValueError("`newest_by` and what is `newest` belong together: say both or neither")
        return self

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        yield from self.date_faults(columns)

    @override
    def words(self) -> str:
        best = {
            "most_complete": "The most complete row stays",
            "first": "The first row stays",
            "newest": f"The newest row by {self.newest_by} stays",
        }
        lists = f" Rows of different {self.between} are compared only" if self.between else ""
        lists += ", and linked one to one." if self.one_to_one else "." if lists else ""
        taken = "".join(f" Of {name} the {which} cell is taken." for name, which in self.take.items())
        return (
            f"Merge rows that mean the same: equal in {self.lines()}, and {self.threshold:g} points or more over "
            f"{len(self.points)} columns.{lists} {best[self.keep]}, its empty cells filled from the others.{taken}"
        )

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        side = sql("dense_rank() over (order by :of)", of=col(self.between)) if self.between else sql("0")
        rows = cells_of(self, table(source.table), col(ROW), side, col)
        if self.between:
            rows = rows.where(sql(":of is not null", of=col(self.between)))
        pairs = pairs_among(self, name, rows, sides=self.between is not None)
        tables = [
            *pairs.tables,
            *groups_of(self, name, pairs, weakest=self.weakest, one_to_one=self.one_to_one),
            (f"{name}_members", _members(self, source)),
            (name, _merged(self, source)),
        ]
        counts = {
            "pairs_compared": pairs.compared,
            "pairs_same": query(f"select count(*) from {pairs.same}"),
            "groups_merged": query(f"select count(distinct leader) from {name}_groups"),
            "blocks_crowded": pairs.crowded,
        }
        return Rows(tuple(tables), counts)


def _members(step: NearDuplicates, source: Source) -> exp.Query:
    from sqlglot import exp

    order = most_complete_first(source, but=step.list_as, of="t")
    if step.keep == "first":
        order = order[1:]
    elif step.newest_by:
        order = [_newest(step.newest_by, "t"), *order] if step.keep == "newest" else order
    place = exp.Window(
        this=exp.RowNumber(), partition_by=[exp.column("leader", table="g")], order=exp.Order(expressions=order)
    )
    chosen = [col(name, "t") for name in (ROW, *source.columns)]
    members = exp.select("g.leader", exp.alias_(place, "place"), *chosen).from_(table(f"{source.name}_groups", "g"))
    return members.join(table(source.table, "t"), on=exp.EQ(this=col(ROW, "t"), expression=exp.column(ROW, table="g")))


def _newest(name: str, of: str | None = None) -> exp.Ordered:
    from sqlglot import exp

    return exp.Ordered(this=col(name, of), desc=True, nulls_first=False)


def _merged(step: NearDuplicates, source: Source) -> exp.Query:
    """One row a group, and all rows that are in none. ``arg_min`` skips empty cells: so the next member fills them."""
    from sqlglot import exp

    merged: list[exp.Expr] = []
    others: list[exp.Expr] = []
    first = exp.EQ(this=exp.column("place"), expression=exp.convert(1))
    for name in (ROW, *source.after):
        if name == step.list_as:
            merged.append(exp.alias_(listing(source, step.ids, step.list_as), name, quoted=True))
            others.append(exp.alias_(col(name) if name in source.columns else exp.null(), name, quoted=True))
            continue
        # The reference is the survivor's own or none; filled in from another row it would be a lie. So would be
        # another row's number.
        own = call("max", exp.Case().when(first.copy(), col(name)))
        best = own if name in (step.ids, ROW) else _best(step, name)
        merged.append(exp.alias_(best, name, quoted=True))
        others.append(col(name))
    groups = exp.select(*merged).from_(table(f"{source.name}_members")).group_by("leader")
    rest = exp.select(*(col(one.name, "t") if isinstance(one, exp.Column) else one for one in others))
    rest = rest.from_(table(source.table, "t"))
    in_none = exp.EQ(this=col(ROW, "g"), expression=col(ROW, "t"))
    rest = rest.join(table(f"{source.name}_groups", "g"), on=in_none, join_type="anti")
    return exp.union(groups, rest, distinct=False)


def _best(step: NearDuplicates, name: str) -> exp.Expr:
    """The cell that a group gets: the survivor's, or as ``take`` says; the next member's where that one is empty."""
    from sqlglot import exp

    taken = step.take.get(name)
    if taken is None:
        return call("arg_min", col(name), exp.column("place"))
    order = "-length(cast(:cell as varchar))"
    if taken == "newest" and step.newest_by:
        order = "-coalesce(epoch_us(cast(:date as timestamp)), -9223372036854775807)"
    date = col(step.newest_by) if step.newest_by else exp.null()
    return sql(f"arg_min(:cell, {{'o': {order}, 'p': place}})", cell=col(name), date=date)
