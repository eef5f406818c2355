"""Dates with a time of day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql, try_cast
from backoffice.transform.steps.dates import months_in, unknown_languages
from backoffice.transform.values.date_formats import Excel, fault_in, reading, tokens

if TYPE_CHECKING:
    from sqlglot import exp


def _format(text: str) -> str:
    if (
        fault := "a spreadsheet's number is a date: read it with `dates`"
        if text in Excel
        else fault_in(text, times=True)
    ):
        raise ValueError(fault)
    return text


def _in_zone(rows: Sequence[tuple[Any, ...]]) -> Iterable[datetime | None]:
    """Times with their distance to UTC as clocks show them in a zone."""
    from zoneinfo import ZoneInfo

    for text, zone in rows:
        try:
            yield datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        except (ValueError, OverflowError):  # no such time, or at the ends of the calendar
            yield None


IN_ZONE = Function("in_zone", [Kind.TEXT, Kind.TEXT], Kind.TIMESTAMP, _in_zone)


class Timestamps(Step):
    """Read text as dates with a time of day. The first format that fits counts; a cell that fits none is unreadable.

    What it leaves has no zone. A time that is written with one (``Z`` in the format) becomes the time in ``zone``.
    """

    step: Literal["timestamps"] = "timestamps"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    formats: tuple[Annotated[str, AfterValidator(_format)], ...] = Field(min_length=1)
    """As for `dates`, and ``hh`` (or ``h``), ``mm``, ``ss``, ``f`` for a fraction, ``AP`` for AM and PM, ``Z`` for a zone
    (``Z``, ``+02:00``). Without a time of day: midnight."""
    languages: tuple[str, ...] = ()
    pivot: int | None = Field(default=None, ge=0, le=99)
    zone: str = "UTC"
    """Like ``Europe/Vienna``."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    example: ClassVar[Example] = Example(
        """- step: timestamps
  columns: [seen]
  formats: ["YYYY-MM-DD hh:mm", "YYYY-MM-DDThh:mm:ssZ", "M/D/YYYY h:mm AP"]
  zone: Europe/Vienna
""",
        before="""\
name,seen
Ann,2026-07-01 09:30
Bo,2026-07-01T09:30:00Z
Cy,7/1/2026 12:05 AM
Di,2026-07-01 24:30
""",
        after="""\
name,seen
Ann,2026-07-01 09:30:00
Bo,2026-07-01 11:30:00
Cy,2026-07-01 00:05:00
Di,
""",
    )

    @model_validator(mode="after")
    def _all_said(self) -> Timestamps:
        parts = {part for one in self.formats for part in tokens(one)}
        if "YY" in parts and self.pivot is None:
            raise ValueError("with YY say `pivot`: the last two-digit year that means 20..")
        if "MMM" in parts and not self.languages:
            raise ValueError("with MMM say `languages`: in which the months are named")
        return self

    @override
    def words(self) -> str:
        written = f"{' or '.join(self.formats)}{months_in(self.languages)}"
        return f"Read {', '.join(self.columns)} as dates with a time of day, written {written}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind.TIMESTAMP if name in self.columns else kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        from zoneinfo import available_timezones

        yield from unknown_languages(self.languages)
        if self.zone != "UTC" and self.zone not in available_timezones():
            yield ("zone",), f"There is no time zone `{self.zone[:40]}`.", "Write it like `Europe/Vienna`."

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: self._time(col(name)) for name in self.columns}, unreadable=self.unreadable)

    def _time(self, cell: exp.Expr) -> exp.Expr:
        from sqlglot import exp

        found = exp.Case()
        for one in self.formats:
            fits, text = reading(cell, one, languages=self.languages, pivot=self.pivot)
            # DuckDB takes 24:00:00 for the next day's midnight: hours end at 23 here.
            text = sql("case when not regexp_matches(:text, ' 24:') then :text end", text=text)
            zoned = "Z" in tokens(one)
            found = found.when(fits, IN_ZONE(text, self.zone) if zoned else try_cast(text, Kind.TIMESTAMP))
        return found
