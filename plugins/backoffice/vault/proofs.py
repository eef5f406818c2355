"""What is known of a key after its destruction: who deleted it says when, and somebody else what an attempt to open showed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

__all__ = ["Destroyed", "Probe"]


@dataclass(frozen=True, kw_only=True)
class Destroyed:
    """One key was deleted, and its id fenced (P16, P17).

    ``key`` is None where the store held none under this id; the id is fenced all the same. ``left`` counts what a look
    after the deletion found: it is 0, or the deletion would have failed.
    """

    project: str
    job: str | None
    key: str | None
    algorithm: str
    destroyed_at: datetime
    left: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON values for the ledger and the certificate; times are UTC, ISO 8601."""
        return _plain(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a look at one key shows: a text was encrypted under it when it was made, and is opened again, or is not.

    ``made_at`` is None where no key was ever held under this id, ``opened_at`` where none was used: when the text first opened.
    """

    made_at: datetime | None
    opened_at: datetime | None
    opens: bool
    left: int
    fenced: bool

    @property
    def destroyed(self) -> bool:
        """Nothing opens, no row holds the key, and none can be made again under its id."""
        return self.fenced and not self.left and not self.opens

    def to_dict(self) -> dict[str, Any]:
        """JSON values for the ledger and the certificate; times are UTC, ISO 8601."""
        return _plain(asdict(self))


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in fields.items()}


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
