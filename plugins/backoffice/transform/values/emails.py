"""E-mail addresses: what can be delivered to, in one way of writing.

Syntax: RFC 5322 section 3.2.3 (dot-atom), sizes: RFC 5321 section 4.5.3.1, domains: RFC 1123 section 2.1 and, beyond
ASCII, IDNA 2008 (RFC 5891) after the mapping that browsers apply (UTS 46). Whether there is a mailbox is not asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from backoffice.transform.values.email_lists import ROLES, SLIPS

__all__ = ["Domains", "emails", "is_role", "read_email"]

Domains = Literal["ascii", "unicode"]
"""How to write a domain with other letters than a to z: ``xn--mnchen-3ya.de`` or ``münchen.de``."""

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_WHITE = r"[\s\u200b\u200c\u200d\u2060\ufeff\u00ad]*"
_SPACED_AT = re.compile(f"{_WHITE}@{_WHITE}")
_SPACED_DOT = re.compile(f"{_WHITE}[.,]+{_WHITE}")
_NAMED = re.compile(r"[^<>]*<([^<>]+)>\s*")
_AROUND = " \t\r\n\u00a0\u200b\ufeff<>\"'"
_BEHIND = _AROUND + ".,;:"
_LONGEST = 254
"""Octets: a path has at most 256, with its angle brackets."""
_TYPED = 1_000


def emails(texts: Iterable[str], *, domains: Domains, mend: bool, lower: bool) -> list[str | None]:
    """Read many addresses; ``None`` for what is none. See :func:`read_email`."""
    return [read_email(text, domains=domains, mend=mend, lower=lower) for text in texts]


def read_email(text: str, *, domains: Domains = "ascii", mend: bool = False, lower: bool = False) -> str | None:
    """Read one address, as people paste it: with ``mailto:``, in angle brackets after a name, with a full stop behind.

    :param mend: put right what :data:`~backoffice.transform.values.email_lists.SLIPS` lists, blanks around the @ and
        around dots of the domain, and commas for such dots; nothing else.
    :param lower: the part before the @ too. (RFC 5321 section 2.4 leaves its case to the receiver; hardly any cares.)
    """
    if len(text) > _TYPED:
        return None
    named = _NAMED.fullmatch(text)
    text = (named[1] if named else text).strip(_AROUND).rstrip(_BEHIND)
    if text[:7].lower() == "mailto:":
        text = text[7:].split("?", 1)[0]
    if mend:
        text = _SPACED_AT.sub("@", text)
    local, at, domain = text.rpartition("@")
    if mend:
        domain = _SPACED_DOT.sub(".", domain).strip(".")
    if not at or len(local) > 64 or not _ATOMS.fullmatch(local):
        return None
    written = _domain(domain, domains, mend)
    if written is None or len(local) + 1 + len(written.encode()) > _LONGEST:
        return None
    return f"{local.lower() if lower else local}@{written}"


@lru_cache(maxsize=4096)
def _domain(text: str, how: Domains, mend: bool) -> str | None:
    plain = text.lower()
    if mend:
        plain = SLIPS.get(plain, plain)
    if not plain.isascii() or "xn--" in plain:
        plain = _to_ascii(plain) or ""
    labels = plain.split(".")
    if len(plain) > 253 or len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)):
        return None
    if labels[-1].isdigit() or len(labels[-1]) < 2:
        return None
    return _to_unicode(plain) if how == "unicode" and "xn--" in plain else plain


def _to_ascii(domain: str) -> str | None:
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None


def _to_unicode(domain: str) -> str | None:
    import idna

    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return None


def is_role(address: str) -> bool:
    """Whether the address is an office's rather than a person's (RFC 2142, and what is usual in Europe)."""
    local = address.rpartition("@")[0].lower().partition("+")[0]
    return local in ROLES or local.replace("-", "").replace("_", "").replace(".", "") in ROLES
