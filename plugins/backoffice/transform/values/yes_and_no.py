"""Yes and no in the languages that lists come in."""

from __future__ import annotations

# ruff: noqa: RUF001 - Greek and Cyrillic letters are meant

__all__ = ["NO", "YES"]

YES: dict[str, tuple[str, ...]] = {
    "": ("true", "1"),
    "en": ("yes", "y", "on"),
    "bg": ("да",),
    "cs": ("ano", "a"),
    "da": ("ja", "j", "sand"),
    "de": ("ja", "j", "wahr"),
    "el": ("ναι", "ναί"),
    "es": ("sí", "si", "s", "verdadero"),
    "et": ("jah",),
    "fi": ("kyllä", "k"),
    "fr": ("oui", "o", "vrai"),
    "hr": ("da", "d"),
    "hu": ("igen", "i"),
    "it": ("sì", "si", "s", "vero"),
    "lt": ("taip",),
    "lv": ("jā",),
    "nl": ("ja", "j", "waar"),
    "nb": ("ja", "j", "sann"),
    "pl": ("tak", "t", "prawda"),
    "pt": ("sim", "s", "verdadeiro"),
    "ro": ("da", "d"),
    "sk": ("áno", "ano", "a"),
    "sl": ("da", "d"),
    "sv": ("ja", "j", "sant"),
}
"""By language; under the empty name what counts in all of them."""

NO: dict[str, tuple[str, ...]] = {
    "": ("false", "0"),
    "en": ("no", "n", "off"),
    "bg": ("не",),
    "cs": ("ne", "n"),
    "da": ("nej", "n", "falsk"),
    "de": ("nein", "n", "falsch"),
    "el": ("όχι", "οχι"),
    "es": ("no", "n", "falso"),
    "et": ("ei",),
    "fi": ("ei", "e"),
    "fr": ("non", "n", "faux"),
    "hr": ("ne", "n"),
    "hu": ("nem", "n"),
    "it": ("no", "n", "falso"),
    "lt": ("ne",),
    "lv": ("nē", "ne"),
    "nl": ("nee", "n", "onwaar"),
    "nb": ("nei", "n", "usann"),
    "pl": ("nie", "n", "fałsz"),
    "pt": ("não", "nao", "n", "falso"),
    "ro": ("nu", "n"),
    "sk": ("nie", "n"),
    "sl": ("ne", "n"),
    "sv": ("nej", "n", "falskt"),
}
