"""Choosing columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import Shape, Source


class Select(Step):
    """Keep these columns, in this order."""

    step: Literal["select"] = "select"
    columns: tuple[AnyColumn, ...] = Field(min_length=1)

    example: ClassVar[Example] = Example(
        """- step: select
  columns: [town, name]
""",
        before="""\
name,town,note
Ann,Graz,x
""",
        after="""\
town,name
Graz,Ann
""",
    )

    @override
    def words(self) -> str:
        return f"Keep the columns {', '.join(self.columns)}, in this order."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: columns[name] for name in self.columns if name in columns}

    @override
    def compile(self, source: Source) -> Shape:
        return Shape({name: name for name in source.after})
