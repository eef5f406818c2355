"""The same in every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import Example, NewColumn, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.literals import Value, fits, literal, misfit


class Constant(Step):
    """Add columns that hold the same in every row."""

    step: Literal["constant"] = "constant"
    columns: dict[NewColumn, Value] = Field(min_length=1)
    kind: Kind = Kind.TEXT
    """What they hold."""

    example: ClassVar[Example] = Example(
        """- step: constant
  columns: {source: spring fair}
""",
        before="""\
name
Ann
Bo
""",
        after="""\
name,source
Ann,spring fair
Bo,spring fair
""",
    )
    blanks: ClassVar[str] = "There are none in the new columns."

    @override
    def words(self) -> str:
        return f"Add {', '.join(f'{name} ({value})' for name, value in self.columns.items())} to every row."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {**columns, **dict.fromkeys(self.columns, self.kind)}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for name, value in self.columns.items():
            if not fits(value, self.kind):
                yield ("columns", name), *misfit(value, self.kind, name)

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: literal(value, self.kind) for name, value in self.columns.items()}, loses=False)
