"""A destroyed key is gone, provably, and stays gone: after a crash at any step, a repeat, and a restored backup."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from backoffice.errors import KeyDestroyed, VaultError
from backoffice.ids import new_id
from backoffice.vault.keys import EmbeddedKeys, MasterKey
from backoffice.vault.tombstones import Tombstones

PROJECT = "acme_contacts"
TABLES = ("project_key", "job_key", "probe")


def rows(store, table: str) -> int:
    with store.engine.connect() as connection:
        return connection.execute(text(f"select count(*) from {table}")).scalar_one()


def test_a_destroyed_job_key_opens_nothing_any_more(store, keys: EmbeddedKeys):
    job, other = new_id(), new_id()
    keys.create(PROJECT)
    for one in (job, other):
        keys.create_job(PROJECT, one)
    sealed = keys.seal(PROJECT, job, b"in/anna.csv")
    assert not keys.is_destroyed(PROJECT, job)

    proof = keys.destroy_job(PROJECT, job)

    assert (proof.project, proof.job, proof.algorithm) == (PROJECT, str(job), "AES-256-GCM")
    assert proof.key_id
    probe = proof.probe
    assert (probe.opened_before, probe.opens_after, probe.rows_left, probe.fenced) == (True, False, 0, True)
    assert probe.made_at is not None
    assert probe.made_at < proof.destroyed_at
    assert keys.is_destroyed(PROJECT, job)
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


def test_the_proof_is_plain_json_without_a_key(keys: EmbeddedKeys):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    key = keys.unwrap(PROJECT, "job")
    told = json.dumps(keys.destroy_job(PROJECT, "job").to_dict())
    assert json.loads(told)["probe"] == {
        "made_at": json.loads(told)["probe"]["made_at"],
        "opened_before": True,
        "opens_after": False,
        "rows_left": 0,
        "fenced": True,
    }
    assert key.hex() not in told


def test_a_destroyed_project_takes_its_jobs_with_it(store, keys: EmbeddedKeys):
    keys.create(PROJECT)
    keys.create("acme_products")
    keys.create_job(PROJECT, "job")
    keys.create_job("acme_products", "job")
    keys.index(PROJECT, b"warm")
    proof = keys.destroy(PROJECT)
    assert proof.job is None
    assert proof.probe.opened_before
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


def test_destroying_again_gives_the_same_proof(store, keys: EmbeddedKeys):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    for destroy in (lambda: keys.destroy_job(PROJECT, "job"), lambda: keys.destroy(PROJECT)):
        first, second = destroy(), destroy()
        assert (first.key_id, first.destroyed_at, first.probe.made_at) == (
            second.key_id,
            second.destroyed_at,
            second.probe.made_at,
        )
        assert second.probe.opened_before is None
        assert not second.probe.opens_after
    assert len(store.tombstones.read_text().splitlines()) == 2


def test_a_key_that_never_was_is_fenced_and_the_proof_says_so(keys: EmbeddedKeys):
    keys.create(PROJECT)
    proof = keys.destroy_job(PROJECT, "never")
    assert proof.key_id is None
    assert proof.probe.made_at is None
    assert proof.probe.opened_before is None
    with pytest.raises(KeyDestroyed):
        keys.create_job(PROJECT, "never")


# ---------------------------------------------------------------------- crashes


class DiesAfterFence(EmbeddedKeys):
    def _after_fence(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DiesAfterDelete(EmbeddedKeys):
    def _after_delete(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DiesBeforeFence(EmbeddedKeys):
    def _fence_and_delete(self, *arguments, **named):  # type: ignore[override]
        os.kill(os.getpid(), signal.SIGKILL)


def _destroy_and_die(kind: type[EmbeddedKeys], url: str, master: Path, tombstones: Path, job: str | None) -> None:
    keys = kind(create_engine(url, hide_parameters=True), MasterKey.from_file(master), tombstones)
    keys.destroy(PROJECT) if job is None else keys.destroy_job(PROJECT, job)


@pytest.mark.parametrize("job", ["job", None], ids=["job", "project"])
@pytest.mark.parametrize(
    ("kind", "fenced", "left"), [(DiesBeforeFence, False, 1), (DiesAfterFence, True, 1), (DiesAfterDelete, True, 0)]
)
def test_a_process_killed_while_destroying_is_finished_by_a_repeat(
    store, kind, fenced: bool, left: int, job: str | None
):
    keys = store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    arguments = (kind, store.url, store.master, store.tombstones, job)
    child = multiprocessing.get_context("spawn").Process(target=_destroy_and_die, args=arguments)
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

    proof = again.destroy(PROJECT) if job is None else again.destroy_job(PROJECT, job)
    assert proof.key_id
    assert proof.probe.made_at
    assert not proof.probe.opens_after
    assert again.is_destroyed(PROJECT, job)
    assert rows(store, "job_key") == 0


def test_destroying_and_creating_at_once_ends_destroyed(store):
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
            for done in [pool.submit(create), pool.submit(keys.destroy_job, PROJECT, job), pool.submit(create)]:
                done.result()
        assert keys.is_destroyed(PROJECT, job)
    assert rows(store, "job_key") == 0


# ---------------------------------------------------------------------- restored backups


def test_a_restored_backup_brings_no_destroyed_key_back(store, keys: EmbeddedKeys):
    """The whole database as it was before, put back by someone who knows nothing of tombstones."""
    keys.create(PROJECT)
    keys.create("acme_products")
    keys.create_job(PROJECT, "job")
    keys.create_job("acme_products", "job")
    with store.engine.connect() as connection:
        backup = {t: [dict(row._mapping) for row in connection.execute(text(f"select * from {t}"))] for t in TABLES}
    keys.destroy_job(PROJECT, "job")
    keys.destroy("acme_products")
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
    proof = restored.destroy_job(PROJECT, "job")
    assert proof.probe.rows_left == 0
    assert restored.is_destroyed(PROJECT, "job")
    restored.destroy("acme_products")
    assert restored.is_destroyed("acme_products")
    assert rows(store, "job_key") == 0


def test_without_its_tombstones_the_store_serves_nothing(store, keys: EmbeddedKeys):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    store.tombstones.unlink()
    for use in (
        lambda: store.open().unwrap(PROJECT, "job"),
        lambda: keys.unwrap(PROJECT, "job"),
        lambda: keys.secret(PROJECT),
        lambda: keys.create("acme_new"),
        lambda: keys.destroy_job(PROJECT, "job"),
        lambda: store.open().create_schema(),
    ):
        with pytest.raises(VaultError, match="tombstones"):
            use()
    assert rows(store, "job_key") == 1, "nothing is deleted that cannot be fenced"


# ---------------------------------------------------------------------- the tombstones' file


def test_a_tombstone_holds_ids_and_a_time_only(store, keys: EmbeddedKeys):
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    proof = keys.destroy_job(PROJECT, "job")
    assert json.loads(store.tombstones.read_text()) == {
        "project": PROJECT,
        "job": "job",
        "key": proof.key_id,
        "destroyed_at": proof.destroyed_at.isoformat(),
    }
    assert store.tombstones.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_off_by_a_crash_is_no_tombstone_and_spoils_none(store, keys: EmbeddedKeys):
    keys.create(PROJECT)
    for job in ("one", "two"):
        keys.create_job(PROJECT, job)
    with store.tombstones.open("a") as file:
        file.write('{"project": "acme_contacts", "job": "on')
    assert keys.unwrap(PROJECT, "one")
    keys.destroy_job(PROJECT, "two")
    for fresh in (keys, store.open()):
        assert fresh.unwrap(PROJECT, "one")
        with pytest.raises(KeyDestroyed):
            fresh.unwrap(PROJECT, "two")


def test_a_line_that_cannot_be_read_stops_the_vault(store, keys: EmbeddedKeys):
    keys.create(PROJECT)
    with store.tombstones.open("a") as file:
        file.write("garbled\n")
    with pytest.raises(VaultError, match="tombstones"):
        keys.secret(PROJECT)
    with pytest.raises(VaultError, match="tombstones"):
        keys.secret(PROJECT)


def test_another_process_sees_a_tombstone_at_once(store, keys: EmbeddedKeys):
    other = store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    assert other.unwrap(PROJECT, "job")
    keys.destroy_job(PROJECT, "job")
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
