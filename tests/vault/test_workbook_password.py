"""The password of a client's workbooks: wrapped, replaced, forgotten, destroyed, and never there again after that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import text

from backoffice.errors import KeyDestroyed, VaultError
from backoffice.ids import new_id
from backoffice.vault.destroying import KeyEraser
from backoffice.vault.keys import ProjectKeys

PROJECT, OTHER = "acme_contacts", "acme_orders"
PASSWORD = "Straße 7 😀".encode()


def kept(store) -> list[tuple[int, bytes]]:
    with store.engine.connect() as connection:
        found = connection.execute(
            text("select epoch, wrapped from project_key where kind = 'password' order by epoch")
        )
        return [(row.epoch, bytes(row.wrapped)) for row in found]


def test_it_is_kept_wrapped_and_another_process_reads_it(store, keys: ProjectKeys):
    keys.create(PROJECT)
    assert keys.password(PROJECT) is None
    keys.keep_password(PROJECT, PASSWORD)
    assert store.open().password(PROJECT) == PASSWORD
    ((_, wrapped),) = kept(store)
    assert PASSWORD not in wrapped


def test_a_new_one_takes_its_place_and_the_old_one_is_deleted(store, keys: ProjectKeys):
    keys.create(PROJECT)
    keys.keep_password(PROJECT, PASSWORD)
    keys.keep_password(PROJECT, b"new")
    assert keys.password(PROJECT) == b"new"
    assert [epoch for epoch, _ in kept(store)] == [2]


def test_forgetting_deletes_it_and_leaves_the_keys(store, keys: ProjectKeys):
    keys.create(PROJECT)
    job = new_id()
    keys.create_job(PROJECT, job)
    sealed = keys.seal(PROJECT, job, b"name")
    keys.keep_password(PROJECT, PASSWORD)
    assert keys.forget_password(PROJECT) is True
    assert keys.forget_password(PROJECT) is False
    assert keys.password(PROJECT) is None
    assert kept(store) == []
    assert keys.unseal(PROJECT, job, sealed) == b"name"
    keys.keep_password(PROJECT, b"new")
    assert keys.password(PROJECT) == b"new"


def test_each_project_has_its_own(keys: ProjectKeys):
    for project in (PROJECT, OTHER):
        keys.create(project)
    keys.keep_password(PROJECT, PASSWORD)
    assert keys.password(OTHER) is None
    keys.keep_password(OTHER, b"other")
    keys.forget_password(PROJECT)
    assert keys.password(OTHER) == b"other"


def test_a_row_that_was_moved_to_another_project_does_not_open(store, keys: ProjectKeys):
    for project in (PROJECT, OTHER):
        keys.create(project)
    keys.keep_password(PROJECT, PASSWORD)
    with store.engine.begin() as connection:
        connection.execute(text("update project_key set project = :other where kind = 'password'"), {"other": OTHER})
    with pytest.raises(VaultError):
        keys.password(OTHER)


def test_it_is_destroyed_with_the_projects_keys_and_never_kept_again(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.keep_password(PROJECT, PASSWORD)
    eraser.destroy(PROJECT)
    assert kept(store) == []
    for use in (
        lambda: keys.password(PROJECT),
        lambda: keys.keep_password(PROJECT, PASSWORD),
        lambda: keys.forget_password(PROJECT),
    ):
        with pytest.raises(KeyDestroyed):
            use()
    assert kept(store) == []


def test_a_row_that_a_restore_brings_back_is_not_served(store, keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.keep_password(PROJECT, PASSWORD)
    with store.engine.connect() as connection:
        rows = [dict(row._mapping) for row in connection.execute(text("select * from project_key"))]
    eraser.destroy(PROJECT)
    columns = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    with store.engine.begin() as connection:
        connection.execute(text(f"insert into project_key ({columns}) values ({values})"), rows)
    with pytest.raises(KeyDestroyed):
        keys.password(PROJECT)
    eraser.destroy(PROJECT)
    assert kept(store) == []


def test_without_a_project_there_is_none_to_keep(keys: ProjectKeys):
    for use in (
        lambda: keys.password(PROJECT),
        lambda: keys.keep_password(PROJECT, PASSWORD),
        lambda: keys.forget_password(PROJECT),
    ):
        with pytest.raises(VaultError, match="no key for project acme_contacts"):
            use()


def test_whatever_runs_at_once_there_is_one_or_none_and_the_last_counts(store, keys: ProjectKeys):
    keys.create(PROJECT)

    def act(number: int) -> None:
        mine = store.open()
        if number % 3 == 2:
            mine.forget_password(PROJECT)
        else:
            mine.keep_password(PROJECT, f"password {number}".encode())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(30)))
    assert len(kept(store)) <= 1
    keys.keep_password(PROJECT, b"last")
    assert keys.password(PROJECT) == b"last"
    keys.forget_password(PROJECT)
    assert keys.password(PROJECT) is None


def test_keeping_while_the_project_is_destroyed_brings_nothing_back(store, keys: ProjectKeys):
    keys.create(PROJECT)

    def act(number: int) -> None:
        mine = store.open()
        if number == 5:
            store.eraser().destroy(PROJECT)
            return
        with suppress(KeyDestroyed):
            mine.keep_password(PROJECT, PASSWORD)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(12)))
    assert kept(store) == []
    assert keys.is_destroyed(PROJECT)
