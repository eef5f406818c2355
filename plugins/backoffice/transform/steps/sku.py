"""Article references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator
from typing_extensions import override

from backoffice.contract.model import Regex
from backoffice.contract.step import Example, Family, Step, TextColumn, Unreadable
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


def _separator(text: str) -> str:
    if not re.fullmatch(r"[-_./]?", text):
        raise ValueError("a separator is `-`, `_`, `.`, `/` or nothing")
    return text


class Sku(Step):
    """Write a seller's own article references in one way: case, separators, pattern; each once if that is agreed."""

    step: Literal["sku"] = "sku"
    column: TextColumn
    case: Literal["upper", "lower", "keep"] = "upper"
    separator: Annotated[str, AfterValidator(_separator)] | None = None
    """What any run of blanks and of ``-``, ``_``, ``.``, ``/`` within becomes; at the ends they go. Left out: they stay,
    but for blanks at the ends."""
    pattern: Regex | None = None
    """What the whole reference has to look like afterwards; else it is unreadable."""
    unique: bool = False
    """Whether a reference that an earlier row has already is unreadable."""
    unreadable: Unreadable = "blank"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: sku
  column: sku
  separator: "-"
  pattern: "[A-Z]{2}-[0-9]{3}"
  unique: true
""",
        before="""\
sku,title
ab 100,Chair
AB_101,Table
AB-100,Chair
100,Lamp
,Rug
""",
        after="""\
sku,title
AB-100,Chair
AB-101,Table
,Chair
,Lamp
,Rug
""",
    )

    @override
    def words(self) -> str:
        how = {"upper": "in capitals", "lower": "in small letters", "keep": "in the case they have"}[self.case]
        if self.separator is not None:
            how += f", with {self.separator or 'no sign'} as separator" if self.separator else ", without separators"
        rule = f"; each has to look like {self.pattern}" if self.pattern else ""
        once = "; each may be there once" if self.unique else ""
        return f"Write the article references in {self.column} {how}{rule}{once}."

    @override
    def compile(self, source: Source) -> Cells:
        found = self._written()
        if self.pattern:
            text = "case when regexp_full_match(:c, :p) then :c end"
            found = sql(text, c=found, p=self.pattern)
        if self.unique:
            text = "case when row_number() over (partition by :c order by :row) = 1 then :c end"
            found = sql(text, c=found, row=col(ROW))
        return Cells({self.column: found}, unreadable=self.unreadable)

    def _written(self) -> exp.Expr:
        cell: exp.Expr = col(self.column)
        if self.separator is None:
            found = sql("trim(:c)", c=cell)
        else:
            text = r"regexp_replace(regexp_replace(:c, '^[\s\p{Z}_./-]+|[\s\p{Z}_./-]+$', '', 'g'), :any, :one, 'g')"
            found = sql(text, c=cell, any=r"[\s\p{Z}_./-]+", one=self.separator)
        cased = {"upper": "upper(:c)", "lower": "lower(:c)", "keep": ":c"}[self.case]
        return sql("nullif(:c, '')", c=sql(cased, c=found))
