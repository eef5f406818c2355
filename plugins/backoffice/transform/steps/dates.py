"""Dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql, try_cast

if TYPE_CHECKING:
    from sqlglot import exp

_DIGITS = {"YYYY": "[0-9]{4}", "MM": "[0-9]{2}", "DD": "[0-9]{2}", "M": "[0-9]{1,2}", "D": "[0-9]{1,2}"}


def _format(text: str) -> str:
    parts = re.findall(r"YYYY|MM?|DD?|.", text)
    known = sorted(part[0] for part in parts if part[0] in "YMD")
    if known != ["D", "M", "Y"] or re.search("[A-Za-z]", re.sub(r"YYYY|MM?|DD?", "", text)):
        raise ValueError("not a date format; use YYYY, MM (or M) and DD (or D), each once, and separators")
    return text


DateFormat = Annotated[str, AfterValidator(_format)]
"""``YYYY``, ``MM``, ``DD`` with exactly as many digits; ``M`` and ``D`` with one or two; anything else as it is."""


class Dates(Step):
    """Read text as dates. The first format that fits counts; a cell that fits none is unreadable."""

    step: Literal["dates"] = "dates"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    formats: tuple[DateFormat, ...] = Field(min_length=1)
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    example: ClassVar[Example] = Example(
        """- step: dates
  columns: [since]
  formats: [YYYY-MM-DD, D.M.YYYY]
""",
        before="""\
name,since
Ann,2024-02-29
Bo,1.3.2024
Cy,30.2.2024
""",
        after="""\
name,since
Ann,2024-02-29
Bo,2024-03-01
Cy,
""",
    )

    @override
    def words(self) -> str:
        return f"Read {', '.join(self.columns)} as dates, written {' or '.join(self.formats)}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind.DATE if name in self.columns else kind for name, kind in columns.items()}

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
            pattern, order = _pattern(one)
            text = sql("regexp_replace(:cell, :pattern, :order)", cell=cell, pattern=f"^{pattern}$", order=order)
            fits = sql("regexp_full_match(:cell, :pattern)", cell=cell, pattern=pattern)
            found = found.when(fits, try_cast(text, Kind.DATE))
        return found


def _pattern(written: str) -> tuple[str, str]:
    parts = re.findall(r"YYYY|MM?|DD?|.", written)
    pattern, groups = "", []
    for part in parts:
        if part in _DIGITS:
            groups.append(part[0])
            pattern += f"({_DIGITS[part]})"
        else:
            pattern += re.escape(part)
    place = {letter: index for index, letter in enumerate(groups, start=1)}
    return pattern, rf"\{place['Y']}-\{place['M']}-\{place['D']}"
