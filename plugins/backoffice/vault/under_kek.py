"""What lies under a project's key-encryption key (KEK): writing it into rows, and opening it."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, Row, insert

from backoffice.errors import VaultError
from backoffice.ids import new_id
from backoffice.vault import wrapping
from backoffice.vault.rows import project_row
from backoffice.vault.tables import JOB_KEY, PROBE, PROJECT_KEY

__all__ = ["FIRST_EPOCH", "add_job_key", "add_key", "add_probe", "open_job", "open_key", "opens"]

FIRST_EPOCH = 1
_KNOWN = b"backoffice/probe/1: this text opens for as long as its key exists"


def add_key(
    connection: Connection, above: Row, kek: bytes, kind: str, value: bytes, *, certificate: str | None = None
) -> None:
    """One more key of a kind, under the KEK in ``above``; under the project's lock."""
    standing = project_row(connection, above.project, kind)
    epoch, key_id = FIRST_EPOCH if standing is None else standing.epoch + 1, str(new_id())
    wrapped = wrapping.wrap(kek, value, above.project, kind, key_id, epoch)
    values = {"project": above.project, "kind": kind, "epoch": epoch, "key_id": key_id, "wrapped": wrapped}
    now = datetime.now(UTC)
    connection.execute(
        insert(PROJECT_KEY).values(**values, wrapped_by=above.key_id, created_at=now, certificate=certificate)
    )


def add_job_key(connection: Connection, above: Row, kek: bytes, job: str) -> None:
    """A new data key of a job, and its probe; under the job's lock."""
    key, key_id, now = wrapping.new_key(), str(new_id()), datetime.now(UTC)
    wrapped = wrapping.wrap(kek, key, above.project, "job", job, key_id, above.epoch)
    values = {"project": above.project, "job": job, "epoch": above.epoch, "key_id": key_id, "created_at": now}
    connection.execute(insert(JOB_KEY).values(**values, wrapped=wrapped, wrapped_by=above.key_id))
    add_probe(connection, key, above.project, job, key_id, now)


def add_probe(connection: Connection, key: bytes, project: str, job: str | None, key_id: str, now: datetime) -> None:
    """Encrypt a known text under a new key: what shows, one day, that the key is gone."""
    ciphertext = wrapping.wrap(key, _KNOWN, "probe", project, job or "", key_id)
    connection.execute(
        insert(PROBE).values(key_id=key_id, project=project, job=job, ciphertext=ciphertext, made_at=now)
    )


def open_key(kek: bytes, row: Row) -> bytes:
    """One of a project's keys."""
    return wrapping.unwrap(kek, row.wrapped, row.project, row.kind, row.key_id, row.epoch)


def open_job(kek: bytes, row: Row) -> bytes:
    """A job's data key."""
    return wrapping.unwrap(kek, row.wrapped, row.project, "job", row.job, row.key_id, row.epoch)


def opens(key: bytes, probe: Row) -> bool:
    """Whether a key opens what was encrypted under it when it was made."""
    try:
        return wrapping.unwrap(key, probe.ciphertext, "probe", probe.project, probe.job or "", probe.key_id) == _KNOWN
    except VaultError:
        return False
