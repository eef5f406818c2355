"""A destroyed key is gone, provably, and stays gone: after a crash at any step, a repeat, and a restored backup."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from backoffice.errors import KeyDestroyed, VaultError
from backoffice.ids import new_id
from backoffice.vault.destroying import KeyEraser
from backoffice.vault.keys import ProjectKeys
from backoffice.vault.tombstones import Tombstones
from tests.vault.conftest import KeyStore

PROJECT = "acme_contacts"
TABLES = ("project_key", "job_key", "probe")


def rows(store, table: str) -> int:
    with store.engine.connect() as connection:
        return connection.execute(text(f"select count(*) from {table}")).scalar_one()


def test_a_destroyed_job_key_opens_nothing_any_more(store, keys: ProjectKeys, eraser: KeyEraser):
    job, other = new_id(), new_id()
    keys.create(PROJECT)
    for one in (job, other):
        keys.create_job(PROJECT, one)
    sealed = keys.seal(PROJECT, job, b"in/anna.csv")
    before = keys.probe(PROJECT, job)
    assert (before.opens, before.left, before.fenced, before.destroyed) == (True, 1, False, False)

    gone = eraser.destroy_job(PROJECT, job)

    assert (gone.project, gone.job, gone.algorithm, gone.left) == (PROJECT, str(job), "AES-256-GCM", 0)
    assert gone.key
    probe = keys.probe(PROJECT, job)
    assert (probe.opens, probe.left, probe.fenced, probe.destroyed) == (False, 0, True, True)
    assert probe.made_at is not None
    assert probe.opened_at is not None
    assert probe.made_at <= probe.opened_at < gone.destroyed_at, "it opened for as long as its key was there"
    for use in (
        lambda: keys.unwrap(PROJECT, job),
        lambda: keys.unseal(PROJECT, job, sealed),
        lambda: keys.seal(PROJECT, job, b"x"),
        lambda: keys.create_job(PROJECT, job),
        lambda: store.open().unwrap(PROJECT, job),
    ):
        with pytest.raises(KeyDestroyed, match=str(job)):
            use()
    assert keys.unwrap(PROJECT, other)
    assert not keys.is_destroyed(PROJECT, other)


def test_what_is_recorded_is_plain_json_without_a_key(keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    key = keys.unwrap(PROJECT, "job")
    gone, probe = eraser.destroy_job(PROJECT, "job").to_dict(), keys.probe(PROJECT, "job").to_dict()
    told = json.dumps([gone, probe])
    assert json.loads(told) == [gone, probe]
    assert gone == {
        "project": PROJECT,
        "job": "job",
        "key": gone["key"],
        "algorithm": "AES-256-GCM",
        "destroyed_at": gone["destroyed_at"],
        "left": 0,
    }
    assert set(probe) == {"made_at", "opened_at", "opens", "left", "fenced"}
    assert key.hex() not in told


def test_a_destroyed_project_takes_its_jobs_with_it(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.create("acme_products")
    keys.create_job(PROJECT, "job")
    keys.create_job("acme_products", "job")
    keys.index(PROJECT, b"warm")
    assert keys.probe(PROJECT).opens
    assert eraser.destroy(PROJECT).job is None
    assert keys.is_destroyed(PROJECT)
    assert keys.is_destroyed(PROJECT, "job")
    for use in (
        lambda: keys.create(PROJECT),
        lambda: keys.certificate(PROJECT),
        lambda: keys.secret(PROJECT),
        lambda: keys.create_job(PROJECT, "new"),
        lambda: keys.unwrap(PROJECT, "job"),
        lambda: keys.index(PROJECT, b"warm"),
        lambda: keys.seal(PROJECT, None, b"x"),
    ):
        with pytest.raises(KeyDestroyed):
            use()
    assert keys.unwrap("acme_products", "job")
    assert rows(store, "project_key") == 3


def test_destroying_again_says_the_same(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    for destroy in (lambda: eraser.destroy_job(PROJECT, "job"), lambda: eraser.destroy(PROJECT)):
        assert destroy() == destroy()
    assert len(store.tombstones.read_text().splitlines()) == 2


def test_a_key_that_never_was_is_fenced_and_that_is_said(keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    assert eraser.destroy_job(PROJECT, "never").key is None
    assert keys.probe(PROJECT, "never").made_at is None
    with pytest.raises(KeyDestroyed):
        keys.create_job(PROJECT, "never")


# ---------------------------------------------------------------------- crashes


class DiesAfterFence(KeyEraser):
    def _after_fence(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DiesAfterDelete(KeyEraser):
    def _after_delete(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DiesBeforeFence(KeyEraser):
    def _fence_and_delete(self, *arguments, **named):  # type: ignore[override]
        os.kill(os.getpid(), signal.SIGKILL)


def _destroy_and_die(store: KeyStore, kind: type[KeyEraser], job: str | None) -> None:
    eraser = store.eraser(kind)
    eraser.destroy(PROJECT) if job is None else eraser.destroy_job(PROJECT, job)


@pytest.mark.parametrize("job", ["job", None], ids=["job", "project"])
@pytest.mark.parametrize(
    ("kind", "fenced", "left"), [(DiesBeforeFence, False, 1), (DiesAfterFence, True, 1), (DiesAfterDelete, True, 0)]
)
def test_a_process_killed_while_destroying_is_finished_by_a_repeat(
    store: KeyStore, kind, fenced: bool, left: int, job: str | None
):
    keys = store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    away = replace(store, engine=None)  # type: ignore[arg-type] - connections are no other process's
    child = multiprocessing.get_context("spawn").Process(target=_destroy_and_die, args=(away, kind, job))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL

    assert rows(store, "job_key") == left
    again = store.open()
    assert not (again.is_destroyed(PROJECT, job) and left)
    if fenced:
        with pytest.raises(KeyDestroyed):
            again.unwrap(PROJECT, "job")
    else:
        assert again.unwrap(PROJECT, "job")

    eraser = store.eraser()
    gone = eraser.destroy(PROJECT) if job is None else eraser.destroy_job(PROJECT, job)
    assert gone.key
    probe = again.probe(PROJECT, job)
    assert probe.made_at
    assert probe.destroyed
    assert rows(store, "job_key") == 0


def test_destroying_and_creating_at_once_ends_destroyed(store, eraser: KeyEraser):
    keys = store.open()
    keys.create(PROJECT)
    for number in range(10):
        job = f"job{number}"

        def create(job: str = job) -> None:
            try:
                keys.create_job(PROJECT, job)
            except KeyDestroyed:
                return

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(create), pool.submit(eraser.destroy_job, PROJECT, job), pool.submit(create)]:
                done.result()
        assert keys.is_destroyed(PROJECT, job)
    assert rows(store, "job_key") == 0


def test_keys_of_jobs_are_listed_by_age(keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    now = datetime.now(UTC)
    assert eraser.made_before(now + timedelta(minutes=1)) == [(PROJECT, "job")]
    assert eraser.made_before(now - timedelta(hours=1)) == []


# ---------------------------------------------------------------------- restored backups


def test_a_restored_backup_brings_no_destroyed_key_back(store, keys: ProjectKeys, eraser: KeyEraser):
    """The whole database as it was before, put back by someone who knows nothing of tombstones."""
    keys.create(PROJECT)
    keys.create("acme_products")
    keys.create_job(PROJECT, "job")
    keys.create_job("acme_products", "job")
    with store.engine.connect() as connection:
        backup = {t: [dict(row._mapping) for row in connection.execute(text(f"select * from {t}"))] for t in TABLES}
    eraser.destroy_job(PROJECT, "job")
    eraser.destroy("acme_products")
    with store.engine.begin() as connection:
        for table, held in backup.items():
            connection.execute(text(f"delete from {table}"))
            for row in held:
                names = ", ".join(row)
                connection.execute(text(f"insert into {table} ({names}) values (:{', :'.join(row)})"), row)

    restored = store.open()
    for use in (lambda: restored.unwrap(PROJECT, "job"), lambda: restored.secret("acme_products")):
        with pytest.raises(KeyDestroyed):
            use()
    assert restored.secret(PROJECT)
    assert not restored.is_destroyed(PROJECT, "job"), "looking again must see the row that came back"
    eraser.destroy_job(PROJECT, "job")
    assert restored.is_destroyed(PROJECT, "job")
    eraser.destroy("acme_products")
    assert restored.is_destroyed("acme_products")
    assert rows(store, "job_key") == 0


def test_without_its_tombstones_the_store_serves_nothing(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    store.tombstones.unlink()
    for use in (
        lambda: store.open().unwrap(PROJECT, "job"),
        lambda: keys.unwrap(PROJECT, "job"),
        lambda: keys.secret(PROJECT),
        lambda: keys.create("acme_new"),
        lambda: eraser.destroy_job(PROJECT, "job"),
        lambda: store.open().create_schema(),
    ):
        with pytest.raises(VaultError, match="tombstones"):
            use()
    assert rows(store, "job_key") == 1, "nothing is deleted that cannot be fenced"


# ---------------------------------------------------------------------- the tombstones' file


def test_a_tombstone_holds_ids_and_a_time_only(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    gone = eraser.destroy_job(PROJECT, "job")
    assert json.loads(store.tombstones.read_text()) == {
        "project": PROJECT,
        "job": "job",
        "key": gone.key,
        "destroyed_at": gone.destroyed_at.isoformat(),
    }
    assert store.tombstones.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_off_by_a_crash_is_no_tombstone_and_spoils_none(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    for job in ("one", "two"):
        keys.create_job(PROJECT, job)
    with store.tombstones.open("a") as file:
        file.write('{"project": "acme_contacts", "job": "on')
    assert keys.unwrap(PROJECT, "one")
    eraser.destroy_job(PROJECT, "two")
    for fresh in (keys, store.open()):
        assert fresh.unwrap(PROJECT, "one")
        with pytest.raises(KeyDestroyed):
            fresh.unwrap(PROJECT, "two")


def test_a_line_that_cannot_be_read_stops_the_vault(store, keys: ProjectKeys):
    keys.create(PROJECT)
    with store.tombstones.open("a") as file:
        file.write("garbled\n")
    with pytest.raises(VaultError, match="tombstones"):
        keys.secret(PROJECT)
    with pytest.raises(VaultError, match="tombstones"):
        keys.secret(PROJECT)


def test_another_process_sees_a_tombstone_at_once(store, keys: ProjectKeys, eraser: KeyEraser):
    other = store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    assert other.unwrap(PROJECT, "job")
    eraser.destroy_job(PROJECT, "job")
    with pytest.raises(KeyDestroyed):
        other.unwrap(PROJECT, "job")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(min_size=1, max_size=60))
def test_whatever_lies_in_the_file_it_is_ours_or_it_stops_the_vault(tmp_path: Path, data: bytes):
    path = tmp_path / "tombstones"
    path.write_bytes(data + b"\n")
    try:
        found = Tombstones(path).find(PROJECT, "job")
    except VaultError:
        return
    assert found is None
    assert all(not line or line.endswith(b"\x18") for line in data.splitlines())
