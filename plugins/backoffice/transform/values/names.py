"""Names of people, in the ways that Europe writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from backoffice.transform.values.name_lists import PARTICLES, SECOND_GIVEN, SUFFIXES, TITLES

__all__ = ["Name", "join_name", "split_name", "split_names"]

_LONGEST = 200
_NOT_ONE_PERSON = re.compile(r"[&0-9/@;]|\b(und|and|et|y?/o|en/of|in drug[ai])\b", re.IGNORECASE)
_WHITE = re.compile(r"[\s\u200b\ufeff]+")


class Name(NamedTuple):
    """The parts of a name; empty where there is none."""

    title: str = ""
    given: str = ""
    family: str = ""
    """With its particles: ``van der Berg``."""
    suffix: str = ""


def split_names(rows: Sequence[tuple[str, str, bool]]) -> list[Name | None]:
    """Split many; see :func:`split_name`. A row is the text, the order, and whether family names are double."""
    return [split_name(text, family_first=order == "family_first", double=double) for text, order, double in rows]


def split_name(text: str, *, family_first: bool = False, double: bool = False) -> Name | None:
    """Split a full name.

    ``Huber, Dr. Anna`` is family name first, whatever is said; so is a family name in capitals beside a given name that
    is not (``HUBER Anna``). A family name begins at its first particle. One word alone is a family name.

    :param family_first: ``Nagy János``.
    :param double: two family names, as in Spain and Portugal: ``Ana García López``; after a usual second given name
        (``José Luis García``) one.
    :returns: ``None``: two people, a company, or no name.
    """
    text = _WHITE.sub(" ", text).strip(" ,;")
    if len(text) > _LONGEST or not any(map(str.isalpha, text)) or _NOT_ONE_PERSON.search(text):
        return None
    parts = [part.strip() for part in text.split(",")]
    title, words = _titles(parts[0].split())
    words, suffix = _suffixes(words)
    rest = [part.split() for part in parts[1:] if part]
    while rest and all(map(_is_suffix, rest[-1])):
        suffix = " ".join([*rest.pop(), suffix]).strip()
    if len(rest) > 1 or not (words or rest):
        return None
    if rest:
        more, given = _titles(rest[0])
        given, after = _suffixes(given)
        given, behind = _trailing_particles(given)
        family = " ".join([*behind, *words])
        suffix = " ".join(filter(None, (after, suffix)))
        found = Name(" ".join(filter(None, (title, more))), " ".join(given), family, suffix)
    else:
        given, family = _divided(words, family_first=family_first, double=double)
        found = Name(title, " ".join(given), " ".join(family), suffix)
    return found if found.family else None


def _titles(words: list[str]) -> tuple[str, list[str]]:
    count = 0
    while count < len(words) - 1 and _bare(words[count]) in TITLES:
        count += 1
    return " ".join(words[:count]), words[count:]


def _suffixes(words: list[str]) -> tuple[list[str], str]:
    count = len(words)
    while count > 1 and _is_suffix(words[count - 1]):
        count -= 1
    return words[:count], " ".join(words[count:])


def _is_suffix(word: str) -> bool:
    return _bare(word) in SUFFIXES


def _bare(word: str) -> str:
    return word.lower().replace(".", "").strip("()")


def _trailing_particles(given: list[str]) -> tuple[list[str], list[str]]:
    """``Berg, Jan van der``: the particles belong to the family name."""
    count = len(given)
    while count > 1 and given[count - 1].lower() in PARTICLES and not given[count - 1][0].isupper():
        count -= 1
    return given[:count], given[count:]


def _divided(words: list[str], *, family_first: bool, double: bool) -> tuple[list[str], list[str]]:
    """Given names and family names."""
    if len(words) == 1:
        return [], words
    capitals = [len(word) > 1 and word.isupper() and not word.endswith(".") for word in words]
    if any(capitals) and not all(capitals):
        first, last = capitals.index(True), len(words) - capitals[::-1].index(True)
        while first > 0 and words[first - 1].lower() in PARTICLES and words[first - 1].islower():
            first -= 1
        others = words[:first] + words[last:]
        if others and all(capitals[first + 1 : last]):
            return others, words[first:last]
    if family_first:
        count = 1
        while count < len(words) - 1 and words[count - 1].lower() in PARTICLES:
            count += 1
        return words[count:], words[:count]
    for index in range(1, len(words) - 1):
        if words[index].lower() in PARTICLES:
            linked = words[index].lower() == "y"  # Ortega y Gasset
            start = max(index - 1, 1) if linked else index
            if double and not linked and index > 1 and index == len(words) - 2 and not _second(words[index - 1]):
                start = index - 1  # Ana García de Soto
            return words[:start], words[start:]
    count = 1
    if double and len(words) > 2:
        count = 1 if len(words) == 3 and _second(words[1]) else 2
    return words[:-count], words[-count:]


def _second(word: str) -> bool:
    return word.lower() in SECOND_GIVEN


def join_name(name: Name, *, family_first: bool = False) -> str | None:
    """``Dr. Anna Huber PhD``, or ``Huber, Dr. Anna, PhD``; what is missing is left out."""
    before = " ".join(filter(None, (name.title, name.given)))
    if not family_first:
        return " ".join(filter(None, (before, name.family, name.suffix))) or None
    return ", ".join(filter(None, (name.family, before, name.suffix))) or None
