"""Reading and writing the ledger.

Every change of a job's state goes through :meth:`Ledger.move`, which holds the row and refuses a move that
``states`` does not know. Work on a job stands under a lock that the database frees when the process dies, so an orphan and
its retry never work side by side.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import RowMapping

from backoffice.discretion import kind_of
from backoffice.errors import DropRejected, LedgerError
from backoffice.ledger import tables as t
from backoffice.ledger.states import JobState, Stage, may_move

__all__ = ["Job", "Ledger", "NewDrop"]


_NOTICED_GONE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
"""A machine that is gone holds its lock on a job for a minute, not for the two hours after which Linux asks."""


@dataclass(frozen=True)
class NewDrop:
    """A version in the store that intake wants to claim. ``key_sealed`` is the object key under the job's data key."""

    job: UUID
    key_digest: bytes
    version_id: str
    key_sealed: bytes
    size: int
    received_at: datetime
    state: JobState = JobState.CLAIMED
    reason: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Job:
    """One row of the ledger's jobs. Holds no client value: the object key is sealed."""

    id: UUID
    project: str
    bucket: str
    version_id: str
    size: int
    state: JobState
    received_at: datetime
    claimed_at: datetime
    key_sealed: bytes | None = field(default=None, repr=False)
    access_sealed: bytes | None = field(default=None, repr=False)
    access_until: datetime | None = None
    reason: str | None = None
    message: str | None = None
    answered: str | None = None
    sow_digest: str | None = None
    dpa_digest: str | None = None
    figures: dict[str, Any] = field(default_factory=dict)
    run_started_at: datetime | None = None
    delivered_at: datetime | None = None
    accepted_at: datetime | None = None
    inputs_erased_at: datetime | None = None
    results_due_at: datetime | None = None
    erased_at: datetime | None = None
    certified_at: datetime | None = None

    @classmethod
    def _from(cls, row: RowMapping) -> Job:
        values: dict[str, Any] = {name: row[name] for name in cls.__dataclass_fields__}
        values["state"] = JobState(row["state"])
        return cls(**values)


class Ledger:
    """The ledger over one PostgreSQL database.

    :param url: SQLAlchemy URL (``postgresql+psycopg://``).
    """

    def __init__(self, url: str) -> None:
        # Parameters never reach a log or an error: a sealed key is still the client's.
        connecting = {"connect_timeout": 5, "options": _NOTICED_GONE}
        self.engine: Engine = create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=2, connect_args=connecting
        )

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    # ------------------------------------------------------------------ clients

    def enrol(self, client: str, certificate: str) -> None:
        """Record (or replace) the OpenPGP certificate of a client."""
        statement = upsert(t.clients).values(id=client, certificate=certificate)
        with self.engine.begin() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"certificate": certificate}))

    def certificate_of(self, client: str) -> str | None:
        """The client's OpenPGP certificate, or ``None`` where the client is not enrolled."""
        with self.engine.connect() as db:
            return db.scalar(select(t.clients.c.certificate).where(t.clients.c.id == client))

    # ------------------------------------------------------------------ who is alive

    def beat(self, name: str) -> None:
        """Show that somebody is alive, now."""
        statement = upsert(t.heartbeats).values(name=name, beaten_at=func.clock_timestamp())
        now = {"beaten_at": func.clock_timestamp()}
        with self.engine.begin() as db:
            db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=now))

    def beaten_at(self, name: str) -> datetime | None:
        """When somebody last showed it; ``None`` if never."""
        with self.engine.connect() as db:
            return db.scalar(select(t.heartbeats.c.beaten_at).where(t.heartbeats.c.name == name))

    # ------------------------------------------------------------------ jobs

    def known(self, bucket: str, seen: Iterable[tuple[bytes, str]]) -> set[tuple[bytes, str]]:
        """Of the (key digest, version id) pairs ``seen`` in a bucket, those that the ledger has already claimed."""
        wanted = set(seen)
        columns = (t.jobs.c.key_digest, t.jobs.c.version_id)
        found: set[tuple[bytes, str]] = set()
        with self.engine.connect() as db:
            versions = sorted({version for _, version in wanted})
            for start in range(0, len(versions), 1000):
                some = t.jobs.c.version_id.in_(versions[start : start + 1000])
                rows = db.execute(select(*columns).where(t.jobs.c.bucket == bucket, some))
                found.update((bytes(digest), version) for digest, version in rows)
        return found & wanted

    def which(self, jobs: Iterable[UUID]) -> set[UUID]:
        """Of these ids, those of jobs that the ledger knows."""
        asked, found = list(jobs), set[UUID]()
        with self.engine.connect() as db:
            for start in range(0, len(asked), 1000):
                some = t.jobs.c.id.in_(asked[start : start + 1000])
                found.update(db.scalars(select(t.jobs.c.id).where(some)))
        return found

    def claim(self, project: str, bucket: str, drop: NewDrop) -> bool:
        """Claim one version. ``False`` if somebody already has: (bucket, key, version) is unique."""
        values = {
            "id": drop.job,
            "project": project,
            "bucket": bucket,
            "key_digest": drop.key_digest,
            "version_id": drop.version_id,
            "key_sealed": drop.key_sealed,
            "size": drop.size,
            "received_at": drop.received_at,
            "state": drop.state,
            "reason": drop.reason,
            "message": drop.message,
        }
        with self.engine.begin() as db:
            claimed = db.execute(upsert(t.jobs).values(values).on_conflict_do_nothing().returning(t.jobs.c.id))
            return claimed.first() is not None

    def job(self, job: UUID) -> Job:
        """One job. :raises LedgerError: there is none of that id."""
        with self.engine.connect() as db:
            row = db.execute(select(t.jobs).where(t.jobs.c.id == job)).mappings().first()
        if row is None:
            raise LedgerError(f"The ledger has no job {job}.", hint="`backoffice job list` shows the jobs there are.")
        return Job._from(row)

    def job_of_drop(self, bucket: str, version_id: str) -> Job | None:
        """The job that claimed a version, or ``None`` while nobody has."""
        query = select(t.jobs).where(t.jobs.c.bucket == bucket, t.jobs.c.version_id == version_id)
        with self.engine.connect() as db:
            row = db.execute(query).mappings().first()
        return None if row is None else Job._from(row)

    def jobs(
        self,
        *,
        project: str | None = None,
        states: Iterable[JobState] | None = None,
        without_run: bool = False,
        due_before: datetime | None = None,
        access_before: datetime | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Jobs, oldest first; with ``limit`` the newest ones, newest first.

        :param without_run: only those whose Airflow run has not been started.
        :param due_before: only those whose results are due for erasure by then.
        :param access_before: only those whose access to the store ends by then, or that have none.
        """
        query = select(t.jobs)
        if project is not None:
            query = query.where(t.jobs.c.project == project)
        if states is not None:
            query = query.where(t.jobs.c.state.in_([str(state) for state in states]))
        if without_run:
            query = query.where(t.jobs.c.run_started_at.is_(None))
        if due_before is not None:
            query = query.where(t.jobs.c.results_due_at <= due_before)
        if access_before is not None:
            ends = t.jobs.c.access_until
            query = query.where(ends.is_(None) | (ends <= access_before))
        newest = t.jobs.c.claimed_at.desc()
        query = query.order_by(t.jobs.c.claimed_at) if limit is None else query.order_by(newest).limit(limit)
        with self.engine.connect() as db:
            return [Job._from(row) for row in db.execute(query).mappings()]

    def unanswered(self) -> list[Job]:
        """Jobs whose client has not yet been told: of arrival, of a wait, of a rejection, of a delivery.

        A rejection is told also when the drop has been erased meanwhile: intake may have been away.
        """
        told = (JobState.WAITING, JobState.REJECTED, JobState.DELIVERED)
        news = t.jobs.c.state.in_([str(state) for state in told]) & t.jobs.c.answered.is_distinct_from(t.jobs.c.state)
        arrived = t.jobs.c.answered.is_(None) & t.jobs.c.state.in_(["claimed", "prepared", "checked", "held"])
        over = t.jobs.c.state.in_(["erased", "certified"]) & t.jobs.c.delivered_at.is_(None)
        untold = over & t.jobs.c.answered.is_distinct_from("rejected")
        with self.engine.connect() as db:
            return [Job._from(row) for row in db.execute(select(t.jobs).where(news | arrived | untold)).mappings()]

    def stranded(self, before: datetime, *, most: int = 200) -> list[Job]:
        """Some of the jobs whose run was started before then, and whose work in it is not done; they may only be waiting.

        Any ``most`` of them: in the end each has its turn, however many wait.
        """
        undone = t.jobs.c.state.in_(["claimed", "prepared", "checked"])
        kept = t.jobs.c.state.in_(["delivered", "accepted"]) & t.jobs.c.inputs_erased_at.is_(None)
        # A delivery shows that there was a run, though who started it did not live to note it.
        since = func.coalesce(t.jobs.c.run_started_at, t.jobs.c.delivered_at)
        query = select(t.jobs).where(since < before, undone | kept)
        with self.engine.connect() as db:
            return [Job._from(row) for row in db.execute(query.order_by(func.random()).limit(most)).mappings()]

    def move(self, job: UUID, to: JobState, **values: Any) -> Job:
        """Bring a job to a state and set columns with it, in one transaction.

        :raises LedgerError: the state machine has no such move.
        """
        with self.engine.begin() as db:
            current = db.scalar(select(t.jobs.c.state).where(t.jobs.c.id == job).with_for_update())
            if current is None:
                raise LedgerError(f"The ledger has no job {job}.")
            if not may_move(JobState(current), to):
                raise LedgerError(f"Job {job} is {current} and cannot become {to}.")
            statement = update(t.jobs).where(t.jobs.c.id == job).values(state=to, **values).returning(t.jobs)
            return Job._from(db.execute(statement).mappings().one())

    def note(self, job: UUID, **values: Any) -> None:
        """Set columns of a job without moving it; ``figures`` are merged into those that are there."""
        if "figures" in values:
            values["figures"] = t.jobs.c.figures.concat(values["figures"])
        with self.engine.begin() as db:
            db.execute(update(t.jobs).where(t.jobs.c.id == job).values(**values))

    @contextmanager
    def stage(self, job: UUID, stage: Stage) -> Iterator[Job]:
        """Work on one job: takes its lock, records start, end, seconds and outcome, gives the job as it stands.

        The lock belongs to the database session, which ends with the process. So a stage that was killed does not block
        its retry, and one that only lost touch with Airflow does.

        :raises LedgerError: someone else is at work on this job.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(text("SET lock_timeout = '20s'"))
            try:
                db.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _lock_key(job)})
            except Exception as error:
                if getattr(getattr(error, "orig", None), "sqlstate", None) != "55P03":
                    raise
                locked = False
            else:
                locked = True
            if not locked:
                raise LedgerError(
                    f"Job {job} is being worked on by another process.", hint="The retry will find it free."
                )
            outcome, wall, cpu = "stopped", time.monotonic(), _cpu_seconds()
            try:
                found = self.job(job)
                row = db.scalar(insert(t.stages).values(job=job, stage=stage).returning(t.stages.c.id))
                try:
                    yield found
                    outcome = "done"
                except DropRejected as error:
                    outcome = error.code
                    raise
                except Exception as error:
                    outcome = kind_of(error)  # code of a SOW may call a class after a cell
                    raise
                finally:
                    ended = {
                        "ended_at": func.clock_timestamp(),
                        "outcome": outcome,
                        "seconds": time.monotonic() - wall,
                        "cpu_seconds": _cpu_seconds() - cpu,
                    }
                    db.execute(update(t.stages).where(t.stages.c.id == row).values(ended))
            finally:
                if not db.invalidated:
                    db.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _lock_key(job)})

    # ------------------------------------------------------------------ what stages leave behind

    def record_checks(self, job: UUID, rows: list[dict[str, Any]]) -> None:
        """Replace the check results of a job."""
        with self.engine.begin() as db:
            db.execute(t.checks.delete().where(t.checks.c.job == job))
            if rows:
                db.execute(insert(t.checks), [{"job": job, "position": i, **row} for i, row in enumerate(rows)])

    def record_delivery(self, job: UUID, **values: Any) -> None:
        """Record what was handed over. A second call for the job changes nothing: it was delivered once."""
        with self.engine.begin() as db:
            db.execute(upsert(t.deliveries).values(job=job, **values).on_conflict_do_nothing())

    def record_erasure(self, job: UUID, **values: Any) -> None:
        """Record what one system deleted for a job. A repeat that found nothing left keeps the first record."""
        with self.engine.begin() as db:
            db.execute(upsert(t.erasures).values(job=job, **values).on_conflict_do_nothing())

    def record_certificate(self, job: UUID, certificate: UUID, document: bytes) -> bytes:
        """Keep a certificate and give back the one that stands: the first ever issued for the job."""
        with self.engine.begin() as db:
            values = {"id": certificate, "job": job, "document": document}
            db.execute(upsert(t.certificates).values(values).on_conflict_do_nothing())
            standing = db.scalar(select(t.certificates.c.document).where(t.certificates.c.job == job))
        return bytes(standing or b"")

    def of(self, job: UUID) -> dict[str, list[dict[str, Any]]]:
        """All that stages, checks, deliveries, erasures and certificates hold on a job, in the order of writing."""
        read = {
            "stages": (t.stages, t.stages.c.id),
            "checks": (t.checks, t.checks.c.position),
            "deliveries": (t.deliveries, t.deliveries.c.delivered_at),
            "erasures": (t.erasures, t.erasures.c.id),
            "certificates": (t.certificates, t.certificates.c.issued_at),
        }
        with self.engine.connect() as db:
            return {
                name: [
                    dict(row) for row in db.execute(select(table).where(table.c.job == job).order_by(order)).mappings()
                ]
                for name, (table, order) in read.items()
            }


def _lock_key(job: UUID) -> int:
    """The 64 random bits of a UUIDv7 as PostgreSQL's signed bigint."""
    return int.from_bytes(job.bytes[8:], "big", signed=True)


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
