"""Renaming columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import Shape, Source


class Rename(Step):
    """Give columns other names; ``columns`` maps old to new."""

    step: Literal["rename"] = "rename"
    columns: dict[AnyColumn, ColumnName] = Field(min_length=1)

    example: ClassVar[Example] = Example(
        """- step: rename
  columns: {town: city}
""",
        before="""\
name,town
Ann,Graz
""",
        after="""\
name,city
Ann,Graz
""",
    )

    @override
    def words(self) -> str:
        return f"Rename {', '.join(f'{old} to {new}' for old, new in self.columns.items())}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {self.columns.get(name, name): kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        seen: set[str] = set()
        for name in columns:
            new = self.columns.get(name, name)
            if new.casefold() in seen:
                yield (), f"After this step two columns are called `{new}`.", "Each name may be there once."
            seen.add(new.casefold())

    @override
    def compile(self, source: Source) -> Shape:
        return Shape({self.columns.get(name, name): name for name in source.columns})
