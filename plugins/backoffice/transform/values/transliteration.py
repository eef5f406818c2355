"""Any script to ASCII, for systems that take nothing else."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["to_ascii"]

_GERMAN = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ẞ": "SS", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}


def to_ascii(texts: Iterable[str], *, german: bool) -> list[str | None]:
    """Write many texts with the letters of ASCII only (by the tables of ``anyascii``); nothing left is ``None``.

    :param german: ä as ae, ö as oe, ü as ue, as on German passports and bank cards (ICAO 9303, EPC217-08); else a, o, u.
        ß is ss either way.
    """
    from anyascii import anyascii

    return [(text if text.isascii() else anyascii(_german(text) if german else text)) or None for text in texts]


def _german(text: str) -> str:
    import unicodedata

    text = unicodedata.normalize("NFC", text)
    found = []
    for index, sign in enumerate(text):
        written = _GERMAN.get(sign, sign)
        if len(written) == 2 and sign.isupper():
            around = text[index + 1 : index + 2] or text[index - 1 : index]
            written = written.upper() if around.isupper() else written
        found.append(written)
    return "".join(found)
