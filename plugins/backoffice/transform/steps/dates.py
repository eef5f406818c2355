"""Dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql, try_cast
from backoffice.transform.values.date_formats import Excel, fault_in, month_names, reading, tokens

if TYPE_CHECKING:
    from sqlglot import exp


def _format(text: str) -> str:
    if fault := fault_in(text, times=False):
        raise ValueError(fault)
    return text


DateFormat = Annotated[str, AfterValidator(_format)]
"""``YYYY``, ``MM``, ``DD`` with exactly as many digits; ``M`` and ``D`` with one or two; ``YY`` with two, and ``pivot``;
``MMM`` for a month's name, and ``languages``; anything else as it is. ``excel``, ``excel-1904``: a spreadsheet's number."""


class Dates(Step):
    """Read text as dates. The first format that fits counts; a cell that fits none is unreadable."""

    step: Literal["dates"] = "dates"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    formats: tuple[DateFormat, ...] = Field(min_length=1)
    languages: tuple[str, ...] = ()
    """Of the months' names, two letters each: short or long, with or without a point; case does not matter."""
    pivot: int | None = Field(default=None, ge=0, le=99)
    """Two-digit years up to this one are 20.., later ones 19.."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    example: ClassVar[Example] = Example(
        """- step: dates
  columns: [since]
  formats: [YYYY-MM-DD, D.M.YYYY, D.M.YY, D. MMM YYYY, excel]
  languages: [de]
  pivot: 30
""",
        before="""\
name,since
Ann,2024-02-29
Bo,1.3.2024
Cy,30.2.2024
Di,1.3.85
Ed,7. März 2024
Fay,45352
""",
        after="""\
name,since
Ann,2024-02-29
Bo,2024-03-01
Cy,
Di,1985-03-01
Ed,2024-03-07
Fay,2024-03-01
""",
    )

    @model_validator(mode="after")
    def _all_said(self) -> Dates:
        parts = {part for one in self.formats if one not in Excel for part in tokens(one)}
        if "YY" in parts and self.pivot is None:
            raise ValueError("with YY say `pivot`: the last two-digit year that means 20..")
        if "MMM" in parts and not self.languages:
            raise ValueError("with MMM say `languages`: in which the months are named")
        return self

    @override
    def words(self) -> str:
        return (
            f"Read {', '.join(self.columns)} as dates, written {' or '.join(self.formats)}{months_in(self.languages)}."
        )

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind.DATE if name in self.columns else kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        yield from unknown_languages(self.languages)

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: self._day(col(name)) for name in self.columns}, unreadable=self.unreadable)

    def _day(self, cell: exp.Expr) -> exp.Expr:
        """Strict and portable: a format is a pattern and an order of its groups; the calendar says whether it exists.

        (``try_strptime`` with a list of formats was the slowest part of a hand-written job, and Spark has none.)
        """
        from sqlglot import exp

        found = exp.Case()
        for one in self.formats:
            if one in Excel:
                found = found.when(*serial(cell, one))
            else:
                fits, text = reading(cell, one, languages=self.languages, pivot=self.pivot)
                found = found.when(fits, try_cast(text, Kind.DATE))
        return found


def months_in(languages: tuple[str, ...]) -> str:
    """In which languages months are named, for a sentence; nothing where none is said."""
    from backoffice.transform.values.countries import called

    return f", months in {' or '.join(map(called, languages))}" if languages else ""


def unknown_languages(languages: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Languages whose months are not known, as faults of a step."""
    for place, one in enumerate(languages):
        try:
            month_names(one)
        except KeyError:
            hint = (
                did_you_mean(one, ("de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv")) or "Two letters, like `de`."
            )
            yield ("languages", place), f"The months of `{one}` are not known.", hint


def serial(cell: exp.Expr, count: str) -> tuple[exp.Expr, exp.Expr]:
    """Whether a cell is a spreadsheet's number for a day of 1900 to 9999, and that day. A time of day is cut off."""
    low, high = (61, 2_958_465) if count == "excel" else (0, 2_957_003)
    number = sql("try_cast(regexp_extract(:cell, '^([0-9]{1,7})(?:[.][0-9]+)?$', 1) as integer)", cell=cell)
    fits = sql("coalesce(:number between :low and :high, false)", number=number, low=low, high=high)
    return fits, sql("cast(:day as date) + :number", day=Excel[count], number=number)
