"""The key store's rows: reading them, and the locks under which they change."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, select
from sqlalchemy.exc import SQLAlchemyError

from backoffice.discretion import kind_of
from backoffice.errors import VaultAway, VaultError
from backoffice.vault.tables import JOB_KEY, PROBE, PROJECT_KEY

__all__ = [
    "INDEX",
    "KEK",
    "OPENPGP",
    "PASSWORD",
    "job_row",
    "keys_left",
    "kind_is",
    "latest_probe",
    "lock",
    "lock_root",
    "project_row",
    "this_job",
    "transact",
]  # fmt: skip

KEK, OPENPGP, INDEX, PASSWORD = "kek", "openpgp", "index", "password"
"""Kinds of a project's keys."""

_T = TypeVar("_T")


def transact(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    """One transaction. An SQL error becomes ours after it is over, and takes nothing of the statement with it."""
    try:
        with engine.begin() as connection:
            return work(connection)
    except SQLAlchemyError as error:
        refused = getattr(getattr(error, "orig", None), "sqlstate", None) == "42501"
        failure = kind_of(error)
    if refused:
        raise VaultError("The key store does not let this process do that: it is another process's work.")
    raise VaultAway(
        f"The key store did not answer ({failure}).",
        hint="Is its database up, and its schema created? See `backoffice stack status`.",
    )


def lock(connection: Connection, project: str, job: str | None = None) -> None:
    """Held until the transaction ends, the same in every process (PostgreSQL advisory locks): a project's for itself,
    a job's for itself and its project's shared, so that no job is created in a project while that is destroyed.
    """
    own = func.pg_advisory_xact_lock if job is None else func.pg_advisory_xact_lock_shared
    connection.execute(select(own(_number(project))))
    if job is not None:
        connection.execute(select(func.pg_advisory_xact_lock(_number(project, job))))


def lock_root(connection: Connection, *, change: bool) -> None:
    """Held until the transaction ends: alone by who changes what the root is, together by those who wrap under it."""
    own = func.pg_advisory_xact_lock if change else func.pg_advisory_xact_lock_shared
    connection.execute(select(own(_number("", "root"))))


def project_row(connection: Connection, project: str, kind: str) -> Row | None:
    """A project's newest key of a kind."""
    newest = select(PROJECT_KEY).where(kind_is(project, kind)).order_by(PROJECT_KEY.c.epoch.desc()).limit(1)
    return connection.execute(newest).one_or_none()


def job_row(connection: Connection, project: str, job: str) -> Row | None:
    """A job's key."""
    return connection.execute(select(JOB_KEY).where(this_job(project, job))).one_or_none()


def latest_probe(connection: Connection, project: str, job: str | None) -> Row | None:
    """What was encrypted under a key when it was made; it outlives the key."""
    which = PROBE.c.job.is_(None) if job is None else PROBE.c.job == job
    latest = select(PROBE).where(PROBE.c.project == project, which).order_by(PROBE.c.made_at.desc()).limit(1)
    return connection.execute(latest).one_or_none()


def keys_left(connection: Connection, project: str, job: str | None) -> int:
    """How many rows hold a key of this job; without a job, of this project."""
    jobs = select(func.count()).select_from(JOB_KEY).where(JOB_KEY.c.project == project)
    if job is not None:
        return connection.scalar(jobs.where(JOB_KEY.c.job == job)) or 0
    own = select(func.count()).select_from(PROJECT_KEY).where(PROJECT_KEY.c.project == project)
    return (connection.scalar(jobs) or 0) + (connection.scalar(own) or 0)


def kind_is(project: str, kind: str) -> ColumnElement[bool]:
    """The condition for a project's keys of a kind."""
    return and_(PROJECT_KEY.c.project == project, PROJECT_KEY.c.kind == kind)


def this_job(project: str, job: str) -> ColumnElement[bool]:
    """The condition for a job's key."""
    return and_(JOB_KEY.c.project == project, JOB_KEY.c.job == job)


def _number(*names: str) -> int:
    return int.from_bytes(sha256("\0".join(("backoffice/vault", *names)).encode()).digest()[:8], "big", signed=True)
