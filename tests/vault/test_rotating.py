"""Root keys are rotated while everything runs: each key opens at any moment, and nothing lies under the old one afterwards."""

from __future__ import annotations

import base64
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backoffice.errors import VaultError
from backoffice.vault.escrow import Escrow
from backoffice.vault.keys import ProjectKeys
from backoffice.vault.master import MasterKeys
from backoffice.vault.openbao import TransitKeys
from backoffice.vault.rotating import rotate_master_key
from tests.vault import openbao
from tests.vault.conftest import KeyStore, empty

PROJECTS = ("acme_contacts", "acme_products", "beta_orders")


def made(store: KeyStore) -> dict[str, bytes]:
    keys = store.open()
    for project in PROJECTS:
        keys.create(project)
        keys.create_job(project, "job")
    return {project: keys.unwrap(project, "job") for project in PROJECTS}


def nothing() -> None:
    """No escrow is kept."""


def master(store: KeyStore) -> MasterKeys:
    return MasterKeys.from_file(store.master)


def test_all_keys_move_and_open_as_before(store: KeyStore):
    before, other = made(store), store.open()
    roots = other.roots()
    keys = store.open()
    if store.bao is None:
        old = store.master.read_bytes()
        held = master(store)
        assert (
            rotate_master_key(ProjectKeys(store.engine, held, store.tombstones), held, store.master, copy=nothing) == 3
        )
        assert store.master.stat().st_mode & 0o777 == 0o600
        assert old not in store.master.read_bytes()
        assert len(store.master.read_bytes()) == 32
    else:
        assert keys.rewrap(nothing) == 3
    assert not roots.keys() & keys.roots().keys()
    for opened in (other, store.open()):  # one that knew the old root, and a new one
        assert {project: opened.unwrap(project, "job") for project in PROJECTS} == before
        opened.create_job("acme_contacts", "later")


def test_what_lay_under_the_old_root_does_not_open_any_more(store: KeyStore):
    """As from an old copy of the database."""
    made(store)
    with store.engine.connect() as db:
        old = db.execute(text("SELECT key_id, wrapped, wrapped_by FROM project_key WHERE kind = 'kek'")).all()
    if store.bao is None:
        held = master(store)
        rotate_master_key(ProjectKeys(store.engine, held, store.tombstones), held, store.master, copy=nothing)
    else:
        store.open().rewrap(nothing)
    with store.engine.begin() as db:
        for row in old:
            change = text("UPDATE project_key SET wrapped = :w, wrapped_by = :b WHERE key_id = :k")
            db.execute(change, {"w": row.wrapped, "b": row.wrapped_by, "k": row.key_id})
    with pytest.raises(VaultError):
        store.open().unwrap(PROJECTS[0], "job")


def test_work_goes_on_meanwhile(own_store: KeyStore):
    before, failed, done = made(own_store), [], threading.Event()

    def work() -> None:
        keys, number = own_store.open(), 0
        while not done.is_set():
            number += 1
            try:
                assert keys.unwrap(PROJECTS[number % 3], "job") == before[PROJECTS[number % 3]]
                keys.create(f"new_{number % 7}")
            except Exception as error:  # noqa: BLE001
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        held = master(own_store)
        rotate_master_key(
            ProjectKeys(own_store.engine, held, own_store.tombstones), held, own_store.master, copy=nothing
        )
    done.set()
    for thread in threads:
        thread.join()
    assert not failed
    keys = own_store.open()
    assert keys.roots().keys() == {master(own_store).ids[0]}
    assert all(keys.unwrap(project, "job") == key for project, key in before.items())


class Dies(ProjectKeys):
    def _rewrap(self, connection, project: str, old) -> int:
        if project == sorted(PROJECTS)[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._rewrap(connection, project, old)


def _rotate_and_die(url: str, path, tombstones) -> None:
    held = MasterKeys.from_file(path)
    rotate_master_key(Dies(create_engine(url, hide_parameters=True), held, tombstones), held, path, copy=nothing)


def test_one_that_is_killed_loses_nothing_and_a_repeat_ends_it(own_store: KeyStore):
    before = made(own_store)
    arguments = (own_store.url, own_store.master, own_store.tombstones)
    child = get_context("spawn").Process(target=_rotate_and_die, args=arguments)
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    keys = own_store.open()
    assert all(keys.unwrap(project, "job") == key for project, key in before.items())
    assert len(master(own_store).ids) == 2
    held = master(own_store)
    rotate_master_key(ProjectKeys(own_store.engine, held, own_store.tombstones), held, own_store.master, copy=nothing)
    assert len(master(own_store).ids) == 1
    assert all(own_store.open().unwrap(project, "job") == key for project, key in before.items())


class Overtaken(TransitKeys):
    """Somebody else begins to rotate before this one has ended."""

    def retire(self, project: str, kept: str) -> None:
        self.renew(project)
        super().retire(project, kept)


def test_two_that_rotate_in_openbao_at_once_lose_nothing(own_store: KeyStore, bao: openbao.Server):
    store = replace(own_store, bao=bao)
    try:
        before, root = made(store), bao.as_role("owner")
        ProjectKeys(store.engine, Overtaken(root._server), store.tombstones).rewrap(nothing)
        assert {project: store.open().unwrap(project, "job") for project in PROJECTS} == before
        store.open().rewrap(nothing)
        assert {project: store.open().unwrap(project, "job") for project in PROJECTS} == before
    finally:
        empty(bao)


class Late(ProjectKeys):
    """Somebody else ends this rotation and begins the next one."""

    path: Path

    def rewrap(self, copy: Callable[[], object]) -> int:
        done = super().rewrap(copy)
        other = MasterKeys.from_file(self.path)
        other.keep_newest(self.path)
        other.create_newer(self.path)
        return done


def test_two_that_rotate_a_master_key_at_once_lose_none(own_store: KeyStore):
    before, held = made(own_store), master(own_store)
    late = Late(own_store.engine, held, own_store.tombstones)
    late.path = own_store.master
    rotate_master_key(late, held, own_store.master, copy=nothing)
    assert len(master(own_store).ids) == 2
    assert {project: own_store.open().unwrap(project, "job") for project in PROJECTS} == before


def test_a_copy_opens_that_was_made_before_the_old_root_goes(store: KeyStore, tmp_path: Path):
    before = made(store)
    places = {"copies": tmp_path / "copies", "keys": tmp_path / "keys", "tombstones": store.tombstones}
    escrow = Escrow(store.engine, **places)
    escrow.turn()
    if store.bao is None:
        held = master(store)
        rotate_master_key(ProjectKeys(store.engine, held, store.tombstones), held, store.master, copy=escrow.make)
    else:
        store.open().rewrap(escrow.make)
    with store.engine.begin() as db:
        for table in ("project_key", "job_key", "probe"):
            db.execute(text(f"DELETE FROM {table}"))
    escrow.restore()
    assert {project: store.open().unwrap(project, "job") for project in PROJECTS} == before


# ---------------------------------------------------------------------- where a master key comes from


def test_a_secret_of_the_environment_serves(own_store: KeyStore):
    before = made(own_store)
    held = MasterKeys.from_text(base64.b64encode(own_store.master.read_bytes()).decode() + "\n")
    keys = ProjectKeys(own_store.engine, held, own_store.tombstones)
    assert keys.unwrap(PROJECTS[0], "job") == before[PROJECTS[0]]
    for wrong in ("", "not base64!", base64.b64encode(b"short").decode()):
        with pytest.raises(VaultError):
            MasterKeys.from_text(wrong)


def test_a_credential_of_systemd_serves(own_store: KeyStore, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(VaultError, match="systemd"):
        MasterKeys.from_credential("master.key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(own_store.master.parent))
    assert MasterKeys.from_credential("master.key").ids == master(own_store).ids
