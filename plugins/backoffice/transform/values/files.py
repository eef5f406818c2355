"""File names of images: in one way of writing, for every system and every shop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

__all__ = ["EXTENSIONS", "file_name", "file_names", "stem_of"]

EXTENSIONS: dict[str, str] = {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg", "tiff": "tif", "htm": "html"}
"""Extensions that mean another."""

_NOT_NAMED = re.compile("[^a-z0-9._-]+")


def stem_of(text: str) -> str:
    """A name of lower-case ASCII letters, digits, ``-``, ``_`` and ``.``; empty where nothing is left of it."""
    from anyascii import anyascii

    plain = _NOT_NAMED.sub("-", anyascii(text).lower())
    return (
        re.sub(r"-*([._])-*", r"\1", re.sub("[.]{2,}", ".", re.sub("-{2,}", "-", plain)))
        .strip("-._")[:100]
        .strip("-._")
    )


def file_name(text: str, allowed: str) -> tuple[str, str] | None:
    """The name without folder and extension, and the extension, of a path or an address.

    :param allowed: extensions, with blanks between.
    """
    ready = text.strip()
    if re.match("(?i)https?://", ready):
        try:
            ready = unquote(urlsplit(ready).path)
        except ValueError:
            return None
    last = PurePosixPath(ready.replace("\\", "/")).name
    name, dot, extension = last.rpartition(".")
    extension = extension.strip().lower()
    extension = EXTENSIONS.get(extension, extension)
    if not dot or extension not in allowed.split():
        return None
    stem = stem_of(name)
    return (stem, extension) if stem else None


def file_names(rows: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str] | None]:
    """:func:`file_name` for many cells."""
    return [file_name(*row) for row in rows]


def stems(rows: Sequence[tuple[str]]) -> Iterable[str | None]:
    """:func:`stem_of` for many cells."""
    return [stem_of(text) or None for (text,) in rows]
