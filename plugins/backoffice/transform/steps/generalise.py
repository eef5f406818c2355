"""Less exact values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import DateColumn, Example, NumberColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.literals import as_text
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp

_DATES = {
    "month": "lpad(year(:day)::varchar, 4, '0') || '-' || lpad(month(:day)::varchar, 2, '0')",
    "quarter": "lpad(year(:day)::varchar, 4, '0') || '-Q' || quarter(:day)::varchar",
    "year": "lpad(year(:day)::varchar, 4, '0')",
    "decade": "lpad((year(:day) - year(:day) % 10)::varchar, 4, '0') || 's'",
}


class Generalise(Step):
    """Make values less exact, so that they point at fewer people: dates to a month, numbers to a band, codes to a prefix.

    What it leaves is text: ``1980-04``, ``1980``, ``1980s``; ``20-29`` for whole numbers, ``20 to 30`` (the upper end
    not included) for others; ``80..`` for codes.
    """

    step: Literal["generalise"] = "generalise"
    dates: dict[DateColumn, Literal["month", "quarter", "year", "decade"]] = Field(default_factory=dict)
    bands: dict[NumberColumn, float] = Field(default_factory=dict)
    """How wide a band is; bands begin at 0."""
    prefixes: dict[TextColumn, int] = Field(default_factory=dict)
    """How many signs stay; each of the others becomes ``.``."""

    example: ClassVar[Example] = Example(
        """- step: dates
  columns: [born]
  formats: [YYYY-MM-DD]
- step: number
  columns: [age]
  to: integer
- step: generalise
  dates: {born: year}
  bands: {age: 10}
  prefixes: {postcode: 2}
""",
        before="""\
born,age,postcode
1980-04-09,27,8010
2001-12-31,3,1090
""",
        after="""\
born,age,postcode
1980,20-29,80..
2001,0-9,10..
""",
    )

    @model_validator(mode="after")
    def _something(self) -> Generalise:
        if not (self.dates or self.bands or self.prefixes):
            raise ValueError("say `dates`, `bands` or `prefixes`")
        return self

    @override
    def words(self) -> str:
        parts = [f"{name} to its {to}" for name, to in self.dates.items()]
        parts += [f"{name} to bands of {width:g}" for name, width in self.bands.items()]
        parts += [f"{name} to its first {keep}" for name, keep in self.prefixes.items()]
        return f"Make values less exact: {', '.join(parts)}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        named = {*self.dates, *self.bands, *self.prefixes}
        return {name: Kind.TEXT if name in named else kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for name, width in self.bands.items():
            exact = Decimal(str(width))
            if width <= 0 or exact > 10**9:
                yield ("bands", name), "A band is wider than 0, and at most 1,000,000,000 wide.", "Give its width."
            elif columns[name] is Kind.INTEGER and exact != exact.to_integral():
                yield ("bands", name), f"`{name}` holds whole numbers: so is the width.", "Write it without a fraction."
        for name, keep in self.prefixes.items():
            if not 0 <= keep <= 100:
                yield ("prefixes", name), "0 to 100 signs can stay.", "Say how many."

    @override
    def compile(self, source: Source) -> Cells:
        cells = {name: sql(_DATES[to], day=col(name)) for name, to in self.dates.items()}
        cells |= {name: _band(name, source.columns[name], width) for name, width in self.bands.items()}
        for name, keep in self.prefixes.items():
            prefix = f"substr(:cell, 1, {keep}) || repeat('.', greatest(0, length(:cell) - {keep}))"
            cells[name] = sql(prefix, cell=col(name))
        return Cells(cells, loses=False)


def _band(name: str, kind: Kind, width: float) -> exp.Expr:
    exact = Decimal(str(width))
    step = f"cast('{exact:f}' as decimal(18, 6))" if kind is Kind.NUMBER else str(int(exact))
    # The remainder has the number's sign: twice makes it the distance from the band's lower end.
    low = sql(f":cell - ((:cell % {step}) + {step}) % {step}", cell=col(name))
    if kind is Kind.INTEGER:
        return sql(f"(:low)::varchar || '-' || (:low + {step} - 1)::varchar", low=low)
    low = sql("cast(:low as decimal(18, 6))", low=low)
    high = sql(f"cast(:low + {step} as decimal(18, 6))", low=low)
    return sql(":low || ' to ' || :high", low=as_text(low, kind), high=as_text(high, kind))
