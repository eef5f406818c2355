"""The password of a client's workbooks, as it was agreed: what may be one, and who asks for it. Nothing shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from backoffice.errors import BackofficeError

__all__ = ["MOST_BYTES", "AskPassword", "Password"]

_LONGEST = 255
"""In UTF-16 units ([MS-OFFCRYPTO] 2.3.4.7 and 2.3.4.11)."""
MOST_BYTES = 4096
"""More is no password, but the wrong file."""


@dataclass(frozen=True)
class Password:
    """A password that Office programs take. Its ``repr`` does not hold it."""

    text: str = field(repr=False)

    @classmethod
    def of(cls, raw: bytes) -> Self:
        """What was typed in, or is in a file: UTF-8; a line end after it is not part of it.

        :raises BackofficeError: it is empty, too long, not UTF-8, or holds what no keyboard types. It is not quoted.
        """
        try:
            text = raw.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            text = None
        if text is None:
            raise BackofficeError("The password is not valid UTF-8.", hint="Write it as UTF-8 text.")
        if not text:
            raise BackofficeError("The password is empty.", hint="Give the one that was agreed with the client.")
        if len(text.encode("utf-16-le")) // 2 > _LONGEST:
            hint = "Is it the right file? It holds the password alone."
            raise BackofficeError(f"The password is longer than {_LONGEST} signs, which no workbook's is.", hint=hint)
        if any(sign < " " or sign == "\x7f" for sign in text):
            hint = "One line, without tabs or other control characters."
            raise BackofficeError("The password holds control characters.", hint=hint)
        return cls(text)


AskPassword = Callable[[], Password | None]
"""Gives the password where one is needed, and only then; None: there is none."""
