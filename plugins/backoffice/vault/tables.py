"""The key store's tables: a database of its own, which no backup of data includes. Every key in it is wrapped."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, Table, Text

__all__ = ["JOB_KEY", "METADATA", "PROBE", "PROJECT_KEY"]

METADATA = MetaData()

PROJECT_KEY = Table(
    "project_key",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("kind", Text, primary_key=True, comment="kek, openpgp, index, or password of protected workbooks"),
    Column("epoch", Integer, primary_key=True, comment="counts up with each rotation"),
    Column("key_id", Text, nullable=False, unique=True),
    Column("wrapped", LargeBinary, nullable=False, comment="kek: under the root key; the others: under the kek"),
    Column("wrapped_by", Text, nullable=False, comment="id of the wrapping key"),
    Column("certificate", Text, comment="openpgp: the public part, ASCII armour"),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

JOB_KEY = Table(
    "job_key",
    METADATA,
    Column("project", Text, primary_key=True),
    Column("job", Text, primary_key=True),
    Column("epoch", Integer, nullable=False, comment="epoch of the kek that wraps it"),
    Column("key_id", Text, nullable=False, unique=True),
    Column("wrapped", LargeBinary, nullable=False),
    Column("wrapped_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

PROBE = Table(
    "probe",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("project", Text, nullable=False, index=True),
    Column("job", Text, comment="null: the probe of the project's kek"),
    Column("ciphertext", LargeBinary, nullable=False, comment="a known text under that key, made with the key"),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("opened_at", DateTime(timezone=True), comment="when it first opened: null until the key is used"),
    comment="What proves a destruction: outlives its key, and must not open any more.",
)
