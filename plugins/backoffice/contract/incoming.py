"""What everything that comes in shares, whatever its form."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from backoffice.contract.kind import Kind
from backoffice.contract.model import Model, Text

__all__ = ["Incoming", "Member"]


def _member(pattern: str) -> str:
    if "\\" in pattern or pattern.startswith("/"):
        raise ValueError("the name of a file in a ZIP has `/` between folders, and `*` for any signs")
    return pattern


Member = Annotated[Text, AfterValidator(_member)]


class Incoming(Model):
    """A file of a drop, or several of one kind."""

    member: Member | None = None
    """Which file it is where the client sends a ZIP: its name, with ``*`` for any signs. Case does not matter."""
    max_bytes: int = Field(default=1024**3, ge=1)
    """The most that the file may have, unpacked."""

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns of the table that it becomes."""
        raise NotImplementedError

    @property
    def more_kinds(self) -> dict[str, dict[str, Kind]]:
        """The further tables that it becomes, and their columns."""
        return {}

    @property
    def agreed(self) -> dict[str, tuple[Any, ...]]:
        """Every column of the client's data, and the way to where it stands in the SOW: the DPA has to allow it (P11)."""
        raise NotImplementedError
