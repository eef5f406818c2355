"""Ways of writing dates and times, as a pattern and as SQL that reads what fits it.

``YYYY`` ``YY`` ``MM`` ``M`` ``DD`` ``D`` ``hh`` ``h`` ``mm`` ``ss`` take digits: two letters that many, one letter one or
two. ``MMM`` takes a month's name, short or long. ``f`` takes a fraction of a second, ``AP`` AM or PM, ``Z`` a zone like
``Z`` or ``+02:00``. All else stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from backoffice.transform.sql import call, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Excel", "fault_in", "month_names", "reading", "tokens"]

Excel = {"excel": "1899-12-30", "excel-1904": "1904-01-01"}
"""Serial numbers of spreadsheets: the day that their count begins with. The first counts a 29 February 1900 that never
was, so numbers up to 60 are not read."""

_TOKENS = re.compile(r"YYYY|YY|MMM|MM?|DD?|hh?|mm|ss|f|AP|Z|.", re.DOTALL)
_DIGITS = {
    "YYYY": "[0-9]{4}", "YY": "[0-9]{2}", "MM": "[0-9]{2}", "M": "[0-9]{1,2}", "DD": "[0-9]{2}", "D": "[0-9]{1,2}",
    "hh": "[0-9]{2}", "h": "[0-9]{1,2}", "mm": "[0-9]{2}", "ss": "[0-9]{2}", "f": "[0-9]{1,9}",
    "AP": "(?i:[AP]\\.?M\\.?)", "Z": "Z|[+-][0-9]{2}:?[0-9]{2}",
}  # fmt: skip
_VARYING = frozenset(("YY", "MMM", "M", "D", "h", "f", "AP", "Z"))
"""What is not as long as its token, or has to be looked up."""
_AS_READ = ("YYYY-MM-DD", "YYYY-MM-DD hh:mm:ss")
_PLACE = {"YYYY": "Y", "YY": "Y", "MMM": "M", "MM": "M", "DD": "D", "hh": "h", "mm": "m", "ss": "s"}


def tokens(written: str) -> list[str]:
    """The parts of a format."""
    return _TOKENS.findall(written)


def fault_in(written: str, *, times: bool) -> str:
    """What is wrong with a format; empty: nothing."""
    if written in Excel:
        return ""
    parts = tokens(written)
    known = [one for one in parts if one in _DIGITS or one == "MMM"]
    places = [_PLACE.get(one, one) for one in known]
    if len(set(places)) < len(places) or not {"Y", "M", "D"} <= set(places):
        return "not a date format; use YYYY (or YY), MM (or M, MMM) and DD (or D), each once, and separators"
    if any(re.fullmatch("[A-Za-z]", one) and one not in known and not (times and one == "T") for one in parts):
        return "not a date format; letters but for YYYY, YY, MM, M, MMM, DD, D and those of a time stand for nothing"
    clock = {"h", "m", "s", "f", "AP", "Z"} & set(places)
    if clock and not times:
        return "a date has no time of day; read it with `timestamps`"
    if clock and not {"h", "m"} <= clock:
        return "a time of day needs hh (or h) and mm"
    if "f" in clock and "s" not in clock:
        return "a fraction `f` needs seconds `ss`"
    return ""


@lru_cache(maxsize=64)
def month_names(language: str) -> Mapping[str, int]:
    """Every way of writing the months in a language (Unicode CLDR), in lower case and without points -> their number.

    :raises KeyError: the language is not known.
    """
    from babel import Locale, UnknownLocaleError

    known = None
    with suppress(UnknownLocaleError, ValueError, TypeError):
        known = Locale.parse(language)
    if known is None:
        raise KeyError(language)
    found: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in known.months[context][width].items():
                plain = name.lower().rstrip(".")
                if not plain.isdigit():
                    found.setdefault(plain, number)
                    found.setdefault(plain[:3] if language in ("de", "en") else plain, number)
    return found


def reading(cell: exp.Expr, written: str, *, languages: Iterable[str], pivot: int | None) -> tuple[exp.Expr, exp.Expr]:
    """Whether a cell has this form; and it as ``YYYY-MM-DD``, or with a time ``YYYY-MM-DD hh:mm:ss``, still as text.

    :param languages: of the months' names.
    :param pivot: two-digit years up to it are of this century, later ones of the last.
    """
    parts = tokens(written)
    names: dict[str, int] = {}
    for language in languages:
        names |= {name: number for name, number in month_names(language).items() if name not in names}
    pattern, place = "", {}
    for part in parts:
        if part == "MMM":
            known = "|".join(re.escape(one) for one in sorted(names, key=len, reverse=True))
            pattern, place["M"] = f"{pattern}(?i:({known}))\\.?", len(place) + 1
        elif part in _DIGITS:
            pattern += f"({_DIGITS[part]})"
            place[_PLACE.get(part, part)] = len(place) + 1
        else:
            pattern += re.escape(part)

    def piece(name: str) -> exp.Expr:
        return sql(f"regexp_extract(:cell, :pattern, {place[name]})", cell=cell, pattern=f"^(?:{pattern})$")

    fits = sql("regexp_full_match(:cell, :pattern)", cell=cell, pattern=pattern)
    if written in _AS_READ:
        return fits, cell
    if not _VARYING & set(parts):
        return fits, _cut_out(cell, parts)
    if not {"YY", "MMM", "AP", "Z", "f"} & set(parts):  # digits only: one pass
        order = rf"\{place['Y']}-\{place['M']}-\{place['D']}"
        if "h" in place:
            order += rf" \{place['h']}:\{place['m']}:" + (rf"\{place['s']}" if "s" in place else "00")
        text = sql("regexp_replace(:cell, :pattern, :order)", cell=cell, pattern=f"^(?:{pattern})$", order=order)
        return fits, text
    year, month = piece("Y"), piece("M")
    if "YY" in parts:
        century = sql("case when try_cast(:year as integer) <= :pivot then '20' else '19' end", year=year, pivot=pivot)
        year = sql(":century || :year", century=century, year=year)
    if "MMM" in parts:
        month = _number(call("lower", month), names)
    day = sql(":year || '-' || :month || '-' || :day", year=year, month=month, day=piece("D"))
    if "h" not in place:
        return fits, day
    hour: exp.Expr = piece("h")
    if "AP" in place:
        # 12 AM is midnight, 12 PM noon; 13 PM is nothing.
        late = sql("case when upper(left(:half, 1)) = 'P' then 12 else 0 end", half=piece("AP"))
        hour = sql(
            "case when :hour::integer between 1 and 12 then (:hour::integer % 12 + :late)::varchar end",
            hour=sql("nullif(:hour, '')", hour=hour), late=late,
        )  # fmt: skip
    text = sql(":day || ' ' || lpad(:hour, 2, '0') || ':' || :minute", day=day, hour=hour, minute=piece("m"))
    text = sql(":text || ':' || :second", text=text, second=piece("s") if "s" in place else "00")
    if "f" in place:
        text = sql(":text || '.' || left(:fraction, 6)", text=text, fraction=piece("f"))
    if "Z" in place:
        colon = "regexp_replace(replace(:zone, 'Z', '+00:00'), '^(.[0-9]{2})([0-9]{2})$', :form)"
        zone = sql(colon, zone=piece("Z"), form=r"\1:\2")
        text = sql(":text || :zone", text=text, zone=zone)
    return fits, text


def _cut_out(cell: exp.Expr, parts: Iterable[str]) -> exp.Expr:
    """The text of :func:`reading`, from digits that always stand at the same places: half the work of a pattern's groups."""
    found: dict[str, exp.Expr] = {}
    at = 1
    for part in parts:
        if part in _PLACE:
            found[_PLACE[part]] = sql("substr(:cell, :at, :length)", cell=cell, at=at, length=len(part))
        at += len(part)
    day = sql(":year || '-' || :month || '-' || :day", year=found["Y"], month=found["M"], day=found["D"])
    if "h" not in found:
        return day
    clock = {"hour": found["h"], "minute": found["m"], "second": found.get("s", "00")}
    return sql(":day || ' ' || :hour || ':' || :minute || ':' || :second", day=day, **clock)


def _number(name: exp.Expr, names: Mapping[str, int]) -> exp.Expr:
    from sqlglot import exp

    found = exp.Case()
    for number in sorted(set(names.values())):
        found = found.when(
            name.copy().isin(*(one for one in names if names[one] == number)), exp.convert(f"{number:02}")
        )
    return found
