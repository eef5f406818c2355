"""Numbers as people write them, with the currency beside them: ``1.234,56 €``, ``EUR 1,234.56``, ``CHF 12.-``.

A number is read both ways, with the comma and with the point as the decimal sign. Most can be read one way only;
``1,234`` can be read both ways and then means something else: which it is has to be known from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache

from backoffice.transform.values.currencies import code_of

__all__ = ["NUMBER_TEXT", "decimal_sign", "number", "plain", "price", "prices", "shown_signs"]

_SPACES = re.compile(r"[\s\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]+")
_QUOTES = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u00b4": "'", "`": "'", "\u02bc": "'"}
    | dict.fromkeys("\u2212\u2013\u2014\u2010\u2011", "-")
)

NUMBER_TEXT = r"[0-9]+(?:[.,'][0-9]+| [0-9]{3}(?![0-9]))*"
"""A number with its separators, as a pattern for :func:`plain` text."""

_ONE = re.compile(rf"(?P<before>[^0-9]*?)(?P<number>[.,]?{NUMBER_TEXT})(?P<after>[^0-9]*)")


def plain(text: str) -> str:
    """White space, apostrophes and dashes in one way of writing."""
    return _SPACES.sub(" ", text.translate(_QUOTES)).strip()


@cache
def _pattern(sign: str) -> re.Pattern[str]:
    other = "." if sign == "," else ","
    groups = rf"[1-9][0-9]{{0,2}}(?P<by>[{other}' ])[0-9]{{3}}(?:(?P=by)[0-9]{{3}})*"
    indian = r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}" if sign == "." else ""
    return re.compile(rf"(?P<whole>{groups}{indian}|[0-9]*)(?:[{sign}](?P<part>[0-9]+))?")


def _read(text: str, sign: str) -> Decimal | None:
    """A number with that decimal sign. More than 12 digits before it or 6 after it are no number of ours."""
    if not (found := _pattern(sign).fullmatch(text)):
        return None
    whole = re.sub("[^0-9]", "", found["whole"]).lstrip("0")
    part = (found["part"] or "").rstrip("0")
    if len(whole) > 12 or len(part) > 6 or not (found["whole"] or found["part"]):
        return None
    return Decimal(f"{whole or 0}.{part or 0}")


def number(text: str, sign: str | None) -> Decimal | None:
    """What a number says; nothing where it can be read two ways and ``sign`` does not decide it.

    :param text: digits with separators, in :func:`plain` writing.
    :param sign: ``,`` or ``.``, the decimal sign where the number can be read both ways; ``None``: not known.
    """
    comma, point = _read(text, ","), _read(text, ".")
    if comma is None or point is None or comma == point:
        return point if comma is None else comma
    return comma if sign == "," else point if sign == "." else None


def decimal_sign(text: str) -> str | None:
    """The decimal sign that a number shows beyond doubt."""
    comma, point = _read(text, ","), _read(text, ".")
    if (comma is None) == (point is None):
        return None
    return "," if point is None else "."


def _split(text: str) -> tuple[bool, str, str, str] | None:
    """Whether it is below zero, the number, and what stands before and after it."""
    ready = plain(text)
    if len(ready) > 100 or not (found := _ONE.fullmatch(ready)):
        return None
    before, digits, after = found["before"].strip(), found["number"], found["after"].strip()
    if digits[0] in ".," and before[-1:].isalpha():  # `Fr.12`
        before, digits = before + digits[0], digits[1:]
    if re.match(r"[.,] ?-{1,2}", after):  # `12.-`, `12,--`: no cents
        after = re.sub(r"^[.,] ?-{1,2}", "", after).strip()
    below = False
    if before[:1] == "(" and after[-1:] == ")":
        below, before, after = True, before[1:].strip(), after[:-1].strip()
    elif "-" in (before[:1], before[-1:]):
        below, before = True, (before[1:] if before[0] == "-" else before[:-1]).strip()
    elif "-" in (after[:1], after[-1:]):
        below, after = True, (after[1:] if after[0] == "-" else after[:-1]).strip()
    elif "+" in (before[:1], before[-1:]):
        before = before.removeprefix("+").removesuffix("+").strip()
    return below, digits, before, after


def price(text: str, sign: str | None, stated: str | None) -> tuple[Decimal | None, str | None] | None:
    """The amount and the currency in a cell; a part that cannot be known is ``None``.

    :param sign: the decimal sign where the amount can be read both ways.
    :param stated: the currency of cells that name none, and of signs that mean several.
    """
    if not (parts := _split(text)):
        return None
    below, digits, before, after = parts
    names = [one for one in (before, after) if one]
    known = [code_of(one, None) for one in names]
    # `$5 USD`: the code says which of its currencies the sign means.
    said = next((one for one in known if one), stated)
    codes = {code_of(one, said) for one in names}
    if (None in codes and not (codes == {None} and _is_money(before + after))) or len(codes) > 1:
        return None
    amount = number(digits, sign)
    if amount is not None and below:
        amount = -amount
    return amount, next(iter(codes)) if codes else stated


def _is_money(written: str) -> bool:
    """Whether it is a sign for several currencies."""
    return any(code_of(written, one) for one in ("USD", "JPY", "SEK", "INR"))


def prices(rows: Sequence[tuple[str, str | None, str | None]]) -> Iterable[tuple[Decimal | None, str | None] | None]:
    """:func:`price` for many cells."""
    return [price(*row) for row in rows]


def shown_signs(rows: Sequence[tuple[str]]) -> Iterable[str | None]:
    """The decimal sign that each of many prices shows beyond doubt."""
    return [decimal_sign(parts[1]) if (parts := _split(text)) else None for (text,) in rows]
