"""Numbers that carry their own check: accounts, banks, VAT, people. Checked by ``python-stdnum``.

Valid means well formed with the right check digits, not that it was ever given to anybody.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

__all__ = ["COUNTRIES", "KINDS", "IdentifierKind", "identifiers", "read_identifier"]

IdentifierKind = Literal["iban", "bic", "vat", "national_id"]

KINDS: dict[str, str] = {
    "iban": "IBAN (ISO 13616)",
    "bic": "BIC (ISO 9362)",
    "vat": "VAT number",
    "national_id": "national identity number",
}

_NATIONAL = {
    "AT": "at.vnr", "BE": "be.nn", "BG": "bg.egn", "CH": "ch.ssn", "CZ": "cz.rc", "DE": "de.idnr", "DK": "dk.cpr",
    "EE": "ee.ik", "ES": "es.dni es.nie", "FI": "fi.hetu", "FR": "fr.nir", "GB": "gb.nhs", "GR": "gr.amka",
    "HR": "hr.oib", "IE": "ie.pps", "IS": "is_.kennitala", "IT": "it.codicefiscale", "LT": "lt.asmens", "LV": "lv.pvn",
    "NL": "nl.bsn", "NO": "no.fodselsnummer", "PL": "pl.pesel", "PT": "pt.cc pt.nif", "RO": "ro.cnp",
    "SE": "se.personnummer", "SI": "si.emso", "SK": "sk.rc",
}  # fmt: skip
"""Of people: AT Sozialversicherungsnummer, BE rijksregisternummer, BG EGN, CH AHV, CZ and SK rodné číslo, DE
steuerliche Identifikationsnummer, DK CPR, EE isikukood, ES DNI or NIE, FI henkilötunnus, FR NIR, GB NHS number, GR AMKA,
HR OIB, IE PPS, IS kennitala, IT codice fiscale, LT asmens kodas, LV personas kods, NL BSN, NO fødselsnummer, PL PESEL,
PT cartão de cidadão or NIF, RO CNP, SE personnummer, SI EMŠO."""

_VAT_ELSEWHERE = {"CH": "ch.vat", "GB": "gb.vat", "IS": "is_.vsk", "NO": "no.mva"}
_VAT_EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI".split())  # noqa: SIM905
_VAT_PREFIX = {"GR": "EL"}

COUNTRIES = {"vat": _VAT_EU | frozenset(_VAT_ELSEWHERE), "national_id": frozenset(_NATIONAL)}
"""Kinds that need a country -> the countries whose numbers can be checked (ISO 3166-1; XI is Northern Ireland)."""

_LONGEST = 100


def identifiers(rows: Sequence[tuple[str, str]], kind: str) -> list[str | None]:
    """Read many; see :func:`read_identifier`. A row is the text and a country."""
    return [read_identifier(text, kind, country) for text, country in rows]


def read_identifier(text: str, kind: str, country: str = "") -> str | None:
    """Read one, and write it in its compact form: no blanks or signs, capitals; VAT numbers with their country's prefix
    (``EL`` for Greece, as VIES has it).

    :param country: ISO 3166-1 alpha-2. A VAT number of the EU with a prefix needs none; a national number does.
    :returns: ``None``: not valid, or of a country that cannot be checked.
    """
    if len(text) > _LONGEST:
        return None
    country = country.strip().upper()
    if kind == "vat":
        return _vat(text, country)
    names = {"iban": "iban", "bic": "bic"}.get(kind) or _NATIONAL.get(country, "")
    return next((found for name in names.split() if (found := _checked(name, text))), None)


def _vat(text: str, country: str) -> str | None:
    country = "GR" if country == "EL" else country
    if country in _VAT_ELSEWHERE:
        found = _checked(_VAT_ELSEWHERE[country], text)
        return f"GB{found}" if found and country == "GB" else found
    if country and country not in _VAT_EU:
        return None
    if found := _checked("eu.vat", text):
        mine = not country or found.startswith(_VAT_PREFIX.get(country, country))
        return found if mine else None
    if not country:
        return None
    prefix = _VAT_PREFIX.get(country, country)
    return _checked("eu.vat", prefix + text)


def _checked(name: str, text: str) -> str | None:
    validate, errors = _validator(name)
    try:
        return validate(text)
    except errors:
        return None


@cache
def _validator(name: str) -> tuple[Callable[[str], str], Any]:
    from stdnum.exceptions import ValidationError

    # A library of two hundred checks: now and then one stumbles over odd text before it has looked at its length.
    errors = (ValidationError, ValueError, IndexError, KeyError)
    return importlib.import_module(f"stdnum.{name}").validate, errors
