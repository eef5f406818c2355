"""Two states of one list: what is new, gone, changed."""

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
from backoffice.transform.fragment import Rows, Source
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
    """

    step: Literal["compare_lists"] = "compare_lists"
    old: TableName
    """The older state: an input, or one of the SOW's ``tables``."""
    key: AnyColumn
    old_key: OldColumn | None = None
    """Left out: called as in the list."""
    compare: tuple[AnyColumn, ...] = Field(min_length=1)
    """The columns in which a row may have changed; the old list has them by the same names."""
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
        if self.price and self.old_price is None:
            yield Named(("price",), self.price, Found(frozenset({Kind.NUMBER, Kind.INTEGER}), "old"))

    @override
    def faults_between(
        self, columns: Columns, tables: Mapping[str, Columns]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        old = tables.get(self.old, {})
        pairs = [(("key",), self.key, self.old_key or self.key)]
        pairs += [(("compare", index), name, name) for index, name in enumerate(self.compare)]
        for place, new_name, old_name in pairs:
            kinds = {columns[new_name], old.get(old_name, columns[new_name])}
            if len(kinds) > 1 and kinds != {Kind.NUMBER, Kind.INTEGER}:
                fault = f"`{new_name}` holds {columns[new_name]}, `{old_name}` in `{self.old}` holds {old[old_name]}."
                yield place, fault, "Make them the same first: the old list can have steps of its own in `tables`."

    @override
    def words(self) -> str:
        mark = f"; mark prices that changed by more than {self.mark_over} %" if self.mark_over is not None else ""
        what = ", ".join(self.compare)
        return f"Compare the list with {self.old} by {self.key}: rows are new, gone, changed (in {what}) or unchanged{mark}."

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        parts = [
            (f"{name}_new", _numbered(source.table, self.key)),
            (f"{name}_old", _numbered(self.old, self.old_key or self.key)),
            (name, _compared(self, source)),
        ]
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
        return Rows(tuple(parts), counts=counts | {"keys_repeated": repeated})


def _numbered(name: str, key: str) -> exp.Query:
    """Each row, and the how-maniest with its key it is."""
    return query(
        "select *, case when :k is not null then row_number() over (partition by :k order by _row) end as _nth from :t",
        k=col(key),
        t=table(name),
    )


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
    same = exp.and_(
        *(
            sql(":n is not distinct from :o", n=col(one, "n"), o=_as(source.columns[one], one, old))
            for one in step.compare
        )
    )
    text = "case when not :there then 'new' when not :here then 'gone' when :same then 'unchanged' else 'changed' end"
    made: dict[str, exp.Expr] = {step.status_as: sql(text, here=here, there=there, same=same)}
    if step.price and old_price:
        made |= _prices(step, col(step.price, "n"), col(old_price, "o"))
    chosen += [exp.alias_(made[name], name, quoted=True) for name in source.after if name in made]
    joined = query(
        "select row_number() over (order by n._row is null, n._row, o._row) as _row from :n full join :o"
        " on :nk = :ok and n._nth = o._nth",
        n=table(f"{source.name}_new", "n"),
        o=table(f"{source.name}_old", "o"),
        nk=col(step.key, "n"),
        ok=_as(source.columns[step.key], old_key, old),
    )
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
