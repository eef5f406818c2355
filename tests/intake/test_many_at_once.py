"""Intake with many drops or notes of one client, a missing DAG, an early acceptance: on a real store and ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backoffice.deployment import Deployment
from backoffice.intake import reconcile
from backoffice.intake.reconcile import Intake
from backoffice.ledger import JobState
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.vault.openpgp import sign
from tests.conftest_deployment import CLIENT, deploy, drop


@pytest.fixture
def deployment(tmp_path: Path, postgres_server: str, store_server: SeaweedFS) -> Iterator[Deployment]:
    with deploy(tmp_path, postgres_server, store_server, "acme", "zebra") as made:
        yield made


def note(deployment: Deployment, job: object) -> None:
    signed = sign(f"accept {job}".encode(), CLIENT.secret)
    deployment.store_manager.put("acme-contacts", f"in/.accept/{job}", signed)


def test_a_client_with_many_drops_does_not_keep_another_waiting(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reconcile, "_MOST_CLAIMS", 2)
    first = {deployment.store_manager.put("acme-contacts", f"in/{n}.pgp", b"x").version_id for n in range(3)}
    other = drop(deployment, "zebra_contacts")
    intake = Intake(deployment, lambda *_: True)
    intake.look()
    claimed = {job.version_id for job in deployment.ledger.jobs()}
    assert other in claimed
    assert len(claimed & first) == 2
    intake.look()
    assert {job.version_id for job in deployment.ledger.jobs()} == {*first, other}


def test_a_missing_dag_is_asked_for_once_and_not_for_each_job(deployment: Deployment):
    for n in range(3):
        deployment.store_manager.put("acme-contacts", f"in/{n}.pgp", b"x")
    asked: list[str] = []

    def no_dag(dag: str, run: str) -> bool:
        asked.append(run)
        return False

    intake = Intake(deployment, no_dag)
    intake.look()
    intake.look()
    assert len(asked) == 1
    assert len(deployment.ledger.jobs(states=[JobState.CLAIMED], without_run=True)) == 3, "none is given up"


def test_an_acceptance_that_comes_before_the_delivery_is_recorded_is_not_lost(deployment: Deployment):
    """The client may fetch what a stage, killed at that moment, could not record any more."""
    drop(deployment, "acme_contacts")
    started: list[str] = []
    intake = Intake(deployment, lambda dag, run: started.append(dag) or True)
    intake.look()
    (job,) = deployment.ledger.jobs()
    deployment.ledger.move(job.id, JobState.PREPARED)
    deployment.ledger.move(job.id, JobState.CHECKED)
    note(deployment, job.id)
    intake.look()
    assert "erasure" not in started
    deployment.ledger.record_delivery(job.id, bucket=job.bucket, key="out/k", version_id="v", sha256="0" * 64, size=1)
    deployment.ledger.move(job.id, JobState.DELIVERED, delivered_at=datetime.now(UTC))
    intake.look()
    assert deployment.ledger.job(job.id).state is JobState.ACCEPTED
    assert started.count("erasure") == 1
    assert not list(deployment.store_manager.versions("acme-contacts", "in/.accept/"))


def test_many_notes_of_one_client_are_taken_a_few_at_a_time(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reconcile, "_MOST_NOTES", 2)
    for n in range(3):
        deployment.store_manager.put("acme-contacts", f"in/.accept/{n}", b"forged")
    intake = Intake(deployment, lambda *_: True)
    intake.look()
    assert len(list(deployment.store_manager.versions("acme-contacts", "in/.accept/"))) == 1
    intake.look()
    assert not list(deployment.store_manager.versions("acme-contacts", "in/.accept/"))
