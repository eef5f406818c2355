"""Several cells in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import AnyColumn, Example, NewColumn, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.literals import as_text
from backoffice.transform.sql import col, sql


class Concatenate(Step):
    """Join the cells of several columns into a new one."""

    step: Literal["concatenate"] = "concatenate"
    columns: tuple[AnyColumn, ...] = Field(min_length=2)
    separator: str = Field(default=" ", max_length=20)
    into: NewColumn
    whole: bool = False
    """Leave the new cell empty unless all of them are filled."""

    example: ClassVar[Example] = Example(
        """- step: concatenate
  columns: [given, middle, family]
  into: name
""",
        before="""\
given,middle,family
Ann,M.,Lee
Bo,,Day
,,
""",
        after="""\
given,middle,family,name
Ann,M.,Lee,Ann M. Lee
Bo,,Day,Bo Day
,,,
""",
    )
    blanks: ClassVar[str] = "Empty cells are left out, with their separator; with `whole` one makes the new cell empty."

    @override
    def words(self) -> str:
        return f"Join {', '.join(self.columns)} into {self.into}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {**columns, self.into: Kind.TEXT}

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        texts = [as_text(col(name), source.columns[name]) for name in self.columns]
        joined = exp.func("concat_ws", exp.convert(self.separator), *texts, dialect="duckdb")
        cell = sql("nullif(:joined, '')", joined=joined)
        if self.whole:
            filled = exp.and_(*(sql(":cell is not null", cell=col(name)) for name in self.columns))
            cell = sql("case when :filled then :cell end", filled=filled, cell=cell)
        return Cells({self.into: cell}, loses=False)
