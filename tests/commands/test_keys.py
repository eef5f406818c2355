"""``backoffice keys`` over a real key store: rotation and restore, as an operator runs them."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backoffice.commands.keys import app
from backoffice.deployment import Deployment
from backoffice.errors import VaultError
from tests.vault import openbao

PROJECT = "acme_contacts"


@pytest.fixture
def deployment(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    @contextmanager
    def opened():
        yield Deployment(deployment.settings)  # each command is a process of its own

    monkeypatch.setattr("backoffice.deployment.deployment", opened)
    return deployment


def run(*arguments: str) -> list[str]:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output.splitlines()


def test_a_rotation_changes_the_master_key_and_nothing_else(deployment: Deployment):
    before, secret = run("status"), deployment.keys.secret(PROJECT)
    old = deployment.settings.master_key_file.read_bytes()  # type: ignore[union-attr]
    said = run("rotate")
    assert said[0].startswith("Moved: the keys of 1 project. Root: MasterKeys(")
    after = run("status")
    assert before[1].endswith("keys of 1 project")
    assert after[1].endswith("keys of 1 project")
    assert before[:2] != after[:2]
    assert old != deployment.settings.master_key_file.read_bytes()  # type: ignore[union-attr]
    assert deployment.keys.secret(PROJECT) == secret


def test_keys_move_to_openbao_with_the_old_master_key_at_hand(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    secret, master = deployment.keys.secret(PROJECT), str(deployment.settings.master_key_file)
    with pytest.raises(VaultError, match="not to OpenBao"):
        run("move", master)
    (tmp_path / "openbao").mkdir()
    process, server = openbao.start(tmp_path / "openbao")
    try:
        values = {
            "master_key_file": None,
            "openbao_url": server.url,
            "openbao_ca": server.ca,
            "openbao_role": server.roles["owner"],
            "openbao_secret_file": server.folder / "owner.secret",
        }
        moved = Deployment(deployment.settings.model_copy(update=values))

        @contextmanager
        def opened():
            yield moved

        monkeypatch.setattr("backoffice.deployment.deployment", opened)
        said = run("move", master)
        assert said[0].startswith("Moved: the keys of 1 project. Root: TransitKeys(")
        assert run("move", master)[0].startswith("Moved: the keys of 0 projects.")
        assert run("status")[1] == f"  openbao:transit/{PROJECT}:v1: keys of 1 project"
        assert moved.keys.secret(PROJECT) == secret
    finally:
        process.stop()


def test_a_lost_key_store_is_restored_without_what_was_destroyed(deployment: Deployment):
    keys = deployment.keys
    for job in ("kept", "gone"):
        keys.create_job(PROJECT, job)
    secret = keys.secret(PROJECT)
    assert deployment.escrow().turn() is not None
    assert run("status")[-1].endswith("UTC")
    deployment.key_eraser.destroy_job(PROJECT, "gone")
    with pytest.raises(VaultError, match="empty"):
        run("restore")
    with deployment.key_owner._engine.begin() as db:
        for table in ("project_key", "job_key", "probe"):
            db.exec_driver_sql(f"DELETE FROM {table}")
    said = run("restore")
    assert said[0].startswith("Restored 4 keys as of ")
    assert said[0].endswith("; 1 stay destroyed.")
    assert deployment.keys.secret(PROJECT) == secret
    assert deployment.keys.unwrap(PROJECT, "kept")
    assert deployment.keys.is_destroyed(PROJECT, "gone")
