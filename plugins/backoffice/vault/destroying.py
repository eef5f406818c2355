"""Destroying keys (crypto-shredding, P16, P17): fence, delete, look again.

Who destroys cannot open: it has the right to delete rows and to write tombstones, and neither a root key nor a look at
what is wrapped. That an old ciphertext no longer opens is for those to show who could open it before: see
:meth:`backoffice.vault.keys.ProjectKeys.probe`.

The tombstone is on disk before anything is deleted. A crash between any two steps leaves a key that is no longer served;
a repeat finishes it. Creating and destroying the same key take the same database lock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, select

from backoffice.errors import VaultError
from backoffice.vault import wrapping
from backoffice.vault.names import checked, named
from backoffice.vault.proofs import Destroyed
from backoffice.vault.root_key import IN_OPENBAO, RootKey
from backoffice.vault.rows import KEK, keys_left, kind_is, lock, this_job, transact
from backoffice.vault.tables import JOB_KEY, PROBE, PROJECT_KEY
from backoffice.vault.tombstones import Tombstone, Tombstones

__all__ = ["KeyEraser"]


class KeyEraser:
    """Destroys projects' and jobs' keys, and can do nothing else with them.

    :param engine: the key store, as who may delete from it.
    :param root: destroys what a project has there; ``None`` where the root holds nothing of a project's own.
    """

    def __init__(self, engine: Engine, root: RootKey | None, tombstones: Path) -> None:
        self._engine = engine
        self._root = root
        self._tombstones = Tombstones(tombstones)

    def destroy_job(self, project: str, job: UUID | str) -> Destroyed:
        """Destroy a job's data key. A repeat finishes a crash, and says the same.

        :raises VaultError: the store or the tombstones are away; nothing that is not fenced is deleted.
        """
        return self._destroy(checked(project), checked(str(job)))

    def destroy(self, project: str) -> Destroyed:
        """Destroy every key of a project, its jobs' too. A repeat finishes a crash, and says the same.

        :raises VaultError: as :meth:`destroy_job`.
        """
        return self._destroy(checked(project), None)

    def made_before(self, when: datetime) -> list[tuple[str, str]]:
        """(project, job) of the jobs' keys that are older than ``when``."""
        old = select(JOB_KEY.c.project, JOB_KEY.c.job).where(JOB_KEY.c.created_at < when)
        return transact(self._engine, lambda connection: [(row.project, row.job) for row in connection.execute(old)])

    def _destroy(self, project: str, job: str | None) -> Destroyed:
        stone = transact(self._engine, lambda connection: self._fence_and_delete(connection, project, job))
        if job is None and self._root is not None:
            self._root.destroy(project)
        self._after_delete()
        left = transact(self._engine, lambda connection: keys_left(connection, project, job))
        if left:
            raise VaultError(
                f"After destroying {named(project, job)}, {left} of its keys are in the store.",
                hint="Repeat it; if this stays, something restores the key store while it runs.",
            )
        return Destroyed(
            project=project,
            job=job,
            key=stone.key,
            algorithm=wrapping.ALGORITHM,
            destroyed_at=stone.destroyed_at,
        )

    def _fence_and_delete(self, connection: Connection, project: str, job: str | None) -> Tombstone:
        lock(connection, project, job)
        if job is None and self._root is None:
            _not_elsewhere(connection, project)
        found = _key_of(connection, project, job)
        key = None if found is None else found.key_id
        stone = self._tombstones.add(Tombstone(project, job, key, datetime.now(UTC)))
        self._after_fence()
        if job is not None:
            connection.execute(delete(JOB_KEY).where(this_job(project, job)))
        else:
            for table in (JOB_KEY, PROJECT_KEY):
                connection.execute(delete(table).where(table.c.project == project))
            connection.execute(delete(PROBE).where(PROBE.c.project == project, PROBE.c.job.is_not(None)))
        return stone

    def _after_fence(self) -> None:
        """Where a crash test stops the process: the tombstone is on disk, nothing is deleted."""

    def _after_delete(self) -> None:
        """Where a crash test stops the process: the keys are deleted, nobody has looked again."""


def _not_elsewhere(connection: Connection, project: str) -> None:
    """Deleting rows alone would leave the key that opens every copy of them."""
    own = select(PROJECT_KEY.c.key_id).where(kind_is(project, KEK), PROJECT_KEY.c.wrapped_by.startswith(IN_OPENBAO))
    if connection.execute(own).first() is not None:
        raise VaultError(
            f"The keys of project {project} are in OpenBao, which this process was not told of: nothing is destroyed.",
            hint="Start it anew with BACKOFFICE_OPENBAO_URL, …_ROLE and …_SECRET_FILE, then repeat.",
        )


def _key_of(connection: Connection, project: str, job: str | None) -> Row | None:
    """The row that knows the key's id: its own, or its probe's where a crash was between deleting and looking again.

    Only the columns that an eraser may read.
    """
    if job is not None:
        own = select(JOB_KEY.c.key_id).where(this_job(project, job))
    else:
        own = select(PROJECT_KEY.c.key_id).where(kind_is(project, KEK)).order_by(PROJECT_KEY.c.epoch.desc()).limit(1)
    which = PROBE.c.job.is_(None) if job is None else PROBE.c.job == job
    made = select(PROBE.c.key_id).where(PROBE.c.project == project, which).order_by(PROBE.c.made_at.desc()).limit(1)
    return connection.execute(own).one_or_none() or connection.execute(made).one_or_none()
