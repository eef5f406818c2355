"""Two states of one list: what is new, gone, changed."""

# ruff: noqa: S608 - the names in these queries are ours

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import (
    AnyColumn,
    Example,
    Family,
    Found,
    Made,
    Named,
    NewColumn,
    NumberColumn,
    Step,
    TableName,
)
from backoffice.transform.evidence import Pairing
from backoffice.transform.fragment import Rows, Source
from backoffice.transform.grouping import groups_of
from backoffice.transform.pairing import cells_of, pairs_among
from backoffice.transform.sql import col, query, sql, table, try_cast
from backoffice.transform.values.rounding import millionths, quotient

if TYPE_CHECKING:
    from sqlglot import exp

OldColumn = Annotated[ColumnName, Found(table_field="old")]
OldNumber = Annotated[ColumnName, Found(frozenset({Kind.NUMBER, Kind.INTEGER}), "old")]
NewNumber = Annotated[ColumnName, Made(Kind.NUMBER)]


class CompareLists(Step):
    """Compare the list with an older state of it, row by row, by a key: new, gone, changed or unchanged.

    The rows of the list stay in their order; those that are gone follow, with the cells that the old list has under the
    same names. Where a key is there several times, the first is compared with the first, the second with the second, and
    they are counted. A row without a key is new or gone.

    With ``near``, rows that would be new and rows that would be gone are linked one to one where they mean the same: the
    best pair first, of equal ones the earlier. Their status is ``changed`` then.
    """

    step: Literal["compare_lists"] = "compare_lists"
    old: TableName
    """The older state: an input, or one of the SOW's ``tables``."""
    key: AnyColumn
    old_key: OldColumn | None = None
    """Left out: called as in the list."""
    compare: tuple[AnyColumn, ...] = Field(min_length=1)
    """The columns in which a row may have changed; the old list has them by the same names."""
    near: Pairing | None = None
    """Which rows are the same though their keys are not; the old list has these columns by the same names."""
    status_as: NewColumn
    """``new``, ``gone``, ``changed`` or ``unchanged``."""
    price: NumberColumn | None = None
    old_price: OldNumber | None = None
    """Left out: called as in the list."""
    old_price_as: NewNumber | None = None
    percent_as: NewNumber | None = None
    """By how many percent the price has changed, to a hundredth; empty where the old price was nothing."""
    mark_over: Decimal | None = Field(default=None, ge=0, le=1_000_000)
    """Percent, up or down, from where a price is marked; a price that was nothing and now is something always is."""
    marked_as: Annotated[ColumnName, Made(Kind.BOOLEAN)] | None = None

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: list_price
  amount_as: price
- step: compare_lists
  old: last
  key: sku
  compare: [list_price, title]
  status_as: status
""",
        before="""\
sku,title,list_price
A1,Chair,55.00
A2,Table,99.00
A4,Lamp,20.00
""",
        after="""\
sku,title,list_price,price,status
A1,Chair,55.00,55.000000,changed
A2,Table,99.00,99.000000,unchanged
A4,Lamp,20.00,20.000000,new
A3,Rug,30.00,,gone
""",
        tables={
            "last": """sku,title,list_price
A1,Chair,50.00
A2,Table,99.00
A3,Rug,30.00
"""
        },
    )
    blanks: ClassVar[str] = (
        "Empty equals empty; a cell that was empty and is filled, or the other way round, has changed."
    )

    @model_validator(mode="after")
    def _belongs_together(self) -> CompareLists:
        if self.price is None and (self.old_price or self.old_price_as or self.percent_as or self.marked_as):
            raise ValueError("say which column is the `price`")
        if (self.mark_over is None) != (self.marked_as is None):
            raise ValueError("`mark_over` and `marked_as` belong together: say both or neither")
        return self

    @override
    def names(self) -> Iterator[Named]:
        yield from super().names()
        old = Found(table_field="old")
        if self.old_key is None:
            yield Named(("key",), self.key, old)
        for index, name in enumerate(self.compare):
            yield Named(("compare", index), name, old)
        for one in self.near.compared() if self.near else ():
            yield Named(("near",), one, old)
        if self.price and self.old_price is None:
            yield Named(("price",), self.price, Found(frozenset({Kind.NUMBER, Kind.INTEGER}), "old"))

    @override
    def faults_between(
        self, columns: Columns, tables: Mapping[str, Columns]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        old = tables.get(self.old, {})
        pairs = [(("key",), self.key, self.old_key or self.key)]
        pairs += [(("compare", index), name, name) for index, name in enumerate(self.compare)]
        pairs += [(("near",), name, name) for name in (self.near.compared() if self.near else ())]
        for place, new_name, old_name in pairs:
            kinds = {columns[new_name], old.get(old_name, columns[new_name])}
            if len(kinds) > 1 and kinds != {Kind.NUMBER, Kind.INTEGER}:
                fault = f"`{new_name}` holds {columns[new_name]}, `{old_name}` in `{self.old}` holds {old[old_name]}."
                yield place, fault, "Make them the same first: the old list can have steps of its own in `tables`."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for place, fault, hint in self.near.date_faults(columns) if self.near else ():
            yield ("near", *place), fault, hint

    @override
    def words(self) -> str:
        near = ""
        if self.near:
            near = f" Rows without their counterpart are linked one to one: equal in {self.near.lines()}, and "
            near += f"{self.near.threshold:g} points or more over {len(self.near.points)} columns."
        mark = f"; mark prices that changed by more than {self.mark_over} %" if self.mark_over is not None else ""
        what = ", ".join(self.compare)
        state = f"rows are new, gone, changed (in {what}) or unchanged"
        return f"Compare the list with {self.old} by {self.key}: {state}{mark}.{near}"

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        parts = [
            (f"{name}_new", _numbered(source.table, self.key)),
            (f"{name}_old", _numbered(self.old, self.old_key or self.key)),
        ]
        more: dict[str, exp.Query] = {}
        if self.near:
            linked = _linked(self, self.near, source)
            parts += linked
            more["linked"] = query("select count(*) from :t", t=table(f"{name}_linked"))
        parts.append((name, _compared(self, source)))
        count = "select count(*) from :t where :status = :one"
        counts: dict[str, exp.Query] = {
            one: query(count, t=table(name), status=col(self.status_as), one=one)
            for one in ("new", "gone", "changed", "unchanged")
        }
        if self.marked_as:
            counts["marked"] = query("select count(*) from :t where :m", t=table(name), m=col(self.marked_as))
        repeated = query(
            "select (select count(*) from :a where _nth > 1) + (select count(*) from :b where _nth > 1)",
            a=table(f"{name}_new"),
            b=table(f"{name}_old"),
        )
        return Rows(tuple(parts), counts=counts | more | {"keys_repeated": repeated})


def _numbered(name: str, key: str) -> exp.Query:
    """Each row, and the how-maniest with its key it is."""
    return query(
        "select *, case when :k is not null then row_number() over (partition by :k order by _row) end as _nth from :t",
        k=col(key),
        t=table(name),
    )


def _on_key(step: CompareLists, source: Source) -> exp.Expr:
    old_key, old = step.old_key or step.key, source.tables[step.old]
    return sql(":nk = :ok and n._nth = o._nth", nk=col(step.key, "n"), ok=_as(source.columns[step.key], old_key, old))


def _linked(step: CompareLists, near: Pairing, source: Source) -> list[tuple[str, exp.Query]]:
    """The tables that lead to ``…_matches``: which row belongs to which, by their keys, or else by their points.

    Rows of both lists are numbered in one go: even numbers here, odd ones there.
    """
    name, old = source.name, source.tables[step.old]
    new_rows, old_rows = table(f"{name}_new", "n"), table(f"{name}_old", "o")
    by_key = query(
        "select n._row as here, o._row as there from :n full join :o on :met",
        n=new_rows,
        o=old_rows,
        met=_on_key(step, source),
    )
    alone = "select * from :t where _row in (select {0} from :m where {1} is null)"
    parts = [
        (f"{name}_by_key", by_key),
        (f"{name}_here", query(alone.format("here", "there"), t=new_rows, m=table(f"{name}_by_key"))),
        (f"{name}_there", query(alone.format("there", "here"), t=old_rows, m=table(f"{name}_by_key"))),
    ]
    here = cells_of(near, table(f"{name}_here", "n"), sql("2 * n._row"), sql("0"), lambda one: col(one, "n"))
    there = cells_of(
        near,
        table(f"{name}_there", "o"),
        sql("2 * o._row + 1"),
        sql("1"),
        lambda one: _as(source.columns[one], one, old),
    )
    pairs = pairs_among(near, f"{name}_near", here.union(there, distinct=False), sides=True)
    parts += [*pairs.tables, *groups_of(near, f"{name}_near", pairs, weakest=None, one_to_one=True)]
    linked = query(
        f"""select max(case when _row % 2 = 0 then _row // 2 end) as here,
        max(case when _row % 2 = 1 then _row // 2 end) as there from {name}_near_groups group by leader"""
    )
    matches = query(
        f"""select here, there from {name}_linked union all select here, there from {name}_by_key
        where not (there is null and here in (select here from {name}_linked))
        and not (here is null and there in (select there from {name}_linked))"""
    )
    return [*parts, (f"{name}_linked", linked), (f"{name}_matches", matches)]


def _compared(step: CompareLists, source: Source) -> exp.Query:
    from sqlglot import exp

    old = source.tables[step.old]
    old_key, old_price = step.old_key or step.key, step.old_price or step.price
    here, there = sql("n._row is not null"), sql("o._row is not null")
    chosen: list[exp.Expr] = []
    for name, kind in source.columns.items():
        in_old = old_key if name == step.key else name
        value: exp.Expr = col(name, "n")
        if in_old in old:
            value = sql("case when :here then :n else :o end", here=here, n=value, o=_as(kind, in_old, old))
        chosen.append(exp.alias_(value, name, quoted=True))
    equal = [(one, one) for one in step.compare] + ([(step.key, old_key)] if step.near else [])
    same = exp.and_(
        *(
            sql(":n is not distinct from :o", n=col(one, "n"), o=_as(source.columns[one], other, old))
            for one, other in equal
        )
    )
    text = "case when not :there then 'new' when not :here then 'gone' when :same then 'unchanged' else 'changed' end"
    made: dict[str, exp.Expr] = {step.status_as: sql(text, here=here, there=there, same=same)}
    if step.price and old_price:
        made |= _prices(step, col(step.price, "n"), col(old_price, "o"))
    chosen += [exp.alias_(made[name], name, quoted=True) for name in source.after if name in made]
    number = "select row_number() over (order by n._row is null, n._row, o._row) as _row from "
    tables = {"n": table(f"{source.name}_new", "n"), "o": table(f"{source.name}_old", "o")}
    if step.near:
        found = "as m left join :n on n._row = m.here left join :o on o._row = m.there"
        joined = query(f"{number} {source.name}_matches {found}", **tables)
    else:
        on = _on_key(step, source)
        joined = query(f"{number} :n full join :o on :met", **tables, met=on)
    return joined.select(*chosen)  # pyright: ignore[reportAttributeAccessIssue]


def _as(kind: Kind, name: str, old: Columns) -> exp.Expr:
    """A cell of the old list as what the list holds; empty where it is none. Look-ups hold text only."""
    return col(name, "o") if old[name] is kind else try_cast(col(name, "o"), kind)


def _prices(step: CompareLists, new: exp.Expr, old: exp.Expr) -> dict[str, exp.Expr]:
    before, after = millionths(old), millionths(new)
    above = sql("(:a - :b) * 100000000", a=after, b=before)
    percent = quotient(above, sql("abs(:b)", b=before), Decimal("0.01"), "half_up")
    made: dict[str, exp.Expr] = {}
    if step.old_price_as:
        made[step.old_price_as] = sql("cast(:o as decimal(18, 6))", o=old)
    if step.percent_as:
        made[step.percent_as] = percent
    if step.marked_as:
        # Not the rounded percentage: |new - old| * 100 > mark * |old|.
        text = "coalesce(abs(:a - :b) * 100000000 > :mark * abs(:b), false)"
        made[step.marked_as] = sql(text, a=after, b=before, mark=_hugeint(step.mark_over or Decimal(0)))
    return made


def _hugeint(percent: Decimal) -> exp.Expr:
    return sql("cast(:n as hugeint)", n=int(percent * 1_000_000))
