"""Tokens that stand for a client's values, and every form in which one may have been written down.

All tokens of one run begin alike, with sixteen letters that nobody has ever written before. What is searched for is that
beginning: one expression for all tokens and forms, at half a gigabyte a second; and in a compressed block at least its first
occurrence stands there whole. The letters behind it say which token was found.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from threading import Lock

import re2

__all__ = ["FORMS", "OVERLAP", "PART", "Tokens", "encoded", "is_control"]

OVERLAP = 512
"""No form of a token is as long, in bytes: what is around a hit to name it, and what two pieces of one file have to share."""

PART = "part of a token"
_CONTROL = "control, "

FORMS = (
    "plain",
    "upper case",
    "capitalised",
    "UTF-16, little end first",
    "UTF-16, big end first",
    "UTF-32",
    "hexadecimal",
    "hexadecimal of UTF-16",
    *(f"base64, offset {offset}" for offset in range(3)),
    *(f"base64 of UTF-16, offset {offset}" for offset in range(3)),
    *(f"base64 of UTF-16, big end first, offset {offset}" for offset in range(3)),
)


def encoded(text: str, form: str) -> bytes:
    """A text in one of the :data:`FORMS`. Of base64 the part that does not depend on what stands around the text."""
    kind, _, offset = form.partition(", offset ")
    if offset:
        wide = {"base64": "utf-8", "base64 of UTF-16": "utf-16-le"}.get(kind, "utf-16-be")
        whole = base64.b64encode(b"\0" * int(offset) + text.encode(wide))
        return whole[4 if offset != "0" else 0 : -4]
    return {
        "plain": lambda: text.encode(),
        "upper case": lambda: text.upper().encode(),
        "capitalised": lambda: text.capitalize().encode(),
        "UTF-16, little end first": lambda: text.encode("utf-16-le"),
        "UTF-16, big end first": lambda: text.encode("utf-16-be"),
        "UTF-32": lambda: text.encode("utf-32-le"),
        "hexadecimal": lambda: text.encode().hex().encode(),
        "hexadecimal of UTF-16": lambda: text.encode("utf-16-le").hex().encode(),
    }[kind]()


class Tokens:
    """The tokens of one run: high entropy, letters only, so that they survive cleaning. Case is ignored when looking.

    Controls, which are put somewhere to be found, begin with letters of their own.
    """

    def __init__(self) -> None:
        self._values, self._controls = _letters(16), _letters(16)
        self._kinds: dict[str, str] = {}
        self._shapes: dict[str, list[tuple[str, bytes]]] = {}
        self._lock = Lock()
        options = re2.Options()
        options.case_sensitive = False
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = 256 << 20
        marks = [case for mark in (self._values, self._controls) for case in _cases(mark)]
        wanted = sorted({_core(mark, form) for mark in marks for form in FORMS})
        expression = "|".join("".join(f"\\x{byte:02x}" for byte in piece) for piece in wanted)
        self._parts = {PART: _shapes(self._values), f"{_CONTROL}part": _shapes(self._controls)}
        self._expression = re2.compile(expression.encode("latin-1"), options)

    def token(self, kind: str) -> str:
        """The token of a kind: 24 small letters. The same for the same kind."""
        return self._made(kind, self._values)

    def control(self, kind: str) -> str:
        """The same, for what is put there to be found: see :func:`is_control`."""
        return self._made(f"{_CONTROL}{kind}", self._controls)

    @property
    def kinds(self) -> list[str]:
        """Of which kinds there are tokens by now."""
        return list(self._kinds)

    def found_in(self, data: bytes) -> set[str]:
        """Which tokens are in some bytes: ``kind (form)``. What is there in part only, is named as such."""
        found: set[str] = set()
        place = 0
        while place < len(data) and (hit := self._expression.search(data, place)):
            around = data[max(0, hit.start() - OVERLAP) : hit.end() + OVERLAP]
            names, part = _named(around, self._known()), _named(data[hit.start() : hit.end()], self._parts)
            if not {is_control(name) for name in part} <= {is_control(name) for name in names}:
                names |= part  # what stands here is of no token that is known, though one may stand beside it
            found |= names
            place = hit.end()
        return found

    def forget(self, kind: str) -> None:
        """A control that has done its work; what is left of it in logs and deleted rows is found as part of one."""
        with self._lock:
            del self._kinds[f"{_CONTROL}{kind}"], self._shapes[f"{_CONTROL}{kind}"]

    def _made(self, kind: str, mark: str) -> str:
        with self._lock:  # a search may run beside what makes drops
            if kind not in self._kinds:
                self._kinds[kind] = mark + _letters(8)
                self._shapes[kind] = _shapes(self._kinds[kind])
            return self._kinds[kind]

    def _known(self) -> dict[str, list[tuple[str, bytes]]]:
        with self._lock:
            return dict(self._shapes)


def is_control(name: str) -> bool:
    """Whether what was found was put there to be found."""
    return name.startswith(_CONTROL)


def _letters(count: int) -> str:
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(count))


def _shapes(token: str) -> list[tuple[str, bytes]]:
    return [(form, _core(case, form).lower()) for form in FORMS for case in _cases(token)]


def _named(data: bytes, shapes: dict[str, list[tuple[str, bytes]]]) -> set[str]:
    low = data.lower()
    return {f"{kind} ({form})" for kind, known in shapes.items() for form, piece in known if piece in low}


def _core(text: str, form: str) -> bytes:
    """What of an encoded text is there in whichever company: UTF-16 and UTF-32 without the zeros before and after."""
    return encoded(text, form).strip(b"\0")


def _cases(text: str) -> Iterable[str]:
    return text, text.upper(), text.capitalize()
