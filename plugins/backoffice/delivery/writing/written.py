"""What writing gives, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backoffice.errors import BackofficeError

__all__ = ["NotWritable", "Written"]


@dataclass(frozen=True)
class Written:
    """What was written. Counts only."""

    rows: int
    """Of the main table."""
    bytes: int
    escaped: int = 0
    """Cells that look like formulas: in CSV they have an apostrophe, in workbooks they are marked as text."""
    replaced: int = 0
    """Signs that the encoding does not have, and that were written as others."""
    as_text: int = 0
    """Numbers of more than 15 digits and dates before March 1900, which a workbook holds as text or not at all."""

    @classmethod
    def of(cls, parts: Iterable[Written], size: int) -> Written:
        """Several parts as one file of ``size`` bytes."""
        every = list(parts)
        sums = {name: sum(getattr(one, name) for one in every) for name in ("escaped", "replaced", "as_text")}
        return cls(rows=every[0].rows if every else 0, bytes=size, **sums)


class NotWritable(BackofficeError):
    """The format cannot hold the table; says what to do about it."""
