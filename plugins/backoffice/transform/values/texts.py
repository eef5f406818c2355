"""Descriptions: HTML to text, without running or fetching anything; signs that nobody sees; quotes; length at a word.

Elements and void or block behaviour are those of the HTML standard (WHATWG, section 4). One pass from left to right: no
input makes it slower than its length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import unescape

__all__ = ["cleaned", "cleaned_many", "without_html"]

_BLOCK = frozenset(
    """address article aside blockquote body br dd details dialog div dl dt fieldset figcaption figure footer form h1 h2
    h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section summary table tbody tfoot thead tr ul
    video audio""".split()  # noqa: SIM905
)
_CELL = frozenset({"td", "th"})
_INLINE = frozenset(
    """a abbr acronym area b base bdi bdo big button canvas caption center cite code col colgroup data datalist del dfn em
    embed font frame frameset i iframe img input ins kbd label link map mark meta meter nobr noscript object optgroup
    output param picture progress q rp rt ruby s samp select slot small source span strike strong sub sup svg time tt u
    var wbr path g rect circle line polygon text""".split()  # noqa: SIM905
)
_UNSEEN = frozenset({"script", "style", "template", "textarea", "title", "noembed", "noframes", "xmp"})

_TAG = re.compile(
    r"""</?(?P<name>[A-Za-z][A-Za-z0-9]*(?P<more>[-:][A-Za-z0-9:._-]*)?)"""
    r"""(?:[\s/](?:[^"'<>]|"[^"]*"|'[^']*')*|)>"""
)
_ODD = re.compile(r"<(?:!|\?)(?:doctype|xml)[^<>]*>", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[", re.IGNORECASE)
_ESCAPES = re.compile(r"&(?:amp;)+", re.IGNORECASE)

_TOO_DEEP = 4
"""How often text may be HTML within HTML, as feeds send it."""


def without_html(text: str) -> str:
    """The text that a browser would show, blocks on lines of their own."""
    for _ in range(_TOO_DEEP):
        if "<" not in text and "&" not in text:
            break
        before = text
        text = unescape(_ESCAPES.sub("&", _without_tags(text)))
        if text == before:
            break
    return text


def _without_tags(text: str) -> str:
    if _CDATA.search(text):
        text = _CDATA.sub("", text).replace("]]>", "")
    parts: list[str] = []
    at, comments, closing = 0, True, dict[str, bool]()
    while (start := text.find("<", at)) >= 0:
        parts.append(text[at:start])
        if comments and text.startswith("<!--", start):
            end = text.find("-->", start + 4)
            if end >= 0:
                at = end + 3
                continue
            comments = False
        found = _TAG.match(text, start) or _ODD.match(text, start)
        name = (found["name"].lower() if found and found.re is _TAG else "") if found else ""
        if found is None or (name and not _known(name, found)):
            parts.append("<")
            at = start + 1
            continue
        at = found.end()
        parts.append("\n" if name in _BLOCK else " " if name in _CELL else "")
        if name in _UNSEEN and not text.startswith("</", start) and closing.get(name, True):
            end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, at)
            closing[name] = end is not None
            at = end.end() if end else at
    parts.append(text[at:])
    return "".join(parts)


def _known(name: str, found: re.Match[str]) -> bool:
    return name in _BLOCK or name in _CELL or name in _INLINE or name in _UNSEEN or bool(found["more"])


_LINES = re.compile(r"[\r\n\x0b\x0c\x85\u2028\u2029]+")
_BLANKS = re.compile(r"[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_KEPT = frozenset("\n\u200c\u200d")
"""Of the signs without a form: joiners carry meaning in Persian, in Hindi and in emoji."""
_STRAIGHT = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u2039\u203a\u2032", "'")
)


def cleaned(text: str, html: bool, lines: bool, quotes: bool, length: int, ending: str) -> str | None:
    """A description, clean.

    :param html: whether tags and entities are taken out.
    :param lines: whether lines stay apart.
    :param quotes: whether quotes become straight ones.
    :param length: the most signs it may have, ``ending`` among them; 0: any.
    :param ending: what stands where it was cut.
    """
    found = without_html(text) if html else text
    found = _LINES.sub("\n", unicodedata.normalize("NFC", found).replace("\r\n", "\n"))
    found = "".join(one for one in _BLANKS.sub(" ", found) if one in _KEPT or not _formless(one))
    split = (_BLANKS.sub(" ", line).strip(" ") for line in found.split("\n"))
    found = ("\n" if lines else " ").join(line for line in split if line)
    if quotes:
        found = found.translate(_STRAIGHT)
    if length and len(found) > length:
        found = _cut(found, length, ending)
    return found or None


def _formless(sign: str) -> bool:
    """Control signs, what sets the direction of writing, soft hyphens, private and unassigned code points."""
    return not sign.isprintable() and sign != " "


_LOOSE = " \n,;:-\u2013\u2014("
"""What does not stand at the end of a text that goes on."""


def _cut(text: str, length: int, ending: str) -> str:
    room = length - len(ending)
    head = text[: room + 1]
    at = max(head.rfind(" "), head.rfind("\n"))
    head = head[:at] if at > room // 2 else head[:room]
    head = head.rstrip(_LOOSE)
    return head + ending if head else text[:length]


def cleaned_many(rows: Sequence[tuple[str, bool, bool, bool, int, str]]) -> Iterable[str | None]:
    """:func:`cleaned` for many cells."""
    return [cleaned(*row) for row in rows]
