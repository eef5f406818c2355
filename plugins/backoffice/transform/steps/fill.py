"""Filling empty cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.literals import Value, fits, literal, misfit
from backoffice.transform.sql import call, col, sql

if TYPE_CHECKING:
    from sqlglot import exp


class Fill(Step):
    """Fill empty cells: with a constant, from another column of the row, or from a row above."""

    step: Literal["fill"] = "fill"
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    value: Value | None = None
    from_columns: tuple[AnyColumn, ...] = ()
    """The first of these that is filled."""
    previous: bool = False
    """From the nearest row above in which the cell is filled: for lists in which a value stands once, at the top."""
    within: tuple[AnyColumn, ...] = ()
    """With ``previous``: only rows that agree in these."""

    example: ClassVar[Example] = Example(
        """- step: fill
  columns: [town]
  previous: true
- step: fill
  columns: [phone]
  from_columns: [mobile]
- step: fill
  columns: [phone]
  value: none given
""",
        before="""\
town,name,phone,mobile
Graz,Ann,1,
,Bo,,2
Ulm,Cy,,
""",
        after="""\
town,name,phone,mobile
Graz,Ann,1,
Graz,Bo,2,2
Ulm,Cy,none given,
""",
    )
    blanks: ClassVar[str] = "They are what it fills; where there is nothing to fill them with, they stay empty."

    @model_validator(mode="after")
    def _one_way(self) -> Fill:
        if (self.value is not None) + bool(self.from_columns) + self.previous != 1:
            raise ValueError("say exactly one of `value`, `from_columns`, `previous`")
        if self.within and not self.previous:
            raise ValueError("`within` belongs to `previous`")
        return self

    @override
    def words(self) -> str:
        how = f"with {self.value}" if self.value is not None else f"from {', then '.join(self.from_columns)}"
        if self.previous:
            how = "from the nearest row above" + (f" with the same {' and '.join(self.within)}" if self.within else "")
        return f"Fill empty cells of {', '.join(self.columns)} {how}."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for place, name in enumerate(self.columns):
            kind = columns[name]
            if self.value is not None and not fits(self.value, kind):
                yield ("value",), *misfit(self.value, kind, name)
            for other in self.from_columns:
                if columns[other] != kind:
                    fault = f"`{name}` holds {kind}, `{other}` holds {columns[other]}."
                    yield ("columns", place), fault, "Make them the same first, with `text`, `number` or `dates`."
            if name in self.within:
                yield ("within",), f"`{name}` cannot be filled within itself.", "Take it out of one of them."

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: self._filled(name, source) for name in self.columns}, loses=False)

    def _filled(self, name: str, source: Source) -> exp.Expr:
        if self.value is not None:
            return call("coalesce", col(name), literal(self.value, source.columns[name]))
        if self.from_columns:
            return call("coalesce", col(name), *map(col, self.from_columns))
        text = "last_value(:cell ignore nulls) over (order by :row rows between unbounded preceding and current row)"
        above = sql(text, cell=col(name), row=col(ROW))
        above.set("partition_by", [col(one) for one in self.within])
        return above
