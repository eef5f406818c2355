"""What the clocks see that no other task would show: on a real ledger."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from backoffice.deployment import Deployment
from backoffice.errors import BackofficeError
from backoffice.intake.reconcile import Intake
from backoffice.ledger import tables
from tests.conftest_deployment import drop

os.environ.setdefault("AIRFLOW_HOME", "/nonexistent/airflow")
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////dev/null")


def test_jobs_whose_run_does_not_start_are_red(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    import backoffice.deployment
    from backoffice.orchestration.company import ClocksOperator

    @contextmanager
    def opened():
        yield deployment

    monkeypatch.setattr(backoffice.deployment, "deployment", opened)
    drop(deployment, "acme_contacts")
    Intake(deployment, lambda *_: False).look()
    clocks = ClocksOperator(task_id="start_due")
    clocks.execute({})
    (job,) = deployment.ledger.jobs()
    with deployment.ledger.engine.begin() as db:
        db.execute(update(tables.jobs).values(claimed_at=datetime.now(UTC) - timedelta(minutes=20)))
    with pytest.raises(BackofficeError, match=f"no run: 1, the first {job.id} of acme_contacts"):
        clocks.execute({})
    Intake(deployment, lambda *_: True).look()
    clocks.execute({})
