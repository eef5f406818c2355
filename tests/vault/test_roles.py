"""Who opens keys cannot destroy them, and who destroys cannot open: the database and OpenBao see to it, not our code."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from backoffice.errors import VaultError
from backoffice.vault.destroying import KeyEraser
from backoffice.vault.keys import ProjectKeys
from tests.vault.conftest import KeyStore

PROJECT = "acme_contacts"


@pytest.fixture
def made(store: KeyStore) -> KeyStore:
    keys = store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    return store


def as_role(store: KeyStore, role: str) -> ProjectKeys:
    engine = create_engine(store.url_of(f"keystore_{role}"), hide_parameters=True)
    return ProjectKeys(engine, store.root(role), store.tombstones)


def test_a_worker_makes_and_opens_jobs_keys(made: KeyStore):
    keys = as_role(made, "worker")
    keys.create_job(PROJECT, "another")
    assert len(keys.unwrap(PROJECT, "another")) == 32
    assert keys.probe(PROJECT, "another").opened_at is not None
    assert keys.certificate(PROJECT)
    assert keys.secret(PROJECT)


def test_a_worker_makes_no_project_and_destroys_nothing(made: KeyStore):
    keys = as_role(made, "worker")
    for refused in (lambda: keys.create("acme_products"), lambda: keys.keep_password(PROJECT, b"x")):
        with pytest.raises(VaultError):
            refused()
    engine = create_engine(made.url_of("keystore_worker"), hide_parameters=True)
    root = None if made.bao is None else made.bao.as_role("worker")
    eraser = KeyEraser(engine, root, made.tombstones)
    for destroy in (lambda: eraser.destroy_job(PROJECT, "job"), lambda: eraser.destroy(PROJECT)):
        with pytest.raises(VaultError, match="does not let"):
            destroy()
    with made.engine.connect() as db:
        assert db.scalar(text("SELECT count(*) FROM project_key")) == 3
        assert db.scalar(text("SELECT count(*) FROM job_key")) == 1
    if made.bao is not None:
        with pytest.raises(VaultError, match="does not let"):
            made.bao.as_role("worker").destroy(PROJECT)


def test_an_eraser_destroys_and_sees_nothing_of_a_key(made: KeyStore):
    engine = create_engine(made.url_of("keystore_eraser"), hide_parameters=True)
    for hidden in ("wrapped", "certificate", "*"):
        with pytest.raises(VaultError, match="does not let"):
            as_role_runs(engine, f"SELECT {hidden} FROM project_key")
    for hidden in ("SELECT wrapped FROM job_key", "SELECT ciphertext FROM probe", "UPDATE job_key SET job = 'x'"):
        with pytest.raises(VaultError, match="does not let"):
            as_role_runs(engine, hidden)
    if made.bao is not None:
        with made.engine.connect() as db:
            row = db.execute(text("SELECT * FROM project_key WHERE kind = 'kek'")).one()
        from backoffice.vault.root_key import Wrapped

        with pytest.raises(VaultError, match="does not let"):
            made.bao.as_role("eraser").unwrap(
                PROJECT, Wrapped(row.wrapped, row.wrapped_by), "kek", row.key_id, row.epoch
            )
    made.eraser().destroy(PROJECT)
    assert made.open().is_destroyed(PROJECT)


def as_role_runs(engine, statement: str) -> None:
    from backoffice.vault.rows import transact

    transact(engine, lambda db: db.execute(text(statement)))
