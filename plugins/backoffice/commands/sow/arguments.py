"""What the commands of this noun take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "PasswordFile", "SowFile", "TestFile", "existing"]

SowFile = Annotated[Path, typer.Argument(metavar="SOW", help="A SOW file, like sow/acme/contacts.yaml.")]
TestFile = Annotated[Path, typer.Argument(metavar="INPUT", help="A plain test file. Never a client's real one.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="Holds the password of a protected workbook; left out: you are asked for it."),
]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


def existing(file: Path) -> Path:
    """The file, if it can be read.

    :raises BackofficeError: it cannot.
    """
    from backoffice.errors import BackofficeError

    fault = ""
    if file.is_dir():
        raise BackofficeError(f"{file} is a folder.", hint="Give a file.")
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError as error:
        fault = error.strerror or type(error).__name__
    if fault:
        raise BackofficeError(f"{file} cannot be read: {fault}.", hint="Check the path.")
    return file
