"""What a column is likely to hold: by its name, in a few languages, and by the shapes of its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

__all__ = ["CELLS", "DATE_FORMATS", "PERSONAL", "Meaning", "by_name", "by_names"]


class Meaning(StrEnum):
    """What a column holds."""

    ID = "reference"
    GIVEN_NAME = "given name"
    SURNAME = "surname"
    NAME = "name of a person"
    COMPANY = "company"
    EMAIL = "e-mail"
    PHONE = "phone"
    STREET = "street"
    POSTCODE = "postcode"
    TOWN = "town"
    COUNTRY = "country"
    BIRTH = "date of birth"
    DATE = "date"
    IBAN = "IBAN"
    NATIONAL_ID = "national id"
    IP = "IP address"
    GENDER = "gender or title"
    CONSENT = "consent"
    AMOUNT = "amount"
    CURRENCY = "currency"
    QUANTITY = "quantity"
    GTIN = "GTIN"
    SKU = "article number"
    CATEGORY = "category"
    TRUTH = "true or false"
    NUMBER = "number"
    WHOLE = "whole number"
    TEXT = "text"


_PERSONAL = "GIVEN_NAME SURNAME NAME EMAIL PHONE STREET POSTCODE TOWN BIRTH IBAN NATIONAL_ID IP GENDER".split()  # noqa: SIM905
PERSONAL = frozenset(Meaning[one] for one in _PERSONAL)
"""What is, or with other columns points to, a person (GDPR Art. 4(1))."""

_NAMES: tuple[tuple[Meaning, str], ...] = (
    (Meaning.EMAIL, r"e_?mail|mail|courriel|correo"),
    (Meaning.IBAN, r"iban|kontonummer|account_number|bank_account"),
    (Meaning.PHONE, r"phone|tel|telefon\w*|telephone|mobile?|handy|fax|cell|gsm|movil"),
    (Meaning.BIRTH, r"(date_of_)?birth\w*|dob|geburts\w*|geb_?dat\w*|geboren|naissance|nacimiento"),
    (Meaning.NATIONAL_ID, r"ssn|soc_sec\w*|social_security\w*|sv_?nr|steuer_?(id|nr)|passport|pass_?nr|nino|nif|dni|tax_id"),
    (Meaning.IP, r"ip|ip_address"),
    (Meaning.GENDER, r"gender|sex|geschlecht|anrede|title|salutation|titel|civilite"),
    (Meaning.CONSENT, r"consent|opt_?(in|out)|newsletter|einwilligung|unsubscribed?|gdpr|dsgvo"),
    (Meaning.GIVEN_NAME, r"(given|first|fore)_?name|vorname|prenom|firstname|nombre"),
    (Meaning.SURNAME, r"surname|(last|family)_?name|nachname|zuname|familienname|nom|apellido"),
    (Meaning.COMPANY, r"company|firma|organisation|organization|unternehmen|entreprise|supplier|vendor|lieferant"),
    (Meaning.GTIN, r"gtin|ean|upc|barcode|isbn"),
    (Meaning.SKU, r"sku|article(_(no|number|nr|id))?|artikel\w*|item_(no|number|code)|product_(code|id|no)"),
    (Meaning.CURRENCY, r"currency|waehrung|devise|moneda"),
    (
        Meaning.AMOUNT,
        r"\w*(price|preis|prix|amount|betrag|total|sum|summe|net|netto|gross|brutto|cost|value|sales|profit|balance)",
    ),
    (Meaning.QUANTITY, r"qty|quantity|menge|anzahl|stock|bestand|units|count|pieces|stueck"),
    (Meaning.POSTCODE, r"post_?(al_)?code|zip(_?code)?|plz|code_postal|cp"),
    (Meaning.STREET, r"street\w*|strasse\w*|str|address\w*|adresse\w*|rue|hausnummer|house_(no|number)"),
    (Meaning.TOWN, r"city|town|suburb|ort|stadt|ville|municipality|place|wohnort"),
    (Meaning.COUNTRY, r"country(_code)?|land|pays|pais|nation\w*"),
    (Meaning.DATE, r"\w*(date|datum|fecha)|day|tag|created\w*|updated\w*|since|due|valid_(from|until)|ordered|paid|booked"),
    (Meaning.NAME, r"(full_|contact_|customer_|client_)?name|contact|kunde|person|ansprechpartner"),
    (Meaning.CATEGORY, r"category|kategorie|type|typ|kind|status|state|region|group|gruppe|segment|class|department|unit"),
    (Meaning.ID, r"(\w+_)?(id|nr|no|number|nummer|ref|reference|key|code|uuid)|id\w?"),
)  # fmt: skip

_WITHIN: tuple[tuple[Meaning, str], ...] = (
    (Meaning.NAME, r"(name|vorname|nachname|surname|prenom|nom)_((and|und|et)_)?(first_|last_|given_|family_)?"
                   r"(name|vorname|nachname|surname|prenom|nom)"),
    (Meaning.EMAIL, r"e_?mail|courriel"),
    (Meaning.IBAN, r"iban"),
    (Meaning.PHONE, r"phone|telefon\w*|telephone|mobile|handy|fax"),
    (Meaning.BIRTH, r"dob|birth\w*|geburts\w*"),
    (Meaning.GIVEN_NAME, r"(given|first)_name|vorname|prenom"),
    (Meaning.SURNAME, r"surname|(last|family)_name|nachname|familienname"),
    (Meaning.STREET, r"(plz|zip|postcode)_(und_|and_)?(ort|stadt|city|town)"),
    (Meaning.POSTCODE, r"plz|zip|post_?code|postleitzahl"),
    (Meaning.STREET, r"street|strasse\w*|address|\w*adresse|anschrift"),
    (Meaning.TOWN, r"city|town|wohnort|ville"),
)  # fmt: skip
"""What tells of a person also as one word among others: ``customer_email``, ``telefon_privat``, ``name_vorname``."""

CELLS: dict[Meaning, str] = {
    Meaning.EMAIL: r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}",
    Meaning.IBAN: r"[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{2,4}){3,8}",
    Meaning.IP: r"([0-9]{1,3}\.){3}[0-9]{1,3}",
    Meaning.PHONE: r"(\+|00)[1-9][0-9 ()/.-]{6,20}|0[0-9]{2,5}[ /-][0-9 /.-]{3,14}",
    Meaning.TRUTH: r"(?i)true|false|yes|no|ja|nein|oui|non|y|n|j",
    Meaning.GTIN: r"[0-9]{8}|[0-9]{12,14}",
    Meaning.WHOLE: r"-?(0|[1-9][0-9]{0,17})",
    Meaning.NUMBER: r"[-+]?[0-9]{1,3}([.,' ][0-9]{3})*([.,][0-9]+)?|[-+]?[0-9]+([.,][0-9]+)?",
    Meaning.AMOUNT: r"([€$£]|[A-Z]{3}) ?[-+]?[0-9][0-9.,']*|[-+]?[0-9][0-9.,']* ?([€$£]|[A-Z]{3}|Kč|zł)",
}
"""What a whole cell looks like (RE2); the first that nearly all of a column's cells have says what it holds."""

DATE_FORMATS: dict[str, str] = {
    "YYYY-MM-DD": r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    "YYYYMMDD": r"(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])",
    "YYYY/MM/DD": r"[12][0-9]{3}/(0[1-9]|1[0-2])/(0[1-9]|[12][0-9]|3[01])",
    "D.M.YYYY": r"(0?[1-9]|[12][0-9]|3[01])\.(0?[1-9]|1[0-2])\.[12][0-9]{3}",
    "D/M/YYYY": r"(0?[1-9]|[12][0-9]|3[01])/(0?[1-9]|1[0-2])/[12][0-9]{3}",
    "M/D/YYYY": r"(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/[12][0-9]{3}",
    "D-M-YYYY": r"(0?[1-9]|[12][0-9]|3[01])-(0?[1-9]|1[0-2])-[12][0-9]{3}",
}
"""Formats of the step ``dates``, and their cells. A file where both ``D/M`` and ``M/D`` fit does not say which it is."""


_OF_ARTICLES = frozenset({Meaning.SKU, Meaning.GTIN, Meaning.AMOUNT, Meaning.QUANTITY})


def by_names(columns: Iterable[str]) -> dict[str, Meaning | None]:
    """What columns of these names are likely to hold. Beside articles and amounts a ``name`` is no person's, and a ``title``
    no form of address.
    """
    found = {one: by_name(one) for one in columns}
    if _OF_ARTICLES & set(found.values()) and not {Meaning.SURNAME, Meaning.GIVEN_NAME} & set(found.values()):
        of_articles = {Meaning.NAME: ("name",), Meaning.GENDER: ("title", "titel")}
        found |= {
            one: Meaning.TEXT
            for one, meaning in found.items()
            if meaning is not None and one.casefold() in of_articles.get(meaning, ())
        }
    return found


def by_name(column: str) -> Meaning | None:
    """What a column of this name is likely to hold."""
    folded = column.casefold()
    whole = next((one for one, pattern in _NAMES if re.fullmatch(rf"({pattern})(_?[0-9])?", folded)), None)
    if whole is not None and whole is not Meaning.ID:
        return whole
    return next((one for one, pattern in _WITHIN if re.search(rf"(^|_)({pattern})(_|$)", folded)), whole)
