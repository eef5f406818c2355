"""A protected workbook from the client's bucket to prepared tables, on a real store, ledger and key store."""

from __future__ import annotations

import csv
import io
import logging
from uuid import UUID

import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from backoffice.deployment import Deployment
from backoffice.errors import DropRejected
from backoffice.intake.reconcile import Intake
from backoffice.ledger import JobState
from backoffice.transform.stage import prepare
from backoffice.work import open_tables
from tests.conftest_deployment import drop
from tests.system.house import people
from tests.transform.reading.files import xlsx

PROJECT, PASSWORD = "acme_contacts", "qzxcanary Straße"


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    sow = deployment.settings.root / "sow" / "acme" / "contacts.yaml"
    words = sow.read_text().replace('format: csv\n  encoding: auto\n  delimiter: ","\n', "format: xlsx\n", 1)
    assert "format: xlsx" in words
    sow.write_text(words)
    allow(deployment, "true")
    return deployment


def allow(deployment: Deployment, value: str) -> None:
    file = deployment.settings.root / "sow" / "acme" / "dpa.yaml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith("protected_workbooks")]
    file.write_text("\n".join([*kept, f"protected_workbooks: {value}", ""]))


def job(deployment: Deployment) -> UUID:
    """A drop of a protected workbook, claimed."""
    rows = list(csv.reader(io.StringIO(people(20).decode())))
    packed = io.BytesIO()
    OOXMLFile(io.BytesIO(xlsx(rows))).encrypt(PASSWORD, packed)
    drop(deployment, PROJECT, packed.getvalue())
    Intake(deployment, lambda *_: True).look()
    return deployment.ledger.jobs()[-1].id


def rejected(deployment: Deployment, job: UUID, code: str) -> None:
    with pytest.raises(DropRejected) as caught:
        prepare(deployment, job)
    assert caught.value.code == code
    found = deployment.ledger.job(job)
    assert (found.state, found.reason) == (JobState.REJECTED, code)
    assert PASSWORD not in str(found)


def test_it_is_prepared_with_the_password_that_is_kept(deployment: Deployment, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    deployment.key_owner.keep_password(PROJECT, PASSWORD.encode())
    claimed = job(deployment)
    prepare(deployment, claimed)
    found = deployment.ledger.job(claimed)
    assert found.state is JobState.PREPARED
    with open_tables(deployment, found, ["result"]) as connection:
        assert connection.execute("SELECT count(*) FROM result").fetchone() != (0,)
    assert "qzx" not in caplog.text
    assert "qzx" not in str(deployment.ledger.of(claimed))


def test_where_none_was_agreed_none_is_kept_or_another_one_the_client_is_told_which(deployment: Deployment):
    rejected(deployment, job(deployment), "password-missing")
    deployment.key_owner.keep_password(PROJECT, b"another")
    rejected(deployment, job(deployment), "password-wrong")
    deployment.key_owner.keep_password(PROJECT, PASSWORD.encode())
    allow(deployment, "false")
    rejected(deployment, job(deployment), "protected")
