"""What a column holds, known before any file is read: so a SOW that cannot work is found at ``sow check``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Columns", "Kind"]


class Kind(StrEnum):
    """What every filled cell of a column is. What a file brings is text; steps make the rest of it."""

    TEXT = "text"
    INTEGER = "integer"
    """A whole number of at most 18 digits."""
    NUMBER = "number"
    """An exact number: 12 digits before the point and 6 after. Money is never a binary fraction."""
    DATE = "date"
    TIMESTAMP = "timestamp"
    """A day and a time of day, without a zone."""
    BOOLEAN = "boolean"


Columns = Mapping[str, Kind]
"""The columns of a table, in their order."""
