"""From UTF-8 to what the client's programs read."""

from __future__ import annotations

import codecs
from functools import cache
from typing import Literal

__all__ = ["Encoder"]

_MARKS = {"utf-8-sig": codecs.BOM_UTF8, "utf-16": codecs.BOM_UTF16_LE}
_CODECS = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}
_RISKY = frozenset("=+-@\t\r\n")


class Encoder:
    """Turns UTF-8 into another encoding and counts the signs which that one does not have.

    :param begins_after: the signs behind which a cell begins. There nothing is left out and nothing becomes ``=``: a
        sign that looks like one must not turn a text into a formula.
    """

    def __init__(
        self, encoding: str, unencodable: Literal["stop", "transliterate", "replace"], *, begins_after: str
    ) -> None:
        self.mark = _MARKS.get(encoding, b"")
        """What the file begins with."""
        self._codec = _CODECS.get(encoding, encoding)
        self._unencodable = unencodable
        self._begins_after = begins_after
        self.replaced = 0
        self.refused = 0

    def __call__(self, text: bytes | memoryview) -> bytes | memoryview:
        """Whole lines, encoded."""
        if self._codec == "utf-8":
            return text
        codecs.register_error("backoffice-delivery", self._instead)
        return str(text, "utf-8").encode(self._codec, "backoffice-delivery")

    def _instead(self, error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - nothing else is asked of it
        signs, begin = error.object[error.start : error.end], error.start
        if self._unencodable == "stop":
            self.refused += len(signs)
        else:
            self.replaced += len(signs)
        if self._unencodable != "transliterate":
            return "?" * len(signs), error.end
        found = []
        for at, sign in enumerate(signs, start=begin):
            latin = _latin(sign)
            if any(one in self._begins_after for one in latin):
                latin = "?"
            first = at == 0 or error.object[at - 1] in self._begins_after
            found.append("?" if first and (not latin or latin[0] in _RISKY) else latin)
        return "".join(found), error.end


@cache
def _latin(sign: str) -> str:
    """The nearest letters of ASCII, which every encoding has."""
    from anyascii import anyascii

    found = anyascii(sign)
    return found if found.isalnum() or found in {"", " ", "-", "'", ".", "(", ")"} else "?"
