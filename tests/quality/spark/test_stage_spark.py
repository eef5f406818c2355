"""The stage of a SOW that wants Spark: the job's encrypted intermediate is checked there, and recorded as ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID

import pytest

from backoffice.deployment import Deployment
from backoffice.intake.reconcile import Intake
from backoffice.ledger import JobState
from backoffice.quality.stage import check
from backoffice.spark import asking, session
from backoffice.spark.asking import Asked
from backoffice.spark.session import OpenSpark
from backoffice.transform.stage import prepare
from tests.conftest_deployment import drop


def recorded(deployment: Deployment, job: UUID) -> list[tuple[Any, ...]]:
    names = ("rule", "column_name", "sentence", "passed", "rows", "unexpected", "percent")
    return [tuple(row[name] for name in names) for row in deployment.ledger.of(job)["checks"]]


def test_a_job_is_checked_on_spark_with_the_same_record(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, spark: OpenSpark
) -> None:
    drop(deployment, "acme_contacts")
    Intake(deployment, lambda *_: True).look()
    job = deployment.ledger.jobs()[-1].id
    prepare(deployment, job)
    check(deployment, job)
    on_duckdb = recorded(deployment, job)

    sow = deployment.settings.root / "sow" / "acme" / "contacts.yaml"
    prepare(deployment, job)
    sow.write_text(sow.read_text() + "\nengine: spark\n")
    answered: list[Asked] = []
    asked_of_spark = asking.asked_of_spark

    @contextmanager
    def noted(*given: Any) -> Iterator[Asked]:
        with asked_of_spark(*given) as asked:
            yield asked
            answered.append(asked)

    monkeypatch.setattr(asking, "asked_of_spark", noted)
    monkeypatch.setattr(session, "session", lambda **_: nullcontext(spark))  # one at a time in a process
    check(deployment, job)

    assert deployment.ledger.job(job).state is JobState.CHECKED
    assert recorded(deployment, job) == on_duckdb != []
    assert [one.left_to_duckdb for one in answered] == [[]]
