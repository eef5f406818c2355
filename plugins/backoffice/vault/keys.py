"""The key store: wrapped keys in a PostgreSQL database of its own (crypto-shredding, P7, P16, P17).

A root key (:mod:`.master`, :mod:`.openbao`) wraps each project's key-encryption key (KEK); the KEK wraps the project's OpenPGP
and index keys, the password of its workbooks, and each job's data key. So one row deleted makes a job unreadable, and a
few make a whole project so, in every copy.

Making and opening keys is done here, destroying them in :mod:`.destroying`, by other processes with other rights.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, and_, delete, func, insert, select, update

from backoffice.errors import KeyDestroyed, KeyMissing, VaultError
from backoffice.ids import new_id
from backoffice.vault import wrapping
from backoffice.vault.names import checked, named
from backoffice.vault.proofs import Probe
from backoffice.vault.roles import grant
from backoffice.vault.root_key import RootKey, Wrapped
from backoffice.vault.rows import (
    INDEX,
    KEK,
    OPENPGP,
    PASSWORD,
    job_row,
    keys_left,
    kind_is,
    latest_probe,
    lock,
    lock_root,
    project_row,
    transact,
)  # fmt: skip
from backoffice.vault.tables import METADATA, PROBE, PROJECT_KEY
from backoffice.vault.tombstones import Tombstones
from backoffice.vault.under_kek import FIRST_EPOCH, add_job_key, add_key, add_probe, open_job, open_key, opens

__all__ = ["CERTIFIED", "ProjectKeys"]

CERTIFIED = timedelta(days=3 * 365)
"""How long a project's certificate lasts; a new one is made before: ``backoffice project certificate --renew``."""


class ProjectKeys:
    """Keys per project and per job. Ids are texts or UUIDs; a destroyed id never comes back. Holds no key longer than a call,
    but for index keys, which are dropped when their project is fenced.

    Every method raises :class:`~backoffice.errors.KeyDestroyed` for what was destroyed, and
    :class:`~backoffice.errors.VaultError` where there is no such key, the store or the root is away, or this process may not.

    :param engine: made with ``hide_parameters=True``, so that no SQL error can print a parameter.
    """

    def __init__(self, engine: Engine, root: RootKey, tombstones: Path) -> None:
        if not engine.hide_parameters:
            raise VaultError("The key store's engine prints parameters.", hint="create_engine(…, hide_parameters=True)")
        self._engine = engine
        self._root = root
        self._tombstones = Tombstones(tombstones)
        self._index_keys: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"ProjectKeys({self._root!r})"

    def create_schema(self) -> None:
        """Make the tables and the tombstones file where there are none.

        :raises VaultError: the store holds keys but the tombstones are missing: destroyed keys could come back.
        """

        def work(connection: Connection) -> None:
            lock(connection, "schema")
            METADATA.create_all(connection, checkfirst=True)
            grant(connection)
            if connection.scalar(select(func.count()).select_from(PROBE)):
                self._tombstones.find("", None)  # raises where the file is missing: says which, and what to do
            self._tombstones.create()

        transact(self._engine, work)

    # ------------------------------------------------------------------ create

    def create(self, project: str) -> str:
        """Make a project's keys, once; gives its OpenPGP certificate, ASCII armour. A repeat gives the same."""
        project = checked(project)
        return transact(self._engine, lambda connection: self._create(connection, project))

    def _create(self, connection: Connection, project: str) -> str:
        from backoffice.vault.openpgp import generate

        lock(connection, project)
        self._fence(project, None)
        standing = project_row(connection, project, OPENPGP)
        if standing is not None:
            return standing.certificate
        lock_root(connection, change=False)
        self._root.add(project)
        kek, kek_id, now = wrapping.new_key(), str(new_id()), datetime.now(UTC)
        wrapped = self._root.wrap(project, kek, KEK, kek_id, FIRST_EPOCH)
        values = {"project": project, "kind": KEK, "epoch": FIRST_EPOCH, "key_id": kek_id, "created_at": now}
        connection.execute(insert(PROJECT_KEY).values(**values, wrapped=wrapped.data, wrapped_by=wrapped.by))
        above, openpgp = _there(project_row(connection, project, KEK), project), generate(project, lasts=CERTIFIED)
        add_key(connection, above, kek, OPENPGP, openpgp.secret, certificate=openpgp.certificate)
        add_key(connection, above, kek, INDEX, wrapping.new_key())
        add_probe(connection, kek, project, None, kek_id, now)
        return openpgp.certificate

    def create_job(self, project: str, job: UUID | str) -> None:
        """Make a job's data key, once."""
        project, name = checked(project), checked(str(job))
        transact(self._engine, lambda connection: self._create_job(connection, project, name))

    def _create_job(self, connection: Connection, project: str, job: str) -> None:
        lock(connection, project, job)
        self._fence(project, job)
        if job_row(connection, project, job) is not None:
            return
        above = _there(project_row(connection, project, KEK), project)
        add_job_key(connection, above, self._open_kek(above), job)

    # ------------------------------------------------------------------ use

    def certificate(self, project: str) -> str:
        """The OpenPGP certificate that clients encrypt to, ASCII armour."""
        project = checked(project)
        row = transact(self._engine, lambda connection: project_row(connection, project, OPENPGP))
        self._fence(project, None)
        return _there(row, project).certificate

    def secret(self, project: str) -> bytes:
        """The project's OpenPGP secret keys, for :func:`backoffice.vault.openpgp.open_message`: the newest first, one after
        another (RFC 9580, 10.2). A client may use an older certificate until that is revoked.
        """
        project = checked(project)
        newest_first = select(PROJECT_KEY).where(kind_is(project, OPENPGP)).order_by(PROJECT_KEY.c.epoch.desc())

        def work(connection: Connection) -> tuple[Row | None, list[Row]]:
            return project_row(connection, project, KEK), list(connection.execute(newest_first))

        above, rows = transact(self._engine, work)
        self._fence(project, None)
        kek = self._open_kek(_there(above, project))
        return b"".join(open_key(kek, row) for row in rows)

    def unwrap(self, project: str, job: UUID | str) -> bytes:
        """A job's data key, 32 bytes. Keep it no longer than the task runs."""
        project, name = checked(project), checked(str(job))

        def work(connection: Connection) -> tuple[Row | None, Row | None, Row | None]:
            above, row = project_row(connection, project, KEK), job_row(connection, project, name)
            return above, row, latest_probe(connection, project, name)

        above, row, probe = transact(self._engine, work)
        self._fence(project, name)  # after reading: what is destroyed from here on was still served in time
        row = _there(row, project, name)
        key = open_job(self._open_kek(_there(above, project)), row)
        if probe is not None and probe.opened_at is None and opens(key, probe):
            seen = update(PROBE).where(PROBE.c.key_id == probe.key_id).values(opened_at=datetime.now(UTC))
            transact(self._engine, lambda connection: connection.execute(seen))
        return key

    def seal(self, project: str, job: UUID | str | None, data: bytes) -> bytes:
        """Encrypt a small secret under a job's key (None: the project's): destroying the key destroys the secret."""
        return wrapping.wrap(self._sealing_key(project, job), data, *_scope(project, job))

    def unseal(self, project: str, job: UUID | str | None, sealed: bytes) -> bytes:
        """Open what :meth:`seal` gave for the same project and job."""
        return wrapping.unwrap(self._sealing_key(project, job), sealed, *_scope(project, job))

    def index(self, project: str, data: bytes) -> bytes:
        """32 bytes that stand for ``data`` in a database (HMAC-SHA-256): the same for the same data."""
        project = checked(project)
        if self._tombstones.find(project, None) is not None:
            self._index_keys.pop(project, None)
        key = self._index_keys.get(project)
        if key is None:
            key = self._index_keys[project] = self._project_key(project, INDEX)
        return hmac.digest(key, data, "sha256")

    # ------------------------------------------------------------------ certificates

    def renew(self, project: str) -> str:
        """Make a new OpenPGP key; gives its certificate, which is :meth:`certificate` from now on. What comes encrypted to an
        older one still opens, until :meth:`revoke`.
        """
        from backoffice.vault.openpgp import generate

        project = checked(project)

        def work(connection: Connection) -> str:
            lock(connection, project)
            self._fence(project, None)
            above = _there(project_row(connection, project, KEK), project)
            made = generate(project, lasts=CERTIFIED)
            add_key(connection, above, self._open_kek(above), OPENPGP, made.secret, certificate=made.certificate)
            return made.certificate

        return transact(self._engine, work)

    def revoke(self, project: str, publish: Callable[[list[str]], object]) -> int:
        """Delete all OpenPGP keys but the newest; gives how many. What comes encrypted to one of them does not open any more.

        :param publish: is given their certificates, revoked, for who still has them, before any key is deleted: nobody can
            make them afterwards. What it raises stops the deletion.
        """
        from backoffice.vault.openpgp import revoked

        project = checked(project)

        def work(connection: Connection) -> int:
            lock(connection, project)
            self._fence(project, None)
            kek = self._open_kek(_there(project_row(connection, project, KEK), project))
            newest = _there(project_row(connection, project, OPENPGP), project)
            older = and_(kind_is(project, OPENPGP), PROJECT_KEY.c.epoch < newest.epoch)
            found = [revoked(open_key(kek, row)) for row in connection.execute(select(PROJECT_KEY).where(older))]
            if found:
                publish(found)
            connection.execute(delete(PROJECT_KEY).where(older))
            return len(found)

        return transact(self._engine, work)

    # ------------------------------------------------------------------ password

    def keep_password(self, project: str, password: bytes) -> None:
        """Keep the password of the client's workbooks among the project's keys, in place of another; gone when they are."""
        project = checked(project)
        transact(self._engine, lambda connection: self._keep_password(connection, project, password))

    def _keep_password(self, connection: Connection, project: str, password: bytes) -> None:
        lock(connection, project)  # as forgetting and destroying: the last of them to come counts
        self._fence(project, None)
        above = _there(project_row(connection, project, KEK), project)
        standing = project_row(connection, project, PASSWORD)
        add_key(connection, above, self._open_kek(above), PASSWORD, password)
        if standing is not None:  # of no use any more
            connection.execute(delete(PROJECT_KEY).where(PROJECT_KEY.c.key_id == standing.key_id))

    def password(self, project: str) -> bytes | None:
        """That password; None: none is kept. Keep it no longer than the task runs."""
        project = checked(project)
        above, row = transact(self._engine, lambda connection: _with_kek(connection, project, PASSWORD))
        self._fence(project, None)
        kek = self._open_kek(_there(above, project))
        return None if row is None else open_key(kek, row)

    def forget_password(self, project: str) -> bool:
        """Delete it for good; the keys stay. Gives whether there was one."""
        project = checked(project)

        def work(connection: Connection) -> bool:
            lock(connection, project)
            self._fence(project, None)
            _there(project_row(connection, project, KEK), project)
            return bool(connection.execute(delete(PROJECT_KEY).where(kind_is(project, PASSWORD))).rowcount)

        return transact(self._engine, work)

    # ------------------------------------------------------------------ probe

    def probe(self, project: str, job: UUID | str | None = None) -> Probe:
        """Look now, as if there were no fence, whether a key opens what it once encrypted; and look at the fence as well."""
        project, name = checked(project), None if job is None else checked(str(job))

        def work(connection: Connection) -> Probe:
            held = latest_probe(connection, project, name)
            return Probe(
                made_at=None if held is None else held.made_at,
                opened_at=None if held is None else held.opened_at,
                opens=held is not None and self._opens(connection, project, name, held),
                left=keys_left(connection, project, name),
                fenced=self._tombstones.find(project, name) is not None,
            )

        return transact(self._engine, work)

    def is_destroyed(self, project: str, job: UUID | str | None = None) -> bool:
        """See :attr:`Probe.destroyed`."""
        return self.probe(project, job).destroyed

    def _opens(self, connection: Connection, project: str, job: str | None, held: Row) -> bool:
        """Whether the old ciphertext opens with what the store holds; asks no tombstone."""
        above = project_row(connection, project, KEK)
        row = job_row(connection, project, job) if job is not None else None
        if above is None or (job is not None and row is None):
            return False
        try:
            kek = self._open_kek(above)
            return opens(kek if row is None else open_job(kek, row), held)
        except VaultError:
            return False

    # ------------------------------------------------------------------ rotation

    def rewrap(self, copy: Callable[[], object]) -> int:
        """Put every project's key-encryption key under a newer root key, one by one, and destroy the older ones where each
        project has its own; gives how many. All keys open at any moment; a repeat after a crash goes on.

        :param copy: called once all are moved and nothing is destroyed: no copy from before opens afterwards.
        """
        done, projects = 0, self._standing()
        for project in projects:
            self._root.renew(project)
            done += transact(self._engine, lambda connection, one=project: self._rewrap(connection, one, self._root))
        copy()
        for project in projects:
            transact(self._engine, lambda connection, one=project: self._retire(connection, one))
        return done

    def _retire(self, connection: Connection, project: str) -> None:
        """By what the keys lie under, not by what is the newest: somebody else may have begun to rotate."""
        lock(connection, project)
        rows = connection.execute(select(PROJECT_KEY.c.wrapped_by).where(kind_is(project, KEK)).distinct()).all()
        if len(rows) == 1:
            self._root.retire(project, rows[0].wrapped_by)

    def move(self, old: RootKey) -> int:
        """Put every project's key-encryption key that lies under another root under this one; gives how many. Each opens with
        one of the two at any moment, and is seen to open before that changes; a repeat after a crash goes on.
        """
        work = self._rewrap
        return sum(transact(self._engine, lambda connection, p=p: work(connection, p, old)) for p in self._standing())

    def _standing(self) -> list[str]:
        every = select(PROJECT_KEY.c.project).distinct().order_by(PROJECT_KEY.c.project)
        found = transact(self._engine, lambda connection: list(connection.scalars(every)))
        return [project for project in found if self._tombstones.find(project, None) is None]

    def _rewrap(self, connection: Connection, project: str, old: RootKey) -> int:
        lock(connection, project)
        lock_root(connection, change=False)
        if self._tombstones.find(project, None) is not None:
            return 0
        self._root.add(project)
        newest, done = self._root.newest(project), 0
        for row in connection.execute(select(PROJECT_KEY).where(kind_is(project, KEK))).all():
            if row.wrapped_by == newest:
                continue
            context = (KEK, row.key_id, row.epoch)
            root = self._root if self._root.holds(row.wrapped_by) else old
            kek = root.unwrap(project, Wrapped(row.wrapped, row.wrapped_by), *context)
            wrapped = self._root.wrap(project, kek, *context)
            if not hmac.compare_digest(self._root.unwrap(project, wrapped, *context), kek):
                raise VaultError(f"The root wraps the keys of project {project}, and opens them to others.")
            changed = update(PROJECT_KEY).where(PROJECT_KEY.c.key_id == row.key_id)
            connection.execute(changed.values(wrapped=wrapped.data, wrapped_by=wrapped.by))
            done += 1
        return done

    def roots(self) -> dict[str, int]:
        """How many projects' keys lie under which root key, by its id."""
        return transact(self._engine, _roots)

    def while_nobody_wraps(self, work: Callable[[dict[str, int]], None]) -> None:
        """Call ``work`` with :meth:`roots` while no process makes or rewraps a project's keys."""

        def alone(connection: Connection) -> None:
            lock_root(connection, change=True)
            work(_roots(connection))

        transact(self._engine, alone)

    # ------------------------------------------------------------------ parts

    def _fence(self, project: str, job: str | None) -> None:
        stone = self._tombstones.find(project, job)
        if stone is not None:
            raise KeyDestroyed(
                f"The key of {named(project, stone.job)} was destroyed on {stone.destroyed_at:%Y-%m-%d %H:%M:%S} UTC.",
                hint="What it protected cannot be read again. A new project or job needs a new id.",
            )

    def _project_key(self, project: str, kind: str) -> bytes:
        above, row = transact(self._engine, lambda connection: _with_kek(connection, project, kind))
        self._fence(project, None)
        row, kek = _there(row, project), self._open_kek(_there(above, project))
        return kek if kind == KEK else open_key(kek, row)

    def _sealing_key(self, project: str, job: UUID | str | None) -> bytes:
        key = self._project_key(checked(project), KEK) if job is None else self.unwrap(project, job)
        return wrapping.derive(key, "backoffice/seal/1")

    def _open_kek(self, row: Row) -> bytes:
        return self._root.unwrap(row.project, Wrapped(row.wrapped, row.wrapped_by), KEK, row.key_id, row.epoch)


def _roots(connection: Connection) -> dict[str, int]:
    count = select(PROJECT_KEY.c.wrapped_by, func.count()).where(PROJECT_KEY.c.kind == KEK)
    return {by: number for by, number in connection.execute(count.group_by(PROJECT_KEY.c.wrapped_by))}  # noqa: C416


def _with_kek(connection: Connection, project: str, kind: str) -> tuple[Row | None, Row | None]:
    return project_row(connection, project, KEK), project_row(connection, project, kind)


def _there(row: Row | None, project: str, job: str | None = None) -> Row:
    if row is None:
        made = "the project is onboarded" if job is None else "its drop is claimed"
        raise KeyMissing(
            f"There is no key for {named(project, job)}.",
            hint=f"It is made when {made}: has it been, in this key store?",
        )
    return row


def _scope(project: str, job: UUID | str | None) -> tuple[str, ...]:
    return ("seal", project) if job is None else ("seal", project, str(job))
