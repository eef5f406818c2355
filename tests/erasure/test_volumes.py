"""What a certificate says of the store's volumes is only said when it is so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backoffice.deployment import Deployment
from backoffice.erasure.stage import Scope, erase
from backoffice.errors import ErasureIncomplete
from backoffice.intake.reconcile import Intake
from backoffice.ledger import JobState
from backoffice.storage import Reclaimed
from tests.conftest_deployment import drop


def test_space_that_could_not_be_freed_is_an_erasure_to_be_tried_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    drop(deployment, "acme_contacts")
    Intake(deployment, lambda *_: True).look()
    (job,) = deployment.ledger.jobs()
    deployment.ledger.move(job.id, JobState.REJECTED, results_due_at=datetime.now(UTC))
    with monkeypatch.context() as patched:  # as on a full disk, where SeaweedFS cannot compact
        patched.setattr(
            deployment.store_eraser, "reclaim", lambda: Reclaimed(applicable=True, garbage_before=3, garbage_after=3)
        )
        with pytest.raises(ErasureIncomplete, match="3 deleted objects still lie"):
            erase(deployment, job.id, Scope.RESULTS)
    assert deployment.ledger.job(job.id).state is JobState.REJECTED
    assert not [row for row in deployment.ledger.of(job.id)["erasures"] if row["system"] == "object store volumes"]
    erase(deployment, job.id, Scope.RESULTS)
    (row,) = [row for row in deployment.ledger.of(job.id)["erasures"] if row["system"] == "object store volumes"]
    assert row["counts"]["garbage_after"] == 0
    assert deployment.ledger.job(job.id).state is JobState.ERASED
