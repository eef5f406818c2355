"""Exact duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.step import AnyColumn, Example, NewColumn, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.merging import listing, most_complete_first
from backoffice.transform.sql import col, filled, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class DropDuplicates(Step):
    """Of rows that are equal, keep the most complete; of equally complete ones, the first.

    ``by`` names the columns that make rows equal; a row with an empty one of them equals no other. ``ignore`` names the
    columns that do not matter; all others have to be equal, and empty cells equal empty cells. Neither: all columns.
    """

    step: Literal["drop_duplicates"] = "drop_duplicates"
    by: tuple[AnyColumn, ...] | None = Field(default=None, min_length=1)
    ignore: tuple[AnyColumn, ...] | None = Field(default=None, min_length=1)
    ids: AnyColumn | None = None
    """The client's own reference, to list what was merged."""
    list_as: NewColumn | None = None
    """The column that lists the references of merged rows, joined by ``;``. Empty where nothing was merged."""

    example: ClassVar[Example] = Example(
        """- step: drop_duplicates
  by: [name, town]
  ids: id
  list_as: merged
""",
        before="""\
id,name,town,phone
1,Ann,Graz,
2,Ann,Graz,0316 1
3,Bo,,
""",
        after="""\
id,name,town,phone,merged
2,Ann,Graz,0316 1,1;2
3,Bo,,,
""",
    )
    blanks: ClassVar[str] = "A row with an empty cell in `by` equals no other; elsewhere empty equals empty."

    @model_validator(mode="after")
    def _belongs_together(self) -> DropDuplicates:
        if self.by and self.ignore:
            raise ValueError("say `by` or `ignore`, not both")
        if (self.ids is None) != (self.list_as is None):
            raise ValueError("`ids` and `list_as` belong together: say both or neither")
        return self

    @override
    def words(self) -> str:
        if self.by:
            equal = f"equal in {', '.join(self.by)}"
        else:
            equal = "equal" + (f" but for {', '.join(self.ignore)}" if self.ignore else "")
        return f"Of rows that are {equal}, keep the most complete."

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        keys = self.by or tuple(one for one in source.columns if one not in (self.ignore or ()) and one != self.list_as)
        tables = (
            (f"{name}_repeated", _repeated(keys, source, whole=self.by is not None)),
            (f"{name}_groups", _groups(self, keys, source)),
            (name, _survivors(self, source)),
        )
        return Rows(tables, dropped=None if self.list_as else _merged(name), marks={"_same": _hash(keys)})


def _hash(keys: tuple[str, ...]) -> exp.Expr:
    """What equal rows have in common."""
    from sqlglot import exp

    return exp.Anonymous(this="hash", expressions=[col(one) for one in keys])


def _repeated(keys: tuple[str, ...], source: Source, *, whole: bool) -> exp.Query:
    """Rows that may be equal to another: a hash keeps the memory small; what follows compares the cells themselves.

    A row with an empty key (``whole``), or with nothing but empty ones, is equal to no other.
    """
    from sqlglot import exp

    comparable = (exp.and_ if whole else exp.or_)(*map(filled, keys))
    key = _hash(keys)
    again = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.convert(1))
    often = exp.select(key).from_(table(source.table)).group_by(key.copy()).having(again)
    return exp.select("*").from_(table(source.table)).where(comparable, key.copy().isin(query=often))


def _groups(step: DropDuplicates, keys: tuple[str, ...], source: Source) -> exp.Query:
    from sqlglot import exp

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


def _merged(name: str) -> exp.Select:
    """All rows of a group but its survivor."""
    from sqlglot import exp

    members = exp.alias_(exp.Anonymous(this="unnest", expressions=[exp.column("members")]), ROW, quoted=True)
    every = exp.select(members, exp.column("survivor")).from_(table(f"{name}_groups"))
    return exp.select(col(ROW)).from_(every.subquery("all")).where(sql(":row <> survivor", row=col(ROW)))


def _survivors(step: DropDuplicates, source: Source) -> exp.Query:
    from sqlglot import exp

    survivor = exp.column("survivor", table="g")
    chosen: list[exp.Expr] = []
    for one in (ROW, *source.after):
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
