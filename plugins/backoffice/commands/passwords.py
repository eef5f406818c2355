"""Where a command gets a password from: a file, or whoever sits there. Never from its arguments or environment."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from backoffice.errors import BackofficeError
from backoffice.password import MOST_BYTES, AskPassword, Password

__all__ = ["ask_for_trial", "entered"]


def entered(prompt: str, *, confirm: bool = False) -> Password:
    """From a prompt that shows nothing of it; from standard input where that is no terminal.

    :raises BackofficeError: it is none that a program takes.
    """
    if not sys.stdin.isatty():
        return Password.of(sys.stdin.buffer.read(MOST_BYTES + 1))
    from getpass import getpass

    typed: list[str] = []
    fault = ""
    try:
        typed = [getpass(f"{one}: ") for one in ([prompt, "Again"] if confirm else [prompt])]
    except UnicodeDecodeError:
        fault = "The password is not valid UTF-8."
    except EOFError:
        fault = "No password was entered."
    if fault:
        raise BackofficeError(fault, hint="Try it again.")
    if len(set(typed)) > 1:
        raise BackofficeError("The two entries are not the same.", hint="Try it again.")
    return Password.of(typed[0].encode("utf-8", "surrogateescape"))


def ask_for_trial(file: Path | None) -> AskPassword:
    """For an author's test file: the password in ``file``, or from a prompt, once, when a file turns out to need it.

    It gives None where there is neither. Standard input is not read: it is no place where an author expects to be asked.
    """

    @cache
    def ask() -> Password | None:
        if file is not None:
            return Password.of(_content(file))
        return entered("Password of the workbook") if sys.stdin.isatty() else None

    return ask


def _content(file: Path) -> bytes:
    fault = ""
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        fault = error.strerror or type(error).__name__
    raise BackofficeError(f"{file} cannot be read: {fault}.", hint="It holds the password alone, in UTF-8.")
