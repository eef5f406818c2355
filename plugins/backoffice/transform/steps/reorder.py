"""Reordering columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import Shape, Source


class Reorder(Step):
    """Put these columns first, in this order; the others follow as they stood."""

    step: Literal["reorder"] = "reorder"
    first: tuple[AnyColumn, ...] = Field(min_length=1)

    example: ClassVar[Example] = Example(
        """- step: reorder
  first: [town]
""",
        before="""\
name,town
Ann,Graz
""",
        after="""\
town,name
Graz,Ann
""",
    )

    @override
    def words(self) -> str:
        return f"Put the columns {', '.join(self.first)} first."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: columns[name] for name in (*self.first, *columns) if name in columns}

    @override
    def compile(self, source: Source) -> Shape:
        return Shape({name: name for name in source.after})
