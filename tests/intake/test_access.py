"""Jobs' access to the store: given before it is needed, renewed, and all that a stage works with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from backoffice.delivery.stage import deliver
from backoffice.deployment import Deployment
from backoffice.erasure.stage import Scope, erase
from backoffice.errors import StorageError, VaultAway, VaultError
from backoffice.intake.access import LIFETIME
from backoffice.intake.reconcile import Intake
from backoffice.ledger import JobState
from backoffice.quality.stage import check
from backoffice.transform.stage import prepare
from tests.conftest_deployment import drop


def claimed(deployment: Deployment) -> UUID:
    drop(deployment, "acme_contacts")
    Intake(deployment, lambda *_: True).look()
    return deployment.ledger.jobs()[-1].id


def as_worker(deployment: Deployment) -> Deployment:
    """The deployment as a process that was given no key of the object store."""
    names = [f"store_{who}_{kind}_key" for who in ("intake", "eraser", "manager") for kind in ("access", "secret")]
    return replace(deployment, settings=deployment.settings.model_copy(update=dict.fromkeys(names)))


def test_stages_need_no_key_of_the_store(deployment: Deployment):
    job, worker = claimed(deployment), as_worker(deployment)
    for part in ("store_intake", "store_eraser", "store_manager"):
        with pytest.raises(VaultError, match="not given"):
            getattr(worker, part)
    prepare(worker, job)
    check(worker, job)
    deliver(worker, job)
    assert worker.ledger.job(job).state is JobState.DELIVERED
    worker.ledger.close()


def test_a_run_starts_with_access_and_never_without(deployment: Deployment):
    had = []
    drop(deployment, "acme_contacts")
    intake = Intake(deployment, lambda _, run: had.append(deployment.ledger.job(UUID(run)).access_until) or True)
    intake.look()
    assert len(had) == 1
    assert abs(had[0] - datetime.now(UTC) - LIFETIME) < timedelta(minutes=1)


def test_what_waits_for_an_agreement_has_none_until_it_comes(deployment: Deployment):
    dpa = deployment.settings.root / "sow" / "acme" / "dpa.yaml"
    agreed = dpa.read_text()
    dpa.write_text(agreed.replace("valid_until: 20", "valid_until: 19").replace("valid_from: 20", "valid_from: 19"))
    job = claimed(deployment)
    assert deployment.ledger.job(job).state is JobState.WAITING
    assert deployment.ledger.job(job).access_sealed is None
    dpa.write_text(agreed)
    Intake(deployment, lambda *_: True).look()
    assert deployment.ledger.job(job).access_sealed is not None


def test_it_is_renewed_long_before_it_ends_while_the_job_is_under_way(deployment: Deployment):
    job = claimed(deployment)
    prepare(deployment, job)
    first = deployment.ledger.job(job)
    Intake(deployment, lambda *_: True).look()
    assert deployment.ledger.job(job).access_sealed == first.access_sealed, "not at every look"
    soon = datetime.now(UTC) + timedelta(hours=2)
    deployment.ledger.note(job, access_until=soon)
    Intake(deployment, lambda *_: True).look()
    again = deployment.ledger.job(job)
    assert again.access_until is not None
    assert again.access_until > soon + timedelta(hours=3)
    check(deployment, job)


@pytest.mark.parametrize("lost", [{"access_until": datetime(2026, 1, 1, tzinfo=UTC)}, {"access_sealed": None}])
def test_a_stage_that_finds_it_ended_says_what_to_do_and_goes_on_once_intake_has_looked(
    deployment: Deployment, lost: dict
):
    job = claimed(deployment)
    deployment.ledger.note(job, **{"access_until": None} | lost)
    with pytest.raises(StorageError, match="intake"):
        prepare(deployment, job)
    assert deployment.ledger.job(job).state is JobState.CLAIMED
    Intake(deployment, lambda *_: True).look()
    prepare(deployment, job)


def test_a_job_whose_key_is_lost_does_not_hold_up_the_others(deployment: Deployment):
    job = claimed(deployment)
    deployment.ledger.note(job, key_sealed=b"of another key", access_until=None, run_started_at=None)
    other = claimed(deployment)
    assert deployment.ledger.job(other).access_sealed is not None
    assert deployment.ledger.job(job).run_started_at is None


def test_a_key_store_that_is_away_is_not_taken_for_jobs_whose_keys_are_lost(deployment: Deployment):
    """Else the look would be a good one, and intake green, for as long as it is away."""
    drop(deployment, "acme_contacts")
    intake = Intake(deployment, lambda *_: True)
    intake.look()
    deployment.ledger.note(deployment.ledger.jobs()[-1].id, access_until=None)
    nowhere = SecretStr("postgresql+psycopg://nobody@127.0.0.1:1/none")
    away = replace(deployment, settings=deployment.settings.model_copy(update={"keystore_url": nowhere}))
    intake._deployment = away
    with pytest.raises(VaultAway):
        intake.look()
    away.ledger.close()


def test_a_run_whose_start_was_not_noted_is_under_way_all_the_same(deployment: Deployment):
    """Intake was killed after it had started the run, which went on meanwhile: it would lose its access while it waits."""

    def killed(_: str, run: str) -> bool:
        prepare(deployment, UUID(run))
        raise KeyboardInterrupt

    drop(deployment, "acme_contacts")
    with pytest.raises(KeyboardInterrupt):
        Intake(deployment, killed).look()
    job = deployment.ledger.jobs()[-1]
    assert (job.state, job.run_started_at) == (JobState.PREPARED, None)
    deployment.ledger.note(job.id, access_until=datetime.now(UTC) - timedelta(minutes=1))
    Intake(deployment, lambda *_: True).look()
    again = deployment.ledger.job(job.id)
    assert again.run_started_at is not None
    check(deployment, job.id)


def test_it_goes_with_the_jobs_key(deployment: Deployment):
    job = claimed(deployment)
    before = deployment.ledger.job(job)
    prepare(deployment, job)
    check(deployment, job)
    deliver(deployment, job)
    erase(deployment, job, Scope.INPUTS)
    assert deployment.ledger.job(job).access_sealed is None
    with pytest.raises(VaultError, match="destroyed"):
        replace(deployment).store_of(before)


def test_a_store_that_gives_no_access_starts_no_run(deployment: Deployment):
    drop(deployment, "acme_contacts")
    have = deployment.settings
    keys = {f"store_intake_{kind}_key": getattr(have, f"store_eraser_{kind}_key") for kind in ("access", "secret")}
    wrong = replace(deployment, settings=have.model_copy(update=keys))
    started: list[str] = []
    with pytest.raises(StorageError, match="session"):
        Intake(wrong, lambda _, run: started.append(run) or True).look()
    assert started == []
    wrong.ledger.close()
