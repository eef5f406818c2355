"""The ledger's tables: metadata only, never a value from a client's data (P21, P22).

A client's own object key is a client value. The ledger keeps a keyed digest of it, to know it again, and the key itself
sealed under the job's data key: when that is destroyed the name is gone too.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

__all__ = ["certificates", "checks", "clients", "deliveries", "erasures", "heartbeats", "jobs", "metadata", "stages"]

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _when(name: str, *, nullable: bool = True, now: bool = False) -> Column:
    return Column(
        name, DateTime(timezone=True), nullable=nullable, server_default=text("clock_timestamp()") if now else None
    )


clients = Table(
    "clients",
    metadata,
    Column("id", String(32), primary_key=True),
    Column(
        "certificate", Text, nullable=False, comment="the client's OpenPGP certificate: it encrypts to and verifies"
    ),
    _when("enrolled_at", nullable=False, now=True),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(32), primary_key=True, comment="who shows that it is alive: intake"),
    _when("beaten_at", nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True, comment="UUIDv7; also the Airflow run id"),
    Column("project", String(64), nullable=False),
    Column("bucket", String(63), nullable=False),
    Column("key_digest", LargeBinary, nullable=False, comment="HMAC-SHA256 of the object key under the project's key"),
    Column("version_id", String(256), nullable=False),
    Column("key_sealed", LargeBinary, comment="the object key under the job's data key; blank once erased"),
    Column(
        "access_sealed", LargeBinary, comment="what opens the store for the job, under its data key; blank once erased"
    ),
    _when("access_until"),
    Column("size", BigInteger, nullable=False, comment="bytes as received, encrypted"),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), comment="a stable code: why it waits, is held or was rejected"),
    Column("message", Text, comment="the same for a person; never a value from the data"),
    Column("answered", String(16), comment="the last state that the client was told of by a receipt"),
    Column("sow_digest", String(64)),
    Column("dpa_digest", String(64)),
    Column("figures", JSONB, nullable=False, server_default=text("'{}'::jsonb"), comment="counts only"),
    _when("received_at", nullable=False),
    _when("claimed_at", nullable=False, now=True),
    _when("run_started_at"),
    _when("delivered_at"),
    _when("accepted_at"),
    _when("inputs_erased_at"),
    _when("results_due_at"),
    _when("erased_at"),
    _when("certified_at"),
    UniqueConstraint("bucket", "key_digest", "version_id"),
    Index("ix_jobs_project_claimed_at", "project", "claimed_at"),
    Index("ix_jobs_open", "state", postgresql_where=text("state <> 'certified'")),
)

stages = Table(
    "stages",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("job", ForeignKey("jobs.id"), nullable=False, index=True),
    Column("stage", String(16), nullable=False),
    Column("outcome", String(64), comment="done, an error's class or a rejection's code; blank while it runs"),
    Column("seconds", Float),
    Column("cpu_seconds", Float),
    _when("started_at", nullable=False, now=True),
    _when("ended_at"),
)

checks = Table(
    "checks",
    metadata,
    Column("job", ForeignKey("jobs.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("rule", String(128), nullable=False),
    Column("column_name", String(256)),
    Column("sentence", Text, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("rows", BigInteger),
    Column("unexpected", BigInteger),
    Column("percent", Float),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("job", ForeignKey("jobs.id"), primary_key=True),
    Column("bucket", String(63), nullable=False),
    Column("key", String(1024), nullable=False),
    Column("version_id", String(256), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    _when("delivered_at", nullable=False, now=True),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("job", ForeignKey("jobs.id"), nullable=False),
    Column("scope", String(16), nullable=False, comment="inputs (originals and intermediates) or results"),
    Column("system", String(32), nullable=False),
    Column("method", Text, nullable=False),
    Column("counts", JSONB, nullable=False),
    _when("started_at", nullable=False),
    _when("verified_at", nullable=False),
    UniqueConstraint("job", "scope", "system"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("job", ForeignKey("jobs.id"), nullable=False, unique=True),
    Column("document", LargeBinary, nullable=False, comment="the exact bytes that were signed and handed out"),
    _when("issued_at", nullable=False, now=True),
)
