"""What of a table is delivered, and how a reader sees it: formats, totals, colours, charts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.contract.model import ColumnName, Model, TableId, Text

__all__ = [
    "RESULT",
    "CellFormat",
    "Chart",
    "Colour",
    "ColourRule",
    "DateFormat",
    "NumberFormat",
    "Part",
    "Shown",
    "Total",
    "number_format",
]

RESULT = "result"
"""The table that the SOW's ``steps`` leave."""

Fault = tuple[tuple[str | int, ...], str, str]
_NUMBERS = frozenset({Kind.NUMBER, Kind.INTEGER})
_DAYS = frozenset({Kind.DATE, Kind.TIMESTAMP})
_NUMBER = re.compile(
    r"(?P<before>[^0-9#,.%]{0,12}?)(?P<grouped>#,##)?0(?:\.(?P<places>0{1,6}))?(?P<after>[^0-9#,.]{0,12})"
)
_DATE_PARTS = r"YYYY|MM|DD|M|D|hh|mm|ss"


class NumberFormat(Model):
    """A number format, taken to pieces."""

    before: str
    grouped: bool
    places: int
    after: str

    @property
    def percent(self) -> bool:
        """Whether 0.5 is shown as 50 %."""
        return "%" in self.after


def number_format(text: str) -> NumberFormat | None:
    """``#,##0.00 €`` to its pieces; ``None``: it is none for numbers."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    places = found["places"] or ""
    return NumberFormat(
        before=found["before"], grouped=bool(found["grouped"]), places=len(places), after=found["after"]
    )


def _date_format(text: str) -> str:
    if "YYYY" not in text or re.search("[A-Za-z]", re.sub(_DATE_PARTS, "", text)) or len(text) > 40:
        raise ValueError("not a date format; use YYYY, MM (or M), DD (or D), hh, mm, ss and separators")
    if '"' in text or not text.isprintable():
        raise ValueError("a date format has no quotes and no control characters")
    return text


def _cell_format(text: str) -> str:
    if '"' in text or not text.isprintable():
        raise ValueError("a format has no quotes and no control characters")
    if number_format(text) is None and "YYYY" not in text:
        raise ValueError(
            "not a format; write numbers like `#,##0.00`, `0`, `0.0 %`, `#,##0.00 €`, dates like `DD.MM.YYYY`"
        )
    return text if number_format(text) else _date_format(text)


DateFormat = Annotated[str, AfterValidator(_date_format)]
"""``YYYY``, ``MM``, ``DD`` (``M``, ``D`` without a leading nought), ``hh``, ``mm``, ``ss``; anything else as it is."""
CellFormat = Annotated[str, AfterValidator(_cell_format)]
"""How numbers or dates look; the value stays whole. Numbers: ``0``, ``0.00``, ``#,##0.00``, ``0 %``, with words or a
currency before or after. Dates: as :data:`DateFormat`."""
Total = Literal["sum", "count", "average", "min", "max"]
Colour = Literal["red", "amber", "green", "blue", "grey"]


class Part(Model):
    """A table, or some columns of one."""

    table: TableId = RESULT
    """The result of ``steps``, one of ``tables``, or a table that a step made."""
    columns: tuple[ColumnName, ...] | None = Field(default=None, min_length=1)
    """Left out: all of the table's."""

    def chosen(self, columns: Columns) -> dict[str, Kind]:
        """Of the table's columns, those of this part, in its order."""
        return {name: columns[name] for name in self.columns or columns if name in columns}

    def faults(self, columns: Columns) -> Iterator[Fault]:
        """What does not fit the columns of the table: place in the part, fault, what to do."""
        there = self.chosen(columns)
        for loc, name, kinds in self.named():
            if name not in there:
                yield loc, f"No column is called `{name}` here.", did_you_mean(name, there) or one_of(there)
            elif kinds is not None and there[name] not in kinds:
                wanted = " or ".join(sorted(kinds))
                yield loc, f"`{name}` holds {there[name]}; this works on {wanted}.", "A step has to make it that."

    def named(self) -> Iterator[tuple[tuple[str | int, ...], str, frozenset[Kind] | None]]:
        """Every column that is named besides ``columns``: its place, its name, what it may hold."""
        yield from ()


class ColourRule(Model):
    """Cells of a column that stand out. Give one of ``is_one_of``, ``below``, ``above`` and ``blank``."""

    column: ColumnName
    colour: Colour
    is_one_of: tuple[Text, ...] | None = Field(default=None, min_length=1, max_length=20)
    below: float | None = None
    above: float | None = None
    blank: Literal[True] | None = None

    @model_validator(mode="after")
    def _one(self) -> ColourRule:
        rules = [rule for rule in (self.is_one_of, self.below, self.above, self.blank) if rule is not None]
        if len(rules) != 1:
            raise ValueError("give exactly one of `is_one_of`, `below`, `above` and `blank`")
        return self

    @property
    def kinds(self) -> frozenset[Kind] | None:
        """What the column has to hold."""
        if self.blank:
            return None
        return frozenset({Kind.TEXT}) if self.is_one_of else _NUMBERS


class Chart(Model):
    """A drawing of some columns: one mark per row, so of a table with few rows."""

    kind: Literal["bar", "line", "pie"]
    title: Text
    labels: ColumnName
    """The column that names the rows: along the axis, or the slices."""
    values: tuple[ColumnName, ...] = Field(min_length=1, max_length=6)
    rows: int = Field(default=50, ge=1, le=500)
    """The first so many rows."""

    @model_validator(mode="after")
    def _slices(self) -> Chart:
        if self.kind == "pie" and len(self.values) > 1:
            raise ValueError("a pie shows one column of values")
        return self


class Shown(Part):
    """A table as a person reads it: on a sheet or in a report."""

    formats: dict[ColumnName, CellFormat] = Field(default_factory=dict)
    totals: dict[ColumnName, Total] = Field(default_factory=dict)
    """A last row: per column ``sum``, ``count`` (filled cells), ``average``, ``min`` or ``max``."""
    colours: tuple[ColourRule, ...] = ()

    @override
    def named(self) -> Iterator[tuple[tuple[str | int, ...], str, frozenset[Kind] | None]]:
        for name, code in self.formats.items():
            yield ("formats", name), name, _NUMBERS if number_format(code) else _DAYS
        for name, total in self.totals.items():
            yield ("totals", name), name, None if total == "count" else _NUMBERS
        for index, rule in enumerate(self.colours):
            yield ("colours", index, "column"), rule.column, rule.kinds
        for index, chart in enumerate(self.drawn):
            yield ("charts", index, "labels"), chart.labels, None
            for place, name in enumerate(chart.values):
                yield ("charts", index, "values", place), name, _NUMBERS

    @property
    def drawn(self) -> tuple[Chart, ...]:
        """Its charts."""
        return getattr(self, "charts", ())
