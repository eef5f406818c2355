"""Parts of the names of files and folders that every system takes, and that a person can still read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["part_of", "parts"]

_LONGEST = 80
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
"""What Windows takes for devices."""


def part_of(text: str) -> str:
    """ASCII letters, digits, ``-``, ``_`` and ``.``; all else becomes ``-``. Empty where nothing is left."""
    from anyascii import anyascii

    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", anyascii(text))
    plain = re.sub(r"-*([._])-*", r"\1", re.sub(r"\.{2,}", ".", re.sub(r"-{2,}", "-", plain)))
    plain = plain.strip("-._")[:_LONGEST].strip("-._")
    return f"{plain}_" if _RESERVED.match(plain) else plain


def parts(rows: Sequence[tuple[str]]) -> Iterable[str | None]:
    """:func:`part_of` for many cells."""
    return [part_of(text) or None for (text,) in rows]
