"""Dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


def _format(text: str) -> str:
    parts = re.findall(r"YYYY|MM?|DD?|.", text)
    known = sorted(part[0] for part in parts if part[0] in "YMD")
    if known != ["D", "M", "Y"] or re.search("[A-Za-z]", re.sub(r"YYYY|MM?|DD?", "", text)):
        raise ValueError("not a date format; use YYYY, MM (or M) and DD (or D), each once, and separators")
    return text


DateFormat = Annotated[str, AfterValidator(_format)]
"""``YYYY``, ``MM``, ``DD`` with exactly as many digits; ``M`` and ``D`` with one or two; anything else as it is."""


class Dates(Step):
    """Write dates as YYYY-MM-DD. The first format that fits counts; a cell that fits none is blanked and counted."""

    step: Literal["dates"] = "dates"
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    formats: tuple[DateFormat, ...] = Field(min_length=1)

    @override
    def words(self) -> str:
        return f"Write {', '.join(self.columns)} as YYYY-MM-DD, from {' or '.join(self.formats)}; blank any other."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("columns", self.columns)
