"""What may be erased, and when: on a real ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from backoffice.erasure.stage import Scope, erase
from backoffice.errors import LedgerError
from backoffice.ids import new_id
from backoffice.ledger import JobState, Ledger, NewDrop
from backoffice.ledger.migrate import migrate


@pytest.fixture(scope="module")
def ledger(postgres_server: str):
    opened = Ledger(postgres_server.format("ledger"))
    migrate(opened.engine)
    yield opened
    opened.close()


def delivered(ledger: Ledger, *, due: datetime | None) -> UUID:
    job, now = new_id(), datetime.now(UTC)
    drop = NewDrop(job=job, received_at=now, key_digest=b"d", version_id=str(job), key_sealed=b"sealed", size=1)
    assert ledger.claim("acme_contacts", "acme-contacts", drop)
    for state in (JobState.PREPARED, JobState.CHECKED):
        ledger.move(job, state)
    ledger.move(job, JobState.DELIVERED, delivered_at=now, results_due_at=due)
    return job


@pytest.mark.parametrize("due", [timedelta(days=1), None], ids=["tomorrow", "unknown"])
def test_a_result_that_is_not_due_is_kept_whoever_starts_its_erasure(ledger: Ledger, due: timedelta | None):
    job = delivered(ledger, due=datetime.now(UTC) + due if due else None)
    deployment: Any = SimpleNamespace(ledger=ledger)  # it may touch neither the store nor a key
    with pytest.raises(LedgerError, match="kept until"):
        erase(deployment, job, Scope.RESULTS)
    assert ledger.job(job).state is JobState.DELIVERED
