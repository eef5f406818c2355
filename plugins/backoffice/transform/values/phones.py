"""Telephone numbers, as people type them, to one way of writing.

What is a valid number, and of which country and type, is what ``phonenumbers.is_valid_number`` says (Google's
libphonenumber, from the plans that countries file with the ITU): it is not known whether the number is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backoffice.transform.values.numbering import TYPES, UNUSUAL, Answer, Found, Plan, international, plan, written

__all__ = ["WRITINGS", "phones", "plans", "read_phone"]

_SHORTEST, _LONGEST = 5, 40
"""Digits and a plus that are read here."""
_LONGEST_TEXT = 250
"""phonenumbers refuses any that is longer."""
_SIGNS = b" ()-./"
"""They mean nothing to phonenumbers, wherever they stand between digits."""
_MORE_SIGNS = str.maketrans(dict.fromkeys(_SIGNS.decode() + "\u00a0\u2010\u2011\u2012\u2013\u2014\u2015\u2212", ""))
"""No-break blanks, hyphens and dashes do not either."""


def phones(rows: Sequence[tuple[str, str]], how: str) -> list[str | None]:
    """Read many numbers, and give one thing of each.

    :param rows: the text, and the countries in which it may be dialled (ISO 3166-1 alpha-2, separated by blanks): the
        first where it is valid counts. A number with a country calling code needs none. What is no country is left out.
    :param how: one of :data:`WRITINGS`.
    :returns: ``None`` for what is no valid number.
    """
    tried = {countries: plans(countries) for countries in {row[1] for row in rows}}
    give = None if how == "e164" else WRITINGS[how]
    found: list[str | None] = []
    for (text, countries), bare in zip(rows, _bare([row[0] for row in rows]), strict=True):
        answer, number = read_phone(text, bare, tried[countries])
        if answer is None:
            found.append(None)
        else:
            found.append(answer.plus + number if give is None else give(answer, number))
    return found


def _bare(texts: list[str]) -> list[str]:
    """Without the usual signs; all at once, as that costs a tenth."""
    joined = "\n".join(texts).encode("utf-8", "surrogatepass").translate(None, _SIGNS)
    found = joined.decode("utf-8", "surrogatepass").split("\n")
    if len(found) == len(texts):
        return found
    return [text.translate(_MORE_SIGNS) for text in texts]  # line ends within


def plans(countries: str) -> tuple[Plan, ...]:
    """Their numbering plans."""
    wanted = dict.fromkeys(one for one in countries.upper().split() if len(one) == 2 and one.isascii())
    return tuple(known for one in wanted if (known := plan(one)) is not None)


def read_phone(text: str, bare: str, tried: Sequence[Plan]) -> Found:
    """Read one number.

    :param bare: the same without the usual signs.
    :param tried: the plans by which it may be dialled.
    """
    if not bare.isascii():
        bare = bare.translate(_MORE_SIGNS)
    if _SHORTEST <= len(bare) <= _LONGEST and len(text) <= _LONGEST_TEXT and bare.isascii():
        if bare.isdigit():
            for one in tried:
                found = one.read(bare)
                if found[0] is UNUSUAL:
                    found = _asked(text, one.region)
                if found[0] is not None:
                    return found
            return None, ""
        if bare[0] == "+" and (digits := bare[1:]).isdigit():
            found = international(digits)
            if found[0] is not UNUSUAL:
                return found
    for one in tried:
        found = _asked(text, one.region)
        if found[0] is not None:
            return found
    return (None, "") if tried else _asked(text, None)


def _asked(text: str, region: str | None) -> Found:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None, ""
    if not phonenumbers.is_valid_number(number):
        return None, ""
    code, national = str(number.country_code), phonenumbers.national_significant_number(number)
    country = phonenumbers.region_code_for_number(number) or ""
    kind = TYPES[phonenumbers.number_type(number)]
    return Answer(code, country, kind, f"+{code}", number.extension or ""), national


WRITINGS: dict[str, Callable[[Answer, str], str | None]] = {
    "e164": lambda answer, number: answer.plus + number,
    "international": lambda answer, number: written(answer.code, number, national=False),
    "national": lambda answer, number: written(answer.code, number, national=True),
    "type": lambda answer, _: answer.type,
    "country": lambda answer, _: answer.country if answer.country.isalpha() else None,
    "extension": lambda answer, _: answer.extension or None,
}
"""What can be had of a number.

``e164``: ``+436641234567`` (ITU-T E.164). ``international``: ``+43 664 1234567`` (ITU-T E.123). ``national``: as it is
dialled in its own country, ``0664 1234567``. ``type``: one of ``numbering.TYPES``. ``country``: ISO 3166-1 alpha-2, of
the number itself; none for numbers that belong to no country. ``extension``: its digits. The three ways of writing
leave the extension out.
"""
