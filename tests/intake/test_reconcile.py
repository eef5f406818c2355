"""Intake over a real ledger, key store and object store: nobody holds up anybody else."""

from __future__ import annotations

import logging
import shutil
from uuid import UUID

import pytest
from sqlalchemy import text

from backoffice.deployment import Deployment
from backoffice.errors import StorageError
from backoffice.intake.reconcile import Intake
from backoffice.onboarding import onboard
from backoffice.vault.openpgp import sign
from tests.conftest_deployment import CLIENT


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    """Two clients, ``acme`` and ``beta``; only acme's project has been onboarded."""
    clients = deployment.settings.root / "sow"
    shutil.copytree(clients / "acme", clients / "beta")
    dpa = clients / "beta" / "dpa.yaml"
    dpa.write_text(dpa.read_text().replace("client: acme", "client: beta"))
    return deployment


def start(dag_id: str, run_id: str) -> bool:
    return bool(dag_id and UUID(run_id))


def test_a_project_without_a_bucket_does_not_stop_the_others(deployment: Deployment, caplog):
    deployment.store_manager.put("acme-contacts", "in/drop.pgp", b"sealed")
    intake = Intake(deployment, start)
    with caplog.at_level(logging.WARNING):
        intake.look()
        intake.look()
    assert [job.project for job in deployment.ledger.jobs()] == ["acme_contacts"]
    assert len([record for record in caplog.records if "beta_contacts cannot receive" in record.getMessage()]) == 1


def test_a_project_whose_keys_are_lost_does_not_stop_the_others(deployment: Deployment):
    """As after a restore of a key store that was copied before the project was."""
    onboard(deployment, "beta_contacts")
    for project in ("acme-contacts", "beta-contacts"):
        deployment.store_manager.put(project, "in/drop.pgp", b"sealed")
    with deployment.key_owner._engine.begin() as db:
        db.execute(text("DELETE FROM project_key WHERE project = 'acme_contacts'"))
    try:
        Intake(deployment, start).look()
    finally:
        deployment.store_manager.erase("beta-contacts", prefix="")
        deployment.store_manager.delete_bucket("beta-contacts")
    assert [job.project for job in deployment.ledger.jobs()] == ["beta_contacts"]


def test_a_store_that_refuses_every_project_is_not_overlooked(deployment: Deployment):
    shutil.rmtree(deployment.settings.root / "sow" / "acme")
    with pytest.raises(StorageError):
        Intake(deployment, start).look()


def test_an_acceptance_that_only_the_client_can_read_is_removed_and_stops_nobody(deployment: Deployment):
    """A client may encrypt an object with a key of its own (SSE-C): the store then refuses it to everybody else."""
    deployment.store_manager.put("acme-contacts", "in/drop.pgp", b"sealed")
    intake = Intake(deployment, start)
    intake.look()
    job = deployment.ledger.jobs()[0]
    deployment.store_manager.s3.put_object(
        Bucket="acme-contacts",
        Key=f"in/.accept/{job.id}",
        Body=sign(f"accept {job.id}".encode(), CLIENT.secret),
        SSECustomerAlgorithm="AES256",
        SSECustomerKey="k" * 32,
    )
    deployment.store_manager.put("acme-contacts", "in/later.pgp", b"sealed")
    intake.look()
    assert len(deployment.ledger.jobs()) == 2
    assert not list(deployment.store_manager.versions("acme-contacts", "in/.accept/"))
