"""Intake over a real ledger, key store and object store: nobody holds up anybody else."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backoffice.deployment import Deployment
from backoffice.errors import StorageError
from backoffice.intake.reconcile import Intake
from backoffice.ledger.migrate import migrate
from backoffice.onboarding import enrol
from backoffice.settings import Settings
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.vault.master import MasterKey
from backoffice.vault.openpgp import generate, sign
from backoffice.vault.signing import SigningKey

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def deployment(postgres_server: str, store_server: SeaweedFS, tmp_path: Path) -> Iterator[Deployment]:
    """Two clients, ``acme`` and ``beta``; only acme's project has been onboarded."""
    for client in ("acme", "beta"):
        shutil.copytree(ROOT / "sow" / "acme", tmp_path / "sow" / client)
    dpa = tmp_path / "sow" / "beta" / "dpa.yaml"
    dpa.write_text(dpa.read_text().replace("client: acme", "client: beta"))
    processor, manager = store_server.settings("processor"), store_server.settings("admin")
    values: dict[str, Any] = {
        "_env_file": None,
        "root": tmp_path,
        "var": tmp_path,
        "ledger_url": postgres_server.format("ledger"),
        "keystore_url": postgres_server.format("keystore"),
        "master_key_file": tmp_path / "master.key",
        "signing_key_file": tmp_path / "signing.pem",
        "company_key_file": tmp_path / "company.key",
        "company_certificate_file": tmp_path / "company.asc",
        "tombstones_file": tmp_path / "tombstones",
        "store_endpoint": processor.endpoint,
        "store_ca": processor.ca,
        "store_access_key": processor.access_key,
        "store_secret_key": processor.secret_key,
        "store_manager_access_key": manager.access_key,
        "store_manager_secret_key": manager.secret_key,
    }
    MasterKey.create(tmp_path / "master.key")
    SigningKey.create(tmp_path / "signing.pem")
    opened = Deployment(Settings(**values))
    migrate(opened.ledger.engine)
    with opened.ledger.engine.begin() as db:
        db.exec_driver_sql("TRUNCATE jobs CASCADE")
    opened.keys.create_schema()
    opened.keys.create("acme_contacts")
    opened.store_manager.create_bucket("acme-contacts")
    try:
        yield opened
    finally:
        opened.keys.destroy("acme_contacts")
        with opened.keys._engine.begin() as db:
            db.exec_driver_sql("TRUNCATE project_key, job_key, probe")
        opened.store.erase("acme-contacts", prefix="")
        opened.ledger.close()


def start(dag_id: str, run_id: str) -> bool:
    return bool(dag_id and UUID(run_id))


def test_a_project_without_a_bucket_does_not_stop_the_others(deployment: Deployment, caplog):
    deployment.store.put("acme-contacts", "in/drop.pgp", b"sealed")
    intake = Intake(deployment, start)
    with caplog.at_level(logging.WARNING):
        intake.look()
        intake.look()
    assert [job.project for job in deployment.ledger.jobs()] == ["acme_contacts"]
    assert len([record for record in caplog.records if "beta_contacts cannot receive" in record.getMessage()]) == 1


def test_a_store_that_refuses_every_project_is_not_overlooked(deployment: Deployment):
    shutil.rmtree(deployment.settings.root / "sow" / "acme")
    with pytest.raises(StorageError):
        Intake(deployment, start).look()


def test_an_acceptance_that_only_the_client_can_read_is_removed_and_stops_nobody(deployment: Deployment):
    """A client may encrypt an object with a key of its own (SSE-C): the store then refuses it to everybody else."""
    client = generate("acme")
    enrol(deployment, "acme", client.certificate)
    deployment.store.put("acme-contacts", "in/drop.pgp", b"sealed")
    intake = Intake(deployment, start)
    intake.look()
    job = deployment.ledger.jobs()[0]
    deployment.store_manager.s3.put_object(
        Bucket="acme-contacts",
        Key=f"in/.accept/{job.id}",
        Body=sign(f"accept {job.id}".encode(), client.secret),
        SSECustomerAlgorithm="AES256",
        SSECustomerKey="k" * 32,
    )
    deployment.store.put("acme-contacts", "in/later.pgp", b"sealed")
    intake.look()
    assert len(deployment.ledger.jobs()) == 2
    assert not list(deployment.store.versions("acme-contacts", "in/.accept/"))
