"""A lost key store comes back from its escrow, and nothing that was destroyed does, however old the copy."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, text

from backoffice.errors import KeyDestroyed, VaultError
from backoffice.ids import new_id
from backoffice.vault.escrow import KEPT, Escrow
from tests.vault.conftest import KeyStore

PROJECT, OTHER = "acme_contacts", "acme_products"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLES = ("project_key", "job_key", "probe")


@pytest.fixture
def escrow(store: KeyStore, tmp_path: Path) -> Escrow:
    return of(store, tmp_path)


def of(store: KeyStore, place: Path, role: str = "keystore_worker") -> Escrow:
    engine = create_engine(store.url_of(role), hide_parameters=True)
    return Escrow(engine, copies=place / "copies", keys=place / "keys", tombstones=store.tombstones)


def lose(store: KeyStore) -> None:
    with store.engine.begin() as db:
        for table in TABLES:
            db.execute(text(f"DELETE FROM {table}"))


def test_a_lost_store_comes_back(store: KeyStore, escrow: Escrow, tmp_path: Path):
    keys = store.open()
    for project in (PROJECT, OTHER):
        keys.create(project)
        keys.create_job(project, "job")
    keys.keep_password(PROJECT, b"of their workbooks")
    before = keys.unwrap(PROJECT, "job"), keys.secret(PROJECT), keys.certificate(OTHER)
    assert escrow.turn(now=NOW) is not None
    lose(store)
    restored = of(store, tmp_path, "keystore").restore()
    assert (restored.keys, restored.left_out, restored.made_at) == (9, 0, NOW)
    again = store.open()
    assert (again.unwrap(PROJECT, "job"), again.secret(PROJECT), again.certificate(OTHER)) == before
    assert again.password(PROJECT) == b"of their workbooks"
    assert again.probe(PROJECT, "job").opens


def test_a_copy_of_six_days_ago_brings_nothing_back_that_was_destroyed(store: KeyStore, escrow: Escrow, tmp_path: Path):
    keys, eraser, job, gone = store.open(), store.eraser(), new_id(), new_id()
    for project in (PROJECT, OTHER):
        keys.create(project)
        keys.create_job(project, job)
    keys.create_job(PROJECT, gone)
    sealed = keys.seal(PROJECT, gone, b"in/anna.csv")
    escrow.turn(now=NOW - timedelta(days=6))
    eraser.destroy_job(PROJECT, gone)
    eraser.destroy(OTHER)
    lose(store)

    restored = of(store, tmp_path, "keystore").restore()

    assert (restored.keys, restored.left_out) == (4, 5)
    again = store.open()
    assert again.unwrap(PROJECT, job)
    for use in (
        lambda: again.unseal(PROJECT, gone, sealed),
        lambda: again.secret(OTHER),
        lambda: again.unwrap(OTHER, job),
    ):
        with pytest.raises(KeyDestroyed):
            use()
    for project, name in ((PROJECT, gone), (OTHER, None), (OTHER, job)):
        probe = again.probe(project, name)
        assert (probe.left, probe.opens, probe.destroyed) == (0, False, True)


@pytest.mark.parametrize("how", ["missing", "older", "another"])
def test_without_the_newest_tombstones_nothing_is_restored(store: KeyStore, escrow: Escrow, tmp_path: Path, how: str):
    keys, eraser = store.open(), store.eraser()
    keys.create(PROJECT)
    for job in ("one", "two"):
        keys.create_job(PROJECT, job)
    eraser.destroy_job(PROJECT, "one")
    escrow.turn(now=NOW)
    eraser.destroy_job(PROJECT, "two")
    lose(store)
    lines = store.tombstones.read_text().splitlines(keepends=True)
    store.tombstones.unlink()
    if how == "older":
        store.tombstones.write_text("")
    elif how == "another":
        store.tombstones.write_text(lines[1] + lines[0])
    with pytest.raises(VaultError, match="tombstones"):
        of(store, tmp_path, "keystore").restore()
    with store.engine.connect() as db:
        assert all(db.scalar(text(f"SELECT count(*) FROM {table}")) == 0 for table in TABLES)


def test_a_store_that_holds_keys_is_not_overwritten(store: KeyStore, escrow: Escrow, tmp_path: Path):
    keys = store.open()
    keys.create(PROJECT)
    escrow.turn(now=NOW)
    keys.create(OTHER)
    with pytest.raises(VaultError, match="empty"):
        of(store, tmp_path, "keystore").restore()
    assert keys.secret(OTHER)


def test_one_generation_a_day_and_none_outlives_six(own_store: KeyStore, tmp_path: Path):
    own_store.open().create(PROJECT)
    escrow, made = of(own_store, tmp_path), []
    for hour in range(24 * 9):
        now = NOW + timedelta(hours=hour)
        made += [one] if (one := escrow.turn(now=now)) else []
        there = escrow.generations()
        assert all(now - one.made_at <= KEPT < timedelta(days=6) for one in there)
        assert {path.stem for path in (tmp_path / "keys").iterdir()} == {one.id for one in there}
    assert len(made) == 9
    assert len(escrow.generations()) == 5


def test_an_old_copy_that_was_left_somewhere_opens_no_more(own_store: KeyStore, tmp_path: Path):
    own_store.open().create(PROJECT)
    escrow = of(own_store, tmp_path)
    made = escrow.turn(now=NOW)
    assert made is not None
    left = (tmp_path / "copies" / f"{made.id}.escrow").read_bytes()
    escrow.turn(now=NOW + timedelta(days=7))
    (tmp_path / "copies" / f"{made.id}.escrow").write_bytes(left)
    lose(own_store)
    with pytest.raises(VaultError, match="escrow key"):
        of(own_store, tmp_path, "keystore").restore(made.id)


def test_a_key_whose_copy_was_never_written_is_removed(own_store: KeyStore, tmp_path: Path):
    """A crash between the two leaves it."""
    escrow = of(own_store, tmp_path)
    escrow.turn(now=NOW)
    for left in (f"{new_id()}.key", f".{new_id()}.key.123"):
        (tmp_path / "keys" / left).write_bytes(bytes(32))
    (tmp_path / "copies" / f".{new_id()}.escrow.123").write_bytes(bytes(32))
    escrow.turn(now=NOW + timedelta(hours=1))
    for folder in ("keys", "copies"):
        assert {path.stem for path in (tmp_path / folder).iterdir()} == {one.id for one in escrow.generations()}


def test_a_copy_that_was_changed_or_renamed_is_refused(own_store: KeyStore, tmp_path: Path):
    own_store.open().create(PROJECT)
    escrow = of(own_store, tmp_path)
    made = escrow.turn(now=NOW)
    assert made is not None
    path = tmp_path / "copies" / f"{made.id}.escrow"
    whole = path.read_bytes()
    head, _, sealed = whole.partition(b"\n")
    younger = json.dumps(json.loads(head) | {"made_at": (NOW + timedelta(days=3)).isoformat()}).encode()
    lose(own_store)
    for broken in (whole[:-1], younger + b"\n" + sealed, whole[:-5] + b"xxxxx"):
        path.unlink()
        path.write_bytes(broken)
        with pytest.raises(VaultError):
            of(own_store, tmp_path, "keystore").restore()
    path.write_bytes(whole)
    path.rename(path.with_name(f"{new_id()}.escrow"))
    with pytest.raises(VaultError, match="no escrow of ours"):
        escrow.generations()


def test_it_holds_no_key_in_the_clear_and_is_its_owners_alone(store: KeyStore, escrow: Escrow, tmp_path: Path):
    keys = store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    escrow.turn(now=NOW)
    files = [path for name in ("copies", "keys") for path in (tmp_path / name).iterdir()]
    assert len(files) == 2
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    held = b"".join(path.read_bytes() for path in files)
    assert keys.unwrap(PROJECT, "job") not in held
    assert PROJECT.encode() not in held


def test_after_a_clock_that_was_ahead_there_is_a_copy_a_day_and_none_that_outlives_its_time(
    own_store: KeyStore, tmp_path: Path
):
    own_store.open().create(PROJECT)
    escrow = of(own_store, tmp_path)
    escrow.turn(now=NOW + timedelta(days=30))
    assert escrow.turn(now=NOW) is not None
    assert [one.made_at for one in escrow.generations()] == [NOW]
    assert len(list((tmp_path / "keys").iterdir())) == 1
    assert escrow.turn(now=NOW + timedelta(hours=1)) is None


class Watched(Escrow):
    """Says when it has seen that a job's key may come back."""

    seen: Callable[[], object]

    def _lives(self, table: Table, row: dict[str, Any]) -> bool:
        lives = super()._lives(table, row)
        if table.name == "job_key":
            self.seen()
        return lives


def test_a_key_that_is_destroyed_during_a_restore_does_not_come_back(own_store: KeyStore, tmp_path: Path):
    keys = own_store.open()
    keys.create(PROJECT)
    keys.create_job(PROJECT, "job")
    of(own_store, tmp_path).turn(now=NOW)
    lose(own_store)
    escrow = Watched(
        own_store.engine, copies=tmp_path / "copies", keys=tmp_path / "keys", tombstones=own_store.tombstones
    )
    destroying = Thread(target=lambda: own_store.eraser().destroy_job(PROJECT, "job"))
    escrow.seen = lambda: (destroying.start(), destroying.join(2))
    escrow.restore()
    destroying.join(30)
    assert keys.probe(PROJECT, "job").left == 0
