"""Countries and languages, by their codes and by their names in the languages of Europe (Unicode CLDR, by ``babel``)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Literal

__all__ = ["CountryCode", "LanguageCode", "countries", "knows", "languages"]

CountryCode = Literal["alpha2", "alpha3", "name"]
"""``SI``, ``SVN`` (ISO 3166-1), or the name in one language."""
LanguageCode = Literal["alpha2", "name"]
"""``sl`` (ISO 639-1), or the name in one language."""

_LOCALES = """en de fr it es pt nl sl hr sr sr_Latn bs mk sq cs sk pl hu ro bg el tr sv da nb nn fi et lv lt uk ru be ga mt lb
is ca eu gl cy rm""".split()  # noqa: SIM905
"""The official languages of Europe's countries, and some of its regions."""
_NOT_COUNTRIES = frozenset("EU EZ UN XA XB ZZ QO".split())  # noqa: SIM905

_WITHDRAWN = frozenset("BUR DDR FXX TMP YMD ZAR".split())  # noqa: SIM905

# What people write that CLDR does not have, car signs (UN) among it.
_MORE_COUNTRIES = """AT: A, Oesterreich, Österr., Oest., Republik Österreich, Rep. Österreich, Republic of Austria
BA: BiH, Bosnien, Bosnia, Bosna
BE: B, Kingdom of Belgium, Belgique/België
CH: Suisse/Schweiz, Schweiz/Suisse, Swiss, Confoederatio Helvetica
CZ: Czech Republic, Tschechische Republik, Česká republika, República Checa, République tchèque
DE: D, BRD, Bundesrepublik Deutschland, Federal Republic of Germany, Deutschl.
ES: E, Kingdom of Spain
FR: F, République française
GB: UK, GBR, Great Britain, England, Scotland, Wales, Northern Ireland
GB: Großbritannien, Grande-Bretagne, Gran Bretagna, Gran Bretaña
GB: Velika Britanija, Schottland, Wielka Brytania
GR: EL, Hellas
HU: H, Magyarorszag
IE: IRL, Eire, Republic of Ireland
IT: I, Repubblica italiana
LI: FL
LU: L, Letzebuerg
MK: FYROM, Macedonia, Mazedonien, Makedonija
NL: Holland, The Netherlands, Niederl., Hollande, Olanda, Nizozemska
PT: P
RU: Russian Federation, Russische Föderation
SE: S
SI: SLO
SK: Slovak Republic, Slowakische Republik
TR: Turkey
US: U.S.A., U.S., United States of America, Vereinigte Staaten von Amerika, Etats-Unis d'Amérique, America, Amerika"""


def fold(text: str) -> str:
    """A name without what people leave out or write differently: case, accents, blanks and signs."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss"))
    return "".join(sign for sign in plain if sign.isalnum())


def countries(texts: Iterable[str], *, write: CountryCode, language: str) -> list[str | None]:
    """Read many countries, given as a code or as a name in any of the languages; ``None`` for what is none.

    :param language: of the names to write (CLDR locale, ``de``).
    """
    known = _countries()
    found = [known.get(fold(text)) if len(text) <= 100 else None for text in texts]
    if write == "alpha2":
        return found
    names = _alpha3() if write == "alpha3" else _names("territories", language)
    return [names.get(code) if code else None for code in found]


def languages(texts: Iterable[str], *, write: LanguageCode, language: str) -> list[str | None]:
    """Read many languages; as :func:`countries`. Of a tag like ``de-AT`` the first part counts."""
    known = _languages()
    found = [_language(text, known) if len(text) <= 100 else None for text in texts]
    if write == "alpha2":
        return found
    names = _names("languages", language)
    return [names.get(code) if code else None for code in found]


def _language(text: str, known: dict[str, str]) -> str | None:
    if tag := re.fullmatch(r"\s*([A-Za-z]{2,3})[-_][A-Za-z]{2,4}([-_][A-Za-z]{2})?\s*", text):
        text = tag[1]
    return known.get(fold(text))


def called(code: str) -> str:
    """A language in English, for people: ``de`` is German. A code that means none stays as it is."""
    return languages([code], write="name", language="en")[0] or code


def knows(language: str) -> bool:
    """Whether there are names in that language."""
    from babel import Locale, UnknownLocaleError

    try:
        Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError):
        return False
    return True


@cache
def _names(what: str, language: str) -> dict[str, str]:
    from babel import Locale

    names = getattr(Locale.parse(language, sep="-" if "-" in language else "_"), what)
    return {code: name for code, name in names.items() if len(code) == 2 and code not in _NOT_COUNTRIES}


@cache
def _alpha3() -> dict[str, str]:
    """ISO 3166-1 alpha-2 -> alpha-3."""
    codes = _three_letters("territory_aliases")
    return {two: three for three, two in codes.items() if three not in _WITHDRAWN}


def _three_letters(what: Literal["territory_aliases", "language_aliases"]) -> dict[str, str]:
    from babel.core import get_global

    found = {}
    for old, new in get_global(what).items():
        new = [new] if isinstance(new, str) else new
        if len(old) == 3 and old.isalpha() and len(new) == 1 and len(new[0]) == 2:
            found.setdefault(old, new[0])
    return found


@cache
def _countries() -> dict[str, str]:
    """Every known way of writing a country, folded -> its code."""
    return _by_name("territories", "territory_aliases", _further_countries())


@cache
def _languages() -> dict[str, str]:
    return _by_name("languages", "language_aliases", {})


def _by_name(
    what: str, aliases: Literal["territory_aliases", "language_aliases"], further: dict[str, str]
) -> dict[str, str]:
    """A name that stands for different things in different languages stands for nothing."""
    meant: dict[str, set[str]] = {}
    for locale in _LOCALES:
        for code, name in _names(what, locale).items():
            meant.setdefault(fold(name), set()).add(code)
    found = {name: codes.pop() for name, codes in meant.items() if len(codes) == 1}
    found |= further
    codes = _names(what, "en")
    found |= {fold(three): two for three, two in _three_letters(aliases).items() if two in codes}
    return found | {fold(code): code for code in codes}


def _further_countries() -> dict[str, str]:
    lines = (line.split(": ", 1) for line in _MORE_COUNTRIES.splitlines())
    return {fold(name): code for code, names in lines for name in names.split(", ")}
