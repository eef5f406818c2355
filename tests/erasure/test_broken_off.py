"""An erasure that is killed half-way, and a worker that goes on with a job which it has lost: what is proved stays true."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from backoffice.delivery import writing
from backoffice.delivery.stage import deliver
from backoffice.deployment import Deployment
from backoffice.erasure import stage
from backoffice.erasure.stage import Scope, certify, erase
from backoffice.errors import ErasureIncomplete, LedgerError
from backoffice.ledger import JobState
from tests.conftest_deployment import checked


def accepted(deployment: Deployment, job: UUID) -> UUID:
    deliver(deployment, job)
    now = datetime.now(UTC)
    deployment.ledger.move(job, JobState.ACCEPTED, accepted_at=now, results_due_at=now)
    return job


def killed(*_: object) -> int:
    raise KeyboardInterrupt


def test_the_certificate_counts_what_an_attempt_deleted_that_did_not_live_to_tell(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    job = accepted(deployment, checked(deployment))
    for scope, look in ((Scope.INPUTS, "_inputs_left"), (Scope.RESULTS, "_left")):
        with monkeypatch.context() as dies:
            dies.setattr(stage, look, killed)
            with pytest.raises(KeyboardInterrupt):
                erase(deployment, job, scope)
        erase(deployment, job, scope)
    erased = json.loads(certify(deployment, job))["certificate"]["erased"]
    counts = {row["scope"]: row["counts"] for row in erased if row["system"] == "object store"}
    assert counts["inputs"]["original"]["versions"] == 1
    assert counts["inputs"]["original"]["bytes"] == deployment.ledger.job(job).size
    assert counts["inputs"]["intermediates"]["versions"] >= 1
    assert counts["results"]["deliveries"]["versions"] >= 1


def test_what_is_written_after_all_was_erased_is_erased_by_a_repeat_and_certified(deployment: Deployment):
    job = accepted(deployment, checked(deployment))
    erase(deployment, job, Scope.RESULTS)
    first = deployment.ledger.job(job)
    for place in (f"work/{job}/late.parquet", f"out/{job}/late.pgp"):
        deployment.store_manager.put("acme-contacts", place, b"sealed")
    with pytest.raises(ErasureIncomplete, match="are listed"):
        certify(deployment, job)
    erase(deployment, job, Scope.RESULTS)
    again = deployment.ledger.job(job)
    assert (again.inputs_erased_at, again.erased_at) == (first.inputs_erased_at, first.erased_at)
    erased = json.loads(certify(deployment, job))["certificate"]["erased"]
    assert [row["scope"] for row in erased if row["system"] == "object store, again"] == ["inputs", "results"]


def test_who_lost_its_lock_delivers_nothing_after_the_job_was_erased(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    """Its database session ended, so another worker took the job, and was faster."""
    job, write = checked(deployment), writing.write_into

    def meanwhile(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        other = replace(deployment)
        with other.ledger.engine.connect() as db:
            lost = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            db.execute(text(f"{lost} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"))
        accepted(other, job)
        erase(other, job, Scope.RESULTS)
        other.ledger.close()
        return write(*given, **named)

    monkeypatch.setattr(writing, "write_into", meanwhile)
    with pytest.raises((LedgerError, SQLAlchemyError)):
        deliver(deployment, job)
    assert not list(deployment.store_manager.versions("acme-contacts", f"out/{job}/"))
    certify(deployment, job)
