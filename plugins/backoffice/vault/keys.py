"""The embedded key store: wrapped keys in a PostgreSQL database of its own (crypto-shredding, P7, P16, P17).

The master key wraps each project's key-encryption key (KEK); the KEK wraps the project's OpenPGP and index keys, the
password of its workbooks, and each job's data key. So one row deleted makes a job unreadable, and a few make a whole
project so, in every copy.

Destroying goes: fence (the tombstone is on disk), delete (committed), probe. A crash between any two leaves a key that
is no longer served; a repeat finishes it. Creating and destroying the same key take the same database lock.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, and_, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from backoffice.discretion import kind_of
from backoffice.errors import KeyDestroyed, VaultError
from backoffice.ids import new_id
from backoffice.vault import wrapping
from backoffice.vault.master import MasterKey
from backoffice.vault.project_keys import DestructionProof, Probe, ProjectKeys
from backoffice.vault.tables import JOB_KEY, METADATA, PROBE, PROJECT_KEY
from backoffice.vault.tombstones import Tombstone, Tombstones

__all__ = ["DestructionProof", "EmbeddedKeys", "MasterKey", "Probe", "ProjectKeys"]

_T = TypeVar("_T")
_KEK, _OPENPGP, _INDEX, _PASSWORD = "kek", "openpgp", "index", "password"
_EPOCH = 1
_KNOWN = b"backoffice/probe/1: this text opens for as long as its key exists"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class EmbeddedKeys:
    """:class:`ProjectKeys` over a database, a master key and the tombstones. Holds no key longer than a call,
    but for index keys, which are dropped when their project is fenced.

    :param engine: made with ``hide_parameters=True``, so that no SQL error can print a parameter.
    """

    def __init__(self, engine: Engine, master: MasterKey, tombstones: Path) -> None:
        if not engine.hide_parameters:
            raise VaultError("The key store's engine prints parameters.", hint="create_engine(…, hide_parameters=True)")
        self._engine = engine
        self._master = master
        self._tombstones = Tombstones(tombstones)
        self._index_keys: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"EmbeddedKeys({self._master!r})"

    def create_schema(self) -> None:
        """Make the tables and the tombstones file where there are none.

        :raises VaultError: the store holds keys but the tombstones are missing: destroyed keys could come back.
        """

        def work(connection: Connection) -> None:
            _lock(connection, "schema")
            METADATA.create_all(connection, checkfirst=True)
            if connection.scalar(select(func.count()).select_from(PROBE)):
                self._tombstones.find("", None)  # raises where the file is missing: says which, and what to do
            self._tombstones.create()

        self._transact(work)

    # ------------------------------------------------------------------ create

    def create(self, project: str) -> str:
        """See :meth:`ProjectKeys.create`."""
        project = _checked(project)
        return self._transact(lambda connection: self._create(connection, project))

    def _create(self, connection: Connection, project: str) -> str:
        from backoffice.vault.openpgp import generate

        _lock(connection, project)
        self._fence(project, None)
        standing = self._project_row(connection, project, _OPENPGP)
        if standing is not None:
            return standing.certificate
        kek, kek_id, now = wrapping.new_key(), str(new_id()), datetime.now(UTC)
        wrapped = self._master.wrap(kek, project, _KEK, kek_id, _EPOCH)
        rows = [{"kind": _KEK, "key_id": kek_id, "wrapped": wrapped, "wrapped_by": self._master.id}]
        openpgp = generate(project)
        for kind, value in ((_OPENPGP, openpgp.secret), (_INDEX, wrapping.new_key())):
            key_id = str(new_id())
            wrapped = wrapping.wrap(kek, value, project, kind, key_id, _EPOCH)
            rows.append({"kind": kind, "key_id": key_id, "wrapped": wrapped, "wrapped_by": kek_id})
        shared = {"project": project, "epoch": _EPOCH, "created_at": now}
        for row in rows:
            certificate = openpgp.certificate if row["kind"] == _OPENPGP else None
            connection.execute(insert(PROJECT_KEY).values(**row, **shared, certificate=certificate))
        _add_probe(connection, kek, project, None, kek_id, now)
        return openpgp.certificate

    def create_job(self, project: str, job: UUID | str) -> None:
        """See :meth:`ProjectKeys.create_job`."""
        project, name = _checked(project), _checked(str(job))
        self._transact(lambda connection: self._create_job(connection, project, name))

    def _create_job(self, connection: Connection, project: str, job: str) -> None:
        _lock(connection, project, job)
        self._fence(project, job)
        if self._job_row(connection, project, job) is not None:
            return
        row = _there(self._project_row(connection, project, _KEK), project)
        kek = self._open_kek(row)
        key, key_id, now = wrapping.new_key(), str(new_id()), datetime.now(UTC)
        wrapped = wrapping.wrap(kek, key, project, "job", job, key_id, row.epoch)
        values = {"project": project, "job": job, "epoch": row.epoch, "key_id": key_id, "created_at": now}
        connection.execute(insert(JOB_KEY).values(**values, wrapped=wrapped, wrapped_by=row.key_id))
        _add_probe(connection, key, project, job, key_id, now)

    # ------------------------------------------------------------------ use

    def certificate(self, project: str) -> str:
        """See :meth:`ProjectKeys.certificate`."""
        project = _checked(project)
        row = self._transact(lambda connection: self._project_row(connection, project, _OPENPGP))
        self._fence(project, None)
        return _there(row, project).certificate

    def secret(self, project: str) -> bytes:
        """See :meth:`ProjectKeys.secret`."""
        return self._project_key(_checked(project), _OPENPGP)

    def unwrap(self, project: str, job: UUID | str) -> bytes:
        """See :meth:`ProjectKeys.unwrap`."""
        project, name = _checked(project), _checked(str(job))

        def work(connection: Connection) -> tuple[Row | None, Row | None]:
            return self._project_row(connection, project, _KEK), self._job_row(connection, project, name)

        above, row = self._transact(work)
        self._fence(project, name)  # after reading: what is destroyed from here on was still served in time
        row = _there(row, project, name)
        return _open_job(self._open_kek(_there(above, project)), row)

    def seal(self, project: str, job: UUID | str | None, data: bytes) -> bytes:
        """See :meth:`ProjectKeys.seal`."""
        return wrapping.wrap(self._sealing_key(project, job), data, *_scope(project, job))

    def unseal(self, project: str, job: UUID | str | None, sealed: bytes) -> bytes:
        """See :meth:`ProjectKeys.unseal`."""
        return wrapping.unwrap(self._sealing_key(project, job), sealed, *_scope(project, job))

    def index(self, project: str, data: bytes) -> bytes:
        """See :meth:`ProjectKeys.index`."""
        project = _checked(project)
        if self._tombstones.find(project, None) is not None:
            self._index_keys.pop(project, None)
        key = self._index_keys.get(project)
        if key is None:
            key = self._index_keys[project] = self._project_key(project, _INDEX)
        return hmac.digest(key, data, "sha256")

    # ------------------------------------------------------------------ password

    def keep_password(self, project: str, password: bytes) -> None:
        """See :meth:`ProjectKeys.keep_password`."""
        project = _checked(project)
        self._transact(lambda connection: self._keep_password(connection, project, password))

    def _keep_password(self, connection: Connection, project: str, password: bytes) -> None:
        _lock(connection, project)  # as forgetting and destroying: the last of them to come counts
        self._fence(project, None)
        above = _there(self._project_row(connection, project, _KEK), project)
        standing = self._project_row(connection, project, _PASSWORD)
        epoch = _EPOCH if standing is None else standing.epoch + 1
        key_id = str(new_id())
        wrapped = wrapping.wrap(self._open_kek(above), password, project, _PASSWORD, key_id, epoch)
        connection.execute(delete(PROJECT_KEY).where(_kind(project, _PASSWORD)))  # the one before is of no use any more
        values = {"project": project, "kind": _PASSWORD, "epoch": epoch, "key_id": key_id, "wrapped": wrapped}
        now = datetime.now(UTC)
        connection.execute(insert(PROJECT_KEY).values(**values, wrapped_by=above.key_id, created_at=now))

    def password(self, project: str) -> bytes | None:
        """See :meth:`ProjectKeys.password`."""
        project = _checked(project)
        above, row = self._transact(lambda connection: self._project_rows(connection, project, _PASSWORD))
        self._fence(project, None)
        kek = self._open_kek(_there(above, project))
        return None if row is None else wrapping.unwrap(kek, row.wrapped, project, _PASSWORD, row.key_id, row.epoch)

    def forget_password(self, project: str) -> bool:
        """See :meth:`ProjectKeys.forget_password`."""
        project = _checked(project)

        def work(connection: Connection) -> bool:
            _lock(connection, project)
            self._fence(project, None)
            _there(self._project_row(connection, project, _KEK), project)
            return bool(connection.execute(delete(PROJECT_KEY).where(_kind(project, _PASSWORD))).rowcount)

        return self._transact(work)

    # ------------------------------------------------------------------ destroy

    def destroy_job(self, project: str, job: UUID | str) -> DestructionProof:
        """See :meth:`ProjectKeys.destroy_job`."""
        return self._destroy(_checked(project), _checked(str(job)))

    def destroy(self, project: str) -> DestructionProof:
        """See :meth:`ProjectKeys.destroy`."""
        return self._destroy(_checked(project), None)

    def is_destroyed(self, project: str, job: UUID | str | None = None) -> bool:
        """See :meth:`ProjectKeys.is_destroyed`."""
        project, name = _checked(project), None if job is None else _checked(str(job))
        probe = self._transact(lambda connection: self._probe(connection, project, name, opened_before=None))
        return probe.fenced and not probe.rows_left and not probe.opens_after

    def _destroy(self, project: str, job: str | None) -> DestructionProof:
        stone, opened_before = self._transact(lambda connection: self._fence_and_delete(connection, project, job))
        self._after_delete()
        if job is None:
            self._index_keys.pop(project, None)
        probe = self._transact(lambda connection: self._probe(connection, project, job, opened_before=opened_before))
        if probe.opens_after or probe.rows_left or not probe.fenced:
            raise VaultError(
                f"After destroying {_named(project, job)}, {probe.rows_left} of its keys are in the store.",
                hint="Repeat it; if this stays, something restores the key store while it runs.",
            )
        return DestructionProof(
            project=project,
            job=job,
            key_id=stone.key,
            algorithm=wrapping.ALGORITHM,
            destroyed_at=stone.destroyed_at,
            probe=probe,
        )

    def _fence_and_delete(self, connection: Connection, project: str, job: str | None) -> tuple[Tombstone, bool | None]:
        _lock(connection, project, job)
        held = self._probed(connection, project, job)
        row = self._job_row(connection, project, job) if job else self._project_row(connection, project, _KEK)
        opened_before: bool | None = None
        if row is not None and held is not None:
            opened_before = self._probe_opens(connection, project, job, held)
        found = row or held
        key_id = None if found is None else found.key_id
        stone = self._tombstones.add(Tombstone(project, job, key_id, datetime.now(UTC)))
        self._after_fence()
        if job is not None:
            connection.execute(delete(JOB_KEY).where(_is(project, job)))
        else:
            for table in (JOB_KEY, PROJECT_KEY):
                connection.execute(delete(table).where(table.c.project == project))
            connection.execute(delete(PROBE).where(PROBE.c.project == project, PROBE.c.job.is_not(None)))
        return stone, opened_before

    def _after_fence(self) -> None:
        """Where a crash test stops the process: the tombstone is on disk, nothing is deleted."""

    def _after_delete(self) -> None:
        """Where a crash test stops the process: the keys are deleted, nothing is probed."""

    # ------------------------------------------------------------------ probe

    def _probe(self, connection: Connection, project: str, job: str | None, *, opened_before: bool | None) -> Probe:
        """Try to get at the key as if there were no fence, and look at the fence as well."""
        jobs = select(func.count()).select_from(JOB_KEY).where(JOB_KEY.c.project == project)
        left = connection.scalar(jobs.where(JOB_KEY.c.job == job) if job is not None else jobs) or 0
        if job is None:
            others = select(func.count()).select_from(PROJECT_KEY).where(PROJECT_KEY.c.project == project)
            left += connection.scalar(others) or 0
        held = self._probed(connection, project, job)
        return Probe(
            made_at=None if held is None else held.made_at,
            opened_before=opened_before,
            opens_after=held is not None and self._probe_opens(connection, project, job, held),
            rows_left=left,
            fenced=self._tombstones.find(project, job) is not None,
        )

    def _probed(self, connection: Connection, project: str, job: str | None) -> Row | None:
        which = PROBE.c.job.is_(None) if job is None else PROBE.c.job == job
        latest = select(PROBE).where(PROBE.c.project == project, which).order_by(PROBE.c.made_at.desc()).limit(1)
        return connection.execute(latest).one_or_none()

    def _probe_opens(self, connection: Connection, project: str, job: str | None, held: Row) -> bool:
        """Whether the old ciphertext opens with what the store holds; asks no tombstone."""
        try:
            key = self._open_kek(_there(self._project_row(connection, project, _KEK), project))
            if job is not None:
                key = _open_job(key, _there(self._job_row(connection, project, job), project, job))
            return wrapping.unwrap(key, held.ciphertext, "probe", project, job or "", held.key_id) == _KNOWN
        except VaultError:
            return False

    # ------------------------------------------------------------------ parts

    def _transact(self, work: Callable[[Connection], _T]) -> _T:
        """One transaction. An SQL error becomes ours after it is over, and takes nothing of the statement with it."""
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            failure = kind_of(error)
        raise VaultError(
            f"The key store did not answer ({failure}).",
            hint="Is its database up, and its schema created? See `backoffice stack status`.",
        )

    def _fence(self, project: str, job: str | None) -> None:
        stone = self._tombstones.find(project, job)
        if stone is not None:
            raise KeyDestroyed(
                f"The key of {_named(project, stone.job)} was destroyed on {stone.destroyed_at:%Y-%m-%d %H:%M:%S} UTC.",
                hint="What it protected cannot be read again. A new project or job needs a new id.",
            )

    def _project_key(self, project: str, kind: str) -> bytes:
        above, row = self._transact(lambda connection: self._project_rows(connection, project, kind))
        self._fence(project, None)
        row, kek = _there(row, project), self._open_kek(_there(above, project))
        return kek if kind == _KEK else wrapping.unwrap(kek, row.wrapped, project, kind, row.key_id, row.epoch)

    def _sealing_key(self, project: str, job: UUID | str | None) -> bytes:
        key = self._project_key(_checked(project), _KEK) if job is None else self.unwrap(project, job)
        return wrapping.derive(key, "backoffice/seal/1")

    def _open_kek(self, row: Row) -> bytes:
        if row.wrapped_by != self._master.id:
            raise VaultError(
                f"The keys of project {row.project} are under master key {row.wrapped_by}, not {self._master.id}.",
                hint="Point BACKOFFICE_MASTER_KEY_FILE at the master key that belongs to this key store.",
            )
        return self._master.unwrap(row.wrapped, row.project, _KEK, row.key_id, row.epoch)

    def _project_row(self, connection: Connection, project: str, kind: str) -> Row | None:
        newest = select(PROJECT_KEY).where(_kind(project, kind)).order_by(PROJECT_KEY.c.epoch.desc()).limit(1)
        return connection.execute(newest).one_or_none()

    def _project_rows(self, connection: Connection, project: str, kind: str) -> tuple[Row | None, Row | None]:
        return self._project_row(connection, project, _KEK), self._project_row(connection, project, kind)

    def _job_row(self, connection: Connection, project: str, job: str) -> Row | None:
        return connection.execute(select(JOB_KEY).where(_is(project, job))).one_or_none()


def _open_job(kek: bytes, row: Row) -> bytes:
    return wrapping.unwrap(kek, row.wrapped, row.project, "job", row.job, row.key_id, row.epoch)


def _add_probe(connection: Connection, key: bytes, project: str, job: str | None, key_id: str, now: datetime) -> None:
    ciphertext = wrapping.wrap(key, _KNOWN, "probe", project, job or "", key_id)
    connection.execute(
        insert(PROBE).values(key_id=key_id, project=project, job=job, ciphertext=ciphertext, made_at=now)
    )


def _kind(project: str, kind: str):
    return and_(PROJECT_KEY.c.project == project, PROJECT_KEY.c.kind == kind)


def _is(project: str, job: str):
    return and_(JOB_KEY.c.project == project, JOB_KEY.c.job == job)


def _lock(connection: Connection, project: str, job: str | None = None) -> None:
    """Held until the transaction ends, the same in every process (PostgreSQL advisory locks): a project's for itself,
    a job's for itself and its project's shared, so that no job is created in a project while that is destroyed."""
    own = func.pg_advisory_xact_lock if job is None else func.pg_advisory_xact_lock_shared
    connection.execute(select(own(_number(project))))
    if job is not None:
        connection.execute(select(func.pg_advisory_xact_lock(_number(project, job))))


def _number(*names: str) -> int:
    return int.from_bytes(sha256("\0".join(("backoffice/vault", *names)).encode()).digest()[:8], "big", signed=True)


def _there(row: Row | None, project: str, job: str | None = None) -> Row:
    if row is None:
        made = "the project is onboarded" if job is None else "its drop is claimed"
        raise VaultError(
            f"There is no key for {_named(project, job)}.",
            hint=f"It is made when {made}: has it been, in this key store?",
        )
    return row


def _named(project: str, job: str | None) -> str:
    return f"project {project}" if job is None else f"job {job} of project {project}"


def _scope(project: str, job: UUID | str | None) -> tuple[str, ...]:
    return ("seal", project) if job is None else ("seal", project, str(job))


def _checked(name: str) -> str:
    """Ids become part of what is authenticated and of file lines: letters, digits, dot, dash and underscore only."""
    if not _ID.fullmatch(name):
        raise VaultError("An id for the vault has 1 to 128 letters, digits, dots, dashes or underscores.")
    return name
