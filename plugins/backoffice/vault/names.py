"""Ids as the vault takes them, and how it speaks of what they name."""

from __future__ import annotations

import re

from backoffice.errors import VaultError

__all__ = ["checked", "named"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def checked(name: str) -> str:
    """The name itself. It becomes part of what is authenticated and of file lines.

    :raises VaultError: it is not letters, digits, dots, dashes and underscores.
    """
    if not _ID.fullmatch(name):
        raise VaultError("An id for the vault has 1 to 128 letters, digits, dots, dashes or underscores.")
    return name


def named(project: str, job: str | None) -> str:
    """A job's or a project's key in a sentence."""
    return f"project {project}" if job is None else f"job {job} of project {project}"
