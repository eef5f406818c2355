"""Article numbers: GTIN in its lengths (EAN, UPC) and ISBN.

GS1 General Specifications 7.9: the check digit makes the sum of all digits, weighted 3, 1, 3, … from the one beside it,
a multiple of ten; zeros in front change nothing. 7.10: UPC-E is a UPC-A with its zeros left out. ISO 2108 and its
forerunner: an ISBN-10 is checked by weights 10 to 2 modulo 11; as ISBN-13 it has 978 in front and a GTIN's check digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

__all__ = ["LENGTHS", "Gtin", "check_digit", "expanded", "gtin", "gtins"]

Gtin = Literal["ean13", "ean8", "upca", "upce", "gtin14", "isbn13", "isbn10"]

LENGTHS: dict[str, int] = {"gtin14": 14, "ean13": 13, "isbn13": 13, "upca": 12, "isbn10": 10, "ean8": 8, "upce": 8}

_SEPARATORS = re.compile(r"[\s\u00a0\u2010-\u2015-]+")


def check_digit(digits: str) -> str:
    """Of a GTIN without its last digit."""
    total = sum(int(one) * (3 if index % 2 == 0 else 1) for index, one in enumerate(reversed(digits)))
    return str(-total % 10)


def _checked(digits: str) -> bool:
    return check_digit(digits[:-1]) == digits[-1] and digits.strip("0") != ""


def expanded(upce: str) -> str | None:
    """The UPC-A that an eight-digit UPC-E stands for."""
    system, body, check = upce[0], upce[1:7], upce[7]
    if system not in "01":
        return None
    last = body[5]
    if last in "012":
        full = body[:2] + last + "0000" + body[2:5]
    elif last == "3":
        full = body[:3] + "00000" + body[3:5]
    elif last == "4":
        full = body[:4] + "00000" + body[4]
    else:
        full = body[:5] + "0000" + last
    return system + full + check


def _isbn10(text: str) -> bool:
    total = sum((10 if one == "X" else int(one)) * weight for one, weight in zip(text, range(10, 0, -1), strict=True))
    return total % 11 == 0


def _as_13(digits: str, kind: str) -> str:
    """The 13 digits (or, of a case or pallet, 14) that a number stands for."""
    if kind == "isbn10":
        return "978" + digits[:9] + check_digit("978" + digits[:9])
    full = expanded(digits) or digits if kind == "upce" else digits
    return full.zfill(13)


def _kind(digits: str, kinds: Sequence[str]) -> str | None:
    for kind in kinds:
        if LENGTHS[kind] != len(digits):
            continue
        if kind == "isbn10":
            fits = re.fullmatch("[0-9]{9}[0-9X]", digits) is not None and _isbn10(digits)
        elif not digits.isdecimal():
            fits = False
        elif kind == "upce":
            full = expanded(digits)
            fits = full is not None and _checked(full)
        elif kind == "isbn13":
            fits = digits[:3] in ("978", "979") and digits[:4] != "9790" and _checked(digits)
        else:
            fits = _checked(digits)
        if fits:
            return kind
    return None


def gtin(text: str, kinds: str, write: str, zeros: bool, in_store: bool) -> tuple[str, str] | None:
    """An article number as it is to be written, and its kind; nothing where it is none.

    :param kinds: those allowed, with blanks between.
    :param write: ``as_is``, ``13`` or ``14`` digits.
    :param zeros: whether zeros in front may have been lost, as spreadsheets lose them.
    :param in_store: whether numbers that a shop gives itself (GS1 prefixes 02, 04 and 20 to 29) count.
    """
    digits = _SEPARATORS.sub("", text).upper()
    if not re.fullmatch("[0-9]{5,14}|[0-9]{9}X", digits):
        return None
    wanted = [kind for kind in ("isbn13", "ean13", "upca", "isbn10", "ean8", "upce", "gtin14") if kind in kinds.split()]
    kind = _kind(digits, wanted)
    if kind is None and zeros:
        for length in sorted({LENGTHS[kind] for kind in wanted} - {10}):
            if len(digits) < length and (kind := _kind(digits.zfill(length), wanted)):
                digits = digits.zfill(length)
                break
    if kind is None:
        return None
    whole = _as_13(digits, kind)
    if not in_store and _own(digits, whole, kind):
        return None
    if write == "as_is":
        return digits, kind
    if write == "14":
        return whole.zfill(14), kind
    return (whole[-13:], kind) if len(whole) == 13 or whole[0] == "0" else None


def _own(digits: str, whole: str, kind: str) -> bool:
    """Whether a shop gave it itself: GS1 prefixes 02, 04 and 20 to 29; of GTIN-8, 0 and 2."""
    if kind == "ean8":
        return digits[0] in "02"
    prefix = whole.zfill(14)[1:3]
    return prefix[0] == "2" or prefix in ("02", "04")


def gtins(rows: Sequence[tuple[str, str, str, bool, bool]]) -> Iterable[tuple[str, str] | None]:
    """:func:`gtin` for many cells."""
    return [gtin(*row) for row in rows]
