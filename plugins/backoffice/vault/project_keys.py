"""What every key store does for the rooms, whichever backs it, and what it proves when it destroys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

__all__ = ["DestructionProof", "Probe", "ProjectKeys"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What was tried after a key was destroyed, and what was seen.

    ``made_at`` is when the old ciphertext was made (None: no key was ever held, so there is none). ``opened_before``
    says whether it opened just before; None where the key was gone already, as when a crash is being finished.
    """

    made_at: datetime | None
    opened_before: bool | None
    opens_after: bool
    rows_left: int
    fenced: bool


@dataclass(frozen=True, kw_only=True)
class DestructionProof:
    """That one key is gone (P16, P17).

    ``key_id`` is None where the store held none under this id; the id is fenced all the same.
    """

    project: str
    job: str | None
    key_id: str | None
    algorithm: str
    destroyed_at: datetime
    probe: Probe

    def to_dict(self) -> dict[str, Any]:
        """JSON values for the ledger and the certificate; times are UTC, ISO 8601."""
        return {
            "project": self.project,
            "job": self.job,
            "key": self.key_id,
            "algorithm": self.algorithm,
            "destroyed_at": _iso(self.destroyed_at),
            "probe": {
                "made_at": _iso(self.probe.made_at),
                "opened_before": self.probe.opened_before,
                "opens_after": self.probe.opens_after,
                "rows_left": self.probe.rows_left,
                "fenced": self.probe.fenced,
            },
        }


class ProjectKeys(Protocol):
    """Keys per project and per job. Ids are texts or UUIDs; a destroyed id never comes back.

    Every method raises :class:`~backoffice.errors.KeyDestroyed` for what was destroyed (but for the ``destroy`` ones,
    which may be repeated), and :class:`~backoffice.errors.VaultError` where there is no such key or the store is away.
    """

    def create(self, project: str) -> str:
        """Make a project's keys, once; gives its OpenPGP certificate, ASCII armour. A repeat gives the same."""
        ...

    def certificate(self, project: str) -> str:
        """The OpenPGP certificate that clients encrypt to, ASCII armour."""
        ...

    def secret(self, project: str) -> bytes:
        """The project's OpenPGP secret key, for :func:`backoffice.vault.openpgp.open_message`."""
        ...

    def create_job(self, project: str, job: UUID | str) -> None:
        """Make a job's data key, once."""
        ...

    def unwrap(self, project: str, job: UUID | str) -> bytes:
        """A job's data key, 32 bytes. Keep it no longer than the task runs."""
        ...

    def seal(self, project: str, job: UUID | str | None, data: bytes) -> bytes:
        """Encrypt a small secret under a job's key (None: the project's): destroying the key destroys the secret."""
        ...

    def unseal(self, project: str, job: UUID | str | None, sealed: bytes) -> bytes:
        """Open what :meth:`seal` gave for the same project and job."""
        ...

    def index(self, project: str, data: bytes) -> bytes:
        """32 bytes that stand for ``data`` in a database (HMAC-SHA-256): the same for the same data."""
        ...

    def keep_password(self, project: str, password: bytes) -> None:
        """Keep the password of the client's workbooks among the project's keys, in place of another; gone when they are."""
        ...

    def password(self, project: str) -> bytes | None:
        """That password; None: none is kept. Keep it no longer than the task runs."""
        ...

    def forget_password(self, project: str) -> bool:
        """Delete it for good; the keys stay. Gives whether there was one."""
        ...

    def destroy_job(self, project: str, job: UUID | str) -> DestructionProof:
        """Destroy a job's data key: fence, delete, probe. A repeat finishes a crash, and gives the same proof."""
        ...

    def destroy(self, project: str) -> DestructionProof:
        """Destroy every key of a project, its jobs' too. A repeat finishes a crash, and gives the same proof."""
        ...

    def is_destroyed(self, project: str, job: UUID | str | None = None) -> bool:
        """Look again, now: the id is fenced, no row holds its key, and the old ciphertext does not open."""
        ...


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
