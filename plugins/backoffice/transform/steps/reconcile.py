"""Two lists that should agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import (
    AnyColumn,
    DateColumn,
    Example,
    Family,
    Found,
    Made,
    NewColumn,
    NumberColumn,
    Step,
    TableName,
)
from backoffice.transform.fragment import Rows, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import cast, col, query, sql, table, try_cast
from backoffice.transform.values.rounding import millionths

if TYPE_CHECKING:
    from sqlglot import exp


def _matches(rows: Sequence[tuple[str, str, int, int, bool, bool]]) -> list[str]:
    from backoffice.transform.values.matching import matches

    return matches(rows)


MATCHES = Function(
    "matching_items",
    [Kind.TEXT, Kind.TEXT, Kind.INTEGER, Kind.INTEGER, Kind.BOOLEAN, Kind.BOOLEAN],
    Kind.TEXT,
    _matches,
)

OtherColumn = Annotated[ColumnName, Found(table_field="other")]


class Reconcile(Step):
    """Match the rows of two lists, one to one: by a key if there is one, by amount, and by day if it is said.

    Equal amounts go first, on the same day, then on days further apart; then amounts within the tolerance, the nearest first;
    of equally near ones the earlier row. What is left under one key matches as a sum where it is one row on one side and
    several on the other that make up its amount; what then is left on both sides differs.

    Every row of both lists stands in the result once: a match in one row, then what is only in the other list. So the
    columns add up to the lists' own totals, and the differences to the difference of the two.
    """

    step: Literal["reconcile"] = "reconcile"
    other: TableName
    key: AnyColumn | None = None
    """What both lists call one thing: a number of an invoice. Left out: amounts and days alone decide."""
    other_key: OtherColumn | None = None
    amount: NumberColumn
    other_amount: OtherColumn
    """A number, or text that is one, like ``-1234.50``."""
    day: DateColumn | None = None
    other_day: OtherColumn | None = None
    """A date, or text like ``2026-03-31``."""
    tolerance: Decimal = Field(default=Decimal(0), ge=0, le=1_000_000, decimal_places=6)
    """How much two amounts may differ and still match."""
    days: int = Field(default=0, ge=0, le=366)
    """How many days they may be apart."""
    sums: bool = False
    """Whether several rows may match one, by their key."""
    take: dict[OtherColumn, NewColumn] = Field(min_length=1)
    """Columns of the other list, and what they are called in the result."""
    status_as: NewColumn
    """``matched``, ``sum``, ``differs``, ``only_here``, ``only_there``."""
    difference_as: Annotated[ColumnName, Made(Kind.NUMBER)] | None = None
    """This list's amount less the other's; of a sum in its first row."""
    match_as: Annotated[ColumnName, Made(Kind.INTEGER)] | None = None
    """A number that rows of one match share."""

    family: ClassVar[Family] = "transactions"
    example: ClassVar[Example] = Example(
        """- step: prices
  column: value
  amount_as: amount
- step: reconcile
  other: bank
  key: invoice
  other_key: reference
  amount: amount
  other_amount: paid
  tolerance: 0.05
  sums: true
  take: {paid: paid}
  status_as: status
  difference_as: difference
""",
        before="""\
invoice,value
R1,100.00
R2,50.00
R3,20.00
R4,75.00
R5,10.00
""",
        after="""\
invoice,value,amount,paid,status,difference
R1,100.00,100.000000,100.00,matched,0.000000
R2,50.00,50.000000,49.98,matched,0.020000
R3,20.00,20.000000,25.00,differs,-5.000000
R4,75.00,75.000000,50.00,sum,0.000000
,,,25.00,sum,
R5,10.00,10.000000,,only_here,10.000000
,,,8.00,only_there,-8.000000
""",
        tables={
            "bank": """reference,paid
R4,50.00
R3,25.00
R1,100.00
R4,25.00
R9,8.00
R2,49.98
"""
        },
    )
    blanks: ClassVar[str] = "A row without a key is in its list only; one without an amount or a day matches no other."

    @model_validator(mode="after")
    def _belongs_together(self) -> Reconcile:
        for one, other in (("key", "other_key"), ("day", "other_day")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"`{one}` and `{other}` belong together: say both or neither")
        if self.days and not self.day:
            raise ValueError("`days` needs `day` and `other_day`")
        if self.sums and not self.key:
            raise ValueError("`sums` needs a `key`: without one, sums that fit by chance would match")
        return self

    @override
    def words(self) -> str:
        by = [f"{self.key}"] if self.key else []
        by.append(f"{self.amount} (within {self.tolerance.normalize():f})" if self.tolerance else f"{self.amount}")
        by += [f"{self.day} (within {self.days} days)"] if self.day else []
        return f"Match the rows with those of {self.other}, one to one, by {', '.join(by)}; say what has no match or differs."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        after = super().columns_after(columns, tables)
        there = tables.get(self.other, {})
        return after | {new: there.get(old, Kind.TEXT) for old, new in self.take.items()}

    @override
    def faults_between(
        self, columns: Columns, tables: Mapping[str, Columns]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        there = tables.get(self.other, {})
        if self.key and self.other_key and there.get(self.other_key, columns[self.key]) is not columns[self.key]:
            holds = f"`{self.other_key}` in `{self.other}` holds {there[self.other_key]}"
            fault = f"`{self.key}` holds {columns[self.key]}, {holds}."
            yield (
                ("other_key",),
                fault,
                "Make them the same first: the other list can have steps of its own in `tables`.",
            )
        if self.other_day and there.get(self.other_day, Kind.TEXT) not in (Kind.TEXT, Kind.DATE, Kind.TIMESTAMP):
            yield ("other_day",), f"`{self.other_day}` in `{self.other}` holds {there[self.other_day]}, no days.", ""

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        parts = [
            (f"{name}_here", _items(source.table, self.key, sql(":c", c=col(self.amount)), self.day)),
            (f"{name}_there", _items(self.other, self.other_key, _other_amount(self), self.other_day)),
            (f"{name}_found", _found(self, source)),
            (name, _result(self, source)),
        ]
        counts = {
            status: query("select count(*) from :t where :s = :one", t=table(name), s=col(self.status_as), one=status)
            for status in ("matched", "sum", "differs", "only_here", "only_there")
        }
        unreadable = query(
            "select count(*) from :t where :a is not null and :n is null",
            t=table(self.other),
            a=col(self.other_amount),
            n=_other_amount(self),
        )
        return Rows(tuple(parts), counts=counts | {"amounts_unreadable": unreadable})


def _other_amount(step: Reconcile) -> exp.Expr:
    return try_cast(col(step.other_amount), Kind.NUMBER)


def _items(name: str, key: str | None, amount: exp.Expr, day: str | None) -> exp.Query:
    """The list's items under each key, as text. A row without a key, where there are keys, has one that no other has."""
    from sqlglot import exp

    keyed = cast(col(key), Kind.TEXT) if key else sql("''")
    alone = sql("case when :k is null then _row end", k=keyed)
    counted = sql("date_diff('day', date '2000-01-01', try_cast(:d as date))", d=col(day)) if day else sql("null")
    text = """string_agg(_row || ' ' || coalesce(cast(:a as varchar), '') || ' ' || coalesce(cast(:d as varchar), ''), ';'
    order by _row) as items"""
    items = sql(text, a=millionths(amount), d=counted)
    grouped = exp.select(exp.alias_(keyed, "k"), exp.alias_(alone, "alone"), items).from_(table(name))
    return grouped.group_by(keyed.copy(), alone.copy())


def _found(step: Reconcile, source: Source) -> exp.Query:
    """A row for each row of either list: the two rows' numbers, the status, the anchor."""
    lists = MATCHES(
        sql("coalesce(h.items, '')"),
        sql("coalesce(o.items, '')"),
        int(step.tolerance * 1_000_000),
        step.days if step.day else -1,
        step.sums,
        step.key is not None,
    )
    # Rows without a key never meet: NULL equals nothing.
    pairs = query(
        "select unnest(string_split(:lists, ';')) as line from :h full join :o on h.k = o.k",
        lists=lists,
        h=table(f"{source.name}_here", "h"),
        o=table(f"{source.name}_there", "o"),
    )
    text = """select try_cast(split_part(line, ',', 1) as bigint) as here,
    try_cast(split_part(line, ',', 2) as bigint) as there, split_part(line, ',', 3) as status,
    try_cast(split_part(line, ',', 4) as bigint) as anchor from :pairs"""
    return query(text, pairs=pairs.subquery("pairs"))


def _result(step: Reconcile, source: Source) -> exp.Query:
    from sqlglot import exp

    order = "f.anchor is null and f.here is null, coalesce(f.anchor, f.here), f.here nulls last, f.there"
    renamed = {new: old for old, new in step.take.items()}
    wide = "cast(coalesce(:x, 0) as decimal(38, 6))"
    here = sql(wide, x=col(step.amount, "h"))
    there = sql(wide, x=try_cast(col(step.other_amount, "o"), Kind.NUMBER))
    total = (
        "sum(:a - :b) over (partition by f.anchor, case when f.anchor is null then f.here end,"
        " case when f.anchor is null then f.there end)"
    )
    first = "row_number() over (partition by f.anchor order by f.here nulls last, f.there) = 1"
    difference = sql(
        f"try_cast(case when f.anchor is null or {first} then {total} end as decimal(18, 6))", a=here, b=there
    )
    number = sql("case when f.anchor is not null then dense_rank() over (order by f.anchor nulls last) end")
    made = {
        step.status_as: sql("f.status"),
        step.difference_as: difference,
        step.match_as: number,
    }
    chosen: list[exp.Expr] = [exp.alias_(sql(f"row_number() over (order by {order})"), "_row", quoted=True)]
    for name in source.after:
        value = made.get(name) or (col(renamed[name], "o") if name in renamed else col(name, "h"))
        chosen.append(exp.alias_(value, name, quoted=True))
    found = exp.select(*chosen).from_(table(f"{source.name}_found", "f"))
    found = found.join(table(source.table, "h"), on=sql("f.here = h._row"), join_type="left")
    return found.join(table(step.other, "o"), on=sql("f.there = o._row"), join_type="left")
