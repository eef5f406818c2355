"""A deployment's keys move from a master key to OpenBao, on the real servers: none is lost, what was destroyed stays so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backoffice.errors import KeyDestroyed, VaultError
from backoffice.vault.destroying import KeyEraser
from backoffice.vault.keys import ProjectKeys
from backoffice.vault.master import MasterKeys
from backoffice.vault.root_key import Wrapped
from tests.vault import openbao
from tests.vault.conftest import KeyStore, empty

PROJECTS = ("acme_contacts", "acme_products", "beta_orders")
GONE = "beta_gone"


@pytest.fixture
def old(own_store: KeyStore) -> KeyStore:
    """Under a master key: three projects with a job each, and one that was destroyed."""
    keys = own_store.open()
    for project in (*PROJECTS, GONE):
        keys.create(project)
        keys.create_job(project, "job")
    own_store.eraser().destroy(GONE)
    return own_store


@pytest.fixture
def new(old: KeyStore, bao: openbao.Server) -> Iterator[KeyStore]:
    """The same key store as processes see it that are set to OpenBao."""
    yield replace(old, bao=bao)
    empty(bao)


def opened(store: KeyStore) -> dict[str, bytes]:
    keys = store.open()
    return {project: keys.unwrap(project, "job") for project in PROJECTS}


def move(new: KeyStore) -> int:
    return new.open().move(MasterKeys.from_file(new.master))


def in_openbao(new: KeyStore) -> list[str]:
    assert new.bao is not None
    return new.bao.client().secrets.transit.list_keys()["data"]["keys"]


def rows(store: KeyStore) -> list[tuple]:
    wanted = "SELECT key_id, wrapped, wrapped_by FROM project_key WHERE kind = 'kek' ORDER BY project"
    with store.engine.connect() as db:
        return [tuple(row) for row in db.execute(text(wanted))]


def test_all_keys_open_as_before_and_the_master_key_opens_none(old: KeyStore, new: KeyStore):
    before, secrets = opened(old), {project: old.open().secret(project) for project in PROJECTS}
    assert move(new) == 3
    assert opened(new) == before
    assert {project: new.open().secret(project) for project in PROJECTS} == secrets
    assert new.open().roots() == {f"openbao:transit/{project}:v1": 1 for project in PROJECTS}
    with pytest.raises(VaultError, match="not under master key"):
        opened(old)


def test_work_goes_on_in_openbao(old: KeyStore, new: KeyStore):
    move(new)
    keys = new.open()
    keys.create_job(PROJECTS[0], "later")
    keys.create("beta_new")
    assert keys.rewrap(lambda: None) == 4
    worker = create_engine(new.url_of("keystore_worker"), hide_parameters=True)
    as_worker = ProjectKeys(worker, new.root("worker"), new.tombstones)
    assert as_worker.unwrap(PROJECTS[0], "later") == keys.unwrap(PROJECTS[0], "later")


def test_a_repeat_finds_nothing_to_do(old: KeyStore, new: KeyStore):
    move(new)
    there = rows(new)
    assert move(new) == 0
    assert rows(new) == there


def test_a_repeat_goes_on_after_a_rotation_in_openbao(old: KeyStore, new: KeyStore):
    """The newest key there is another by then; what lies under the one before it OpenBao opens, and no master key."""
    before = opened(old)
    move(new)
    new.root().renew(PROJECTS[0])
    assert move(new) == 1
    assert opened(new) == before


def test_what_was_destroyed_before_stays_so_and_has_no_key_in_openbao(old: KeyStore, new: KeyStore):
    move(new)
    assert sorted(in_openbao(new)) == sorted(PROJECTS)
    with pytest.raises(KeyDestroyed):
        new.open().unwrap(GONE, "job")
    assert new.open().is_destroyed(GONE)


def test_a_project_whose_destruction_was_cut_off_does_not_move(old: KeyStore, new: KeyStore):
    class Stops(KeyEraser):
        def _after_fence(self) -> None:
            raise VaultError("The process ends here.")

    with pytest.raises(VaultError, match="ends here"):
        old.eraser(Stops).destroy(PROJECTS[0])
    assert move(new) == 2
    assert PROJECTS[0] not in in_openbao(new)
    new.eraser().destroy(PROJECTS[0])
    assert new.open().is_destroyed(PROJECTS[0])


def test_destroying_afterwards_destroys_what_every_copy_needs(old: KeyStore, new: KeyStore):
    move(new)
    engine = create_engine(new.url, hide_parameters=True)
    with engine.connect() as db:
        copy = db.execute(text("SELECT * FROM project_key WHERE project = :p"), {"p": PROJECTS[0]}).mappings().all()
    new.eraser().destroy(PROJECTS[0])
    kek = next(row for row in copy if row["kind"] == "kek")
    with pytest.raises(VaultError):
        new.root().unwrap(PROJECTS[0], Wrapped(kek["wrapped"], kek["wrapped_by"]), "kek", kek["key_id"], kek["epoch"])
    assert in_openbao(new) == sorted(PROJECTS[1:])


def test_who_destroys_and_was_not_told_of_openbao_refuses_before_anything_is_fenced(old: KeyStore, new: KeyStore):
    """It would delete the rows, say so, and leave the key that opens every copy of them."""
    before = opened(old)
    move(new)
    with pytest.raises(VaultError, match="OpenBao, which this process was not told of"):
        old.eraser().destroy(PROJECTS[0])
    assert opened(new) == before


def test_another_master_key_moves_nothing(old: KeyStore, new: KeyStore, tmp_path: Path):
    there, before = rows(old), opened(old)
    other = MasterKeys.create(tmp_path / "other.key")
    with pytest.raises(VaultError, match="not under master key"):
        new.open().move(other)
    assert rows(old) == there
    assert opened(old) == before


class Dies(ProjectKeys):
    """Killed at one project, before or after its keys were wrapped anew; nothing of it is committed then."""

    after = False

    def _rewrap(self, connection, project: str, old) -> int:
        here = project == sorted(PROJECTS)[1]
        if here and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = super()._rewrap(connection, project, old)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def _move_and_die(new: KeyStore, after: bool) -> None:
    keys = Dies(create_engine(new.url, hide_parameters=True), new.root(), new.tombstones)
    keys.after = after
    keys.move(MasterKeys.from_file(new.master))


@pytest.mark.parametrize("after", [False, True], ids=["before it is wrapped", "before it is committed"])
def test_one_that_is_killed_loses_nothing_and_a_repeat_ends_it(old: KeyStore, new: KeyStore, after: bool):
    before = opened(old)
    child = get_context("spawn").Process(target=_move_and_die, args=(replace(new, engine=None), after))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    first, *others = sorted(PROJECTS)
    assert new.open().unwrap(first, "job") == before[first]
    assert all(old.open().unwrap(project, "job") == before[project] for project in others)
    assert move(new) == 2
    assert opened(new) == before
