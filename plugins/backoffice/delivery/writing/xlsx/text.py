"""Text in XML, in Python and in SQL."""

from __future__ import annotations

import re

__all__ = ["escaped", "escaped_sql"]

_CONTROLS = [at for at in range(32) if at not in (9, 10)]
# What XML cannot hold, and what would read as Excel's way of writing that: `_x0007_`.
_UNUSUAL = r"[\x00-\x08\x0b-\x1f\x{FFFE}\x{FFFF}]|_x[0-9A-Fa-f]{4}_"


def escaped(text: str) -> str:
    """A text of ours, for an element or an attribute."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return re.sub(r"[\x00-\x1f]", lambda found: f"&#{ord(found[0])};" if found[0] in "\t\n\r" else "", text)


def escaped_sql(cell: str) -> str:
    """A text cell for an element, with Excel's ``_xHHHH_`` for signs that XML cannot hold."""
    plain = f"replace(replace(replace({cell}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
    rare = f"regexp_replace({plain}, '_(x[0-9A-Fa-f]{{4}}_)', '_x005F_\\1', 'g')"
    for at in (*_CONTROLS, 0xFFFE, 0xFFFF):
        rare = f"replace({rare}, chr({at}), '_x{at:04X}_')"
    needed = f"regexp_matches({cell}, '[&<>]')"
    return f"CASE WHEN regexp_matches({cell}, '{_UNUSUAL}') THEN {rare} WHEN {needed} THEN {plain} ELSE {cell} END"
