"""Articles and their variants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Regex
from backoffice.contract.step import AnyColumn, Example, Family, Made, NewColumn, NewTable, Step, TextColumn
from backoffice.transform.fragment import Rows, Source
from backoffice.transform.sql import col, query, sql, table

if TYPE_CHECKING:
    from sqlglot import exp

SEPARATOR = "|"


class Variants(Step):
    """Find out which rows are variants of one article, and by what: size, colour.

    The first group of the pattern is the article, the others are its attributes, in their order. A reference that does not
    have that form is an article of its own, without attributes; such rows are counted.
    """

    step: Literal["variants"] = "variants"
    column: TextColumn
    pattern: Regex
    """A regular expression for the whole reference, with a group in parentheses for the article and for each attribute."""
    article_as: NewColumn
    attributes: tuple[NewColumn, ...] = Field(min_length=1)
    number_as: Annotated[ColumnName, Made(Kind.INTEGER)] | None = None
    """How many rows the article has."""
    parents_to: NewTable | None = None
    """A table with one row for each article: its number of variants, and which attributes it comes in (``S|M|L``)."""
    parent_columns: tuple[AnyColumn, ...] = ()
    """What of the article's first row goes into that table, like its title."""

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: variants
  column: sku
  pattern: "([A-Z0-9]+)-(S|M|L)-([a-z]+)"
  article_as: article
  attributes: [size, colour]
  parents_to: articles
  parent_columns: [title]
""",
        before="""\
sku,title
T10-S-red,T-shirt
T10-M-red,T-shirt
T10-M-blue,T-shirt
MUG,Mug
""",
        after="""\
sku,title,article,size,colour
T10-S-red,T-shirt,T10,S,red
T10-M-red,T-shirt,T10,M,red
T10-M-blue,T-shirt,T10,M,blue
MUG,Mug,MUG,,
""",
        made={
            "articles": """article,variants,size,colour,title
T10,3,S|M,red|blue,T-shirt
MUG,1,,,Mug
"""
        },
    )
    blanks: ClassVar[str] = "A row without a reference belongs to no article."

    @model_validator(mode="after")
    def _groups(self) -> Variants:
        groups = re.compile(self.pattern).groups
        if groups != 1 + len(self.attributes):
            wanted = f"one for the article and one for each of {len(self.attributes)} attributes"
            raise ValueError(f"the pattern has {groups} groups, not {wanted}; write other parentheses as `(?:…)`")
        if self.parent_columns and not self.parents_to:
            raise ValueError("`parent_columns` belongs to `parents_to`")
        return self

    @override
    def words(self) -> str:
        also = f"; list the articles in {self.parents_to}" if self.parents_to else ""
        which = ", ".join(self.attributes)
        return f"Read the article ({self.article_as}) and its {which} out of {self.column}{also}."

    @override
    def tables_made(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, dict[str, Kind]]:
        if not self.parents_to:
            return {}
        made = {self.article_as: Kind.TEXT, "variants": Kind.INTEGER} | dict.fromkeys(self.attributes, Kind.TEXT)
        return {self.parents_to: made | {name: columns[name] for name in self.parent_columns if name in columns}}

    @override
    def compile(self, source: Source) -> Rows:
        name = source.name
        parts = [(f"{name}_read", _read(self, source)), (name, _counted(self, source))]
        lonely = query(
            "select count(*) from :t where not _fits and :c is not null", t=table(f"{name}_read"), c=col(self.column)
        )
        return Rows(tuple(parts), counts={"without_variant": lonely}, sides=_parents(self, source))


def _read(step: Variants, source: Source) -> exp.Query:
    from sqlglot import exp

    cell = col(step.column)
    fits = sql("coalesce(regexp_full_match(:c, :p), false)", c=cell, p=step.pattern)
    whole = f"^(?:{step.pattern})$"
    chosen: list[exp.Expr] = [col("_row"), *map(col, source.columns)]
    for group, name in enumerate((step.article_as, *step.attributes), start=1):
        part = sql("nullif(regexp_extract(:c, :p, :g), '')", c=cell, p=whole, g=group)
        rest = cell if group == 1 else exp.null()
        value = sql("case when :f then :part else :rest end", f=fits, part=part, rest=rest)
        chosen.append(exp.alias_(value, name, quoted=True))
    chosen.append(exp.alias_(fits, "_fits", quoted=True))
    return exp.select(*chosen).from_(table(source.table))


def _counted(step: Variants, source: Source) -> exp.Query:
    from sqlglot import exp

    chosen: list[exp.Expr] = [col("_row")]
    for name in source.after:
        if name == step.number_as:
            text = "case when :a is not null then count(*) over (partition by :a) end"
            chosen.append(exp.alias_(sql(text, a=col(step.article_as)), name, quoted=True))
        else:
            chosen.append(col(name))
    return exp.select(*chosen).from_(table(f"{source.name}_read"))


def _parents(step: Variants, source: Source) -> dict[str, exp.Query]:
    """One row for each article, in the order of the file; an attribute's values in the order of their first row."""
    from sqlglot import exp

    if not step.parents_to:
        return {}
    chosen: list[exp.Expr] = [sql("min(_row) as _row"), col(step.article_as), sql("count(*) as variants")]
    for name in step.attributes:
        text = "nullif(array_to_string(list_distinct_in_order, :sep), '')"
        value = sql(text.replace("list_distinct_in_order", _IN_ORDER), sep=SEPARATOR, c=col(name))
        chosen.append(exp.alias_(value, name, quoted=True))
    for name in step.parent_columns:
        chosen.append(exp.alias_(sql("arg_min_null(:c, _row)", c=col(name)), name, quoted=True))
    grouped = exp.select(*chosen).from_(table(source.name)).where(sql(":a is not null", a=col(step.article_as)))
    return {step.parents_to: grouped.group_by(col(step.article_as)).order_by(sql("min(_row)"))}


_IN_ORDER = (
    "list_filter(list(:c order by _row), lambda v, i: v is not null and list_position(list(:c order by _row), v) = i)"
)
