"""Text in OpenDocument: every sign stays, white space too; what XML cannot hold at all becomes U+FFFD."""

from __future__ import annotations

import re

__all__ = ["escaped", "paragraphs_sql"]

_CONTROLS = [at for at in range(32) if at not in (9, 10, 13)]


def escaped(text: str) -> str:
    """A text of ours, for an element or an attribute."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", text)


def paragraphs_sql(cell: str) -> str:
    """A text cell as paragraphs: a line end begins a new one, spaces are counted, tabs are named."""
    plain = f"replace(replace(replace({cell}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')"
    rare = plain
    for at in (*_CONTROLS, 0xFFFE, 0xFFFF):
        rare = f"replace({rare}, chr({at}), chr(65533))"
    rare = f"replace(replace({rare}, chr(13) || chr(10), chr(10)), chr(13), chr(10))"
    rare = f"replace({rare}, ' ', '<text:s/>')"
    rare = f"replace(replace({rare}, chr(9), '<text:tab/>'), chr(10), '</text:p><text:p>')"
    unusual = r"[\x00-\x1f\x{FFFE}\x{FFFF}]|^ | $|  "
    rarely, seldom = f"regexp_matches({cell}, '{unusual}')", f"regexp_matches({cell}, '[&<>]')"
    text = f"CASE WHEN {rarely} THEN {rare} WHEN {seldom} THEN {plain} ELSE {cell} END"
    return f"concat('<text:p>', {text}, '</text:p>')"
