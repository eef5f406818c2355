"""Handing over, on a real store and ledger: once, whatever breaks off or changes in between."""

from __future__ import annotations

from uuid import UUID

import pytest

from backoffice.delivery.stage import deliver
from backoffice.deployment import Deployment
from backoffice.errors import NotAgreed
from backoffice.ledger import JobState
from backoffice.quality.stage import check
from backoffice.transform.stage import prepare
from tests.conftest_deployment import checked


def deliveries(deployment: Deployment, job: UUID) -> list[str]:
    return [key for key in objects(deployment, job) if not key.endswith("/report.pdf.pgp")]


def objects(deployment: Deployment, job: UUID) -> list[str]:
    return [found.key for found in deployment.store_manager.versions("acme-contacts", f"out/{job}/")]


def break_off_before_recording(deployment: Deployment, job: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(deployment.ledger, "record_delivery", killed)
        deliver(deployment, job)


def test_a_delivery_that_was_not_recorded_stands_though_the_sow_has_another_file_name_now(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    job = checked(deployment)
    break_off_before_recording(deployment, job, monkeypatch)
    (first,) = deliveries(deployment, job)
    sow = deployment.settings.root / "sow" / "acme" / "contacts.yaml"
    sow.write_text(sow.read_text().replace("filename: contacts.csv", "filename: people.csv"))
    deliver(deployment, job)
    assert deliveries(deployment, job) == [first], "delivered once"
    assert [row["key"] for row in deployment.ledger.of(job)["deliveries"]] == [first]
    assert deployment.ledger.job(job).state is JobState.DELIVERED


def test_a_checked_job_that_is_cleared_from_prepare_is_done_again_by_the_sow_of_now(deployment: Deployment):
    job = checked(deployment)
    before = deployment.ledger.job(job).sow_digest
    sow = deployment.settings.root / "sow" / "acme" / "contacts.yaml"
    sow.write_text(sow.read_text() + "# mended\n")
    prepare(deployment, job)
    again = deployment.ledger.job(job)
    assert again.state is JobState.PREPARED
    assert again.sow_digest != before


def test_a_result_made_by_another_sow_is_held_and_not_delivered(deployment: Deployment):
    job = checked(deployment)
    sow = deployment.settings.root / "sow" / "acme" / "contacts.yaml"
    sow.write_text(sow.read_text().replace("at_most_days: 14", "at_most_days: 13"))
    with pytest.raises(NotAgreed, match="changed"):
        deliver(deployment, job)
    assert deployment.ledger.job(job).state is JobState.HELD
    assert deliveries(deployment, job) == []
    prepare(deployment, job)
    check(deployment, job)
    deliver(deployment, job)
    assert len(deliveries(deployment, job)) == 1
