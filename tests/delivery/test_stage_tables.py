"""Several tables and the report, on a real store and ledger: what is written is what was checked, and each once."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest

from backoffice.delivery.stage import deliver
from backoffice.deployment import Deployment
from backoffice.erasure.stage import Scope, erase
from backoffice.errors import CheckFailed, VaultError
from backoffice.ledger import JobState
from backoffice.quality.stage import check
from backoffice.transform.stage import prepare
from backoffice.vault.openpgp import open_message
from backoffice.work import open_tables, save_tables, work_prefix
from tests.conftest_deployment import CLIENT, checked
from tests.delivery.test_stage import break_off_before_recording, objects

OUTPUT = """output:
  format: zip
  filename: acme.zip
  files:
    - format: csv
      filename: contacts.csv
    - format: xlsx
      filename: by_state.xlsx
      sheets:
        - {name: Victoria, table: victoria, columns: [surname, rec_id]}
tables:
  victoria:
    steps:
      - step: trim
report: html
"""
SUITE = {
    "name": "victoria",
    "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "rec_id"}}],
}


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    root = deployment.settings.root
    sow = root / "sow" / "acme" / "contacts.yaml"
    before, _, after = sow.read_text().partition("output:\n")
    sow.write_text(before + OUTPUT + "approval: false\n" + after.partition("approval: false")[2])
    (root / "expectations" / "acme" / "contacts.victoria.json").write_text(json.dumps(SUITE))
    return deployment


def opened(deployment: Deployment, key: str) -> bytes:
    company = deployment.settings.company_certificate_file.read_text()
    with (
        deployment.store_manager.open("acme-contacts", key) as source,
        open_message(source, secret=CLIENT.secret, signers=[company], limit_bytes=10**8) as plain,
    ):
        return Path(plain.path or "").read_bytes()


def test_several_tables_are_checked_delivered_and_reported_and_their_intermediates_go(deployment: Deployment):
    job = checked(deployment)
    sentences = [row["sentence"] for row in deployment.ledger.of(job)["checks"]]
    assert sentences[-1] == "victoria: `rec_id` has a value"
    stored = {found.key for found in deployment.store_manager.versions("acme-contacts", work_prefix(job))}
    assert stored == {f"work/{job}/result.parquet", f"work/{job}/victoria.parquet"}
    deliver(deployment, job)
    delivery, report = sorted(objects(deployment, job))
    assert (delivery, report) == (f"out/{job}/acme.zip.pgp", f"out/{job}/report.html.pgp")
    assert zipfile.ZipFile(BytesIO(opened(deployment, delivery))).namelist() == ["contacts.csv", "by_state.xlsx"]
    page = opened(deployment, report).decode()
    assert "Acme Home Delivery Ltd" in page
    assert "checks passed" in page
    erase(deployment, job, Scope.INPUTS)
    assert not list(deployment.store_manager.versions("acme-contacts", work_prefix(job)))


def test_a_delivery_that_was_broken_off_behind_its_report_makes_neither_twice(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    job = checked(deployment)
    with monkeypatch.context() as patched:
        store = deployment.store_of(deployment.ledger.job(job))
        put = store.put

        def lost(bucket: str, key: str, *rest: object, **more: object):
            if "report" not in key:
                raise KeyboardInterrupt
            return put(bucket, key, *rest, **more)  # type: ignore[arg-type]

        patched.setattr(store, "put", lost)
        with pytest.raises(KeyboardInterrupt):
            deliver(deployment, job)
    (report,) = objects(deployment, job)
    break_off_before_recording(deployment, job, monkeypatch)
    deliver(deployment, job)
    assert sorted(objects(deployment, job)) == [f"out/{job}/acme.zip.pgp", report]
    assert [row["key"] for row in deployment.ledger.of(job)["deliveries"]] == [f"out/{job}/acme.zip.pgp"]


def test_a_further_table_that_breaks_its_suite_holds_the_job(deployment: Deployment):
    suite = deployment.settings.root / "expectations" / "acme" / "contacts.victoria.json"
    suite.write_text(suite.read_text().replace("_to_not_be_null", "_to_be_null"))
    with pytest.raises(CheckFailed, match="victoria"):
        checked(deployment)
    assert deployment.ledger.jobs()[-1].state is JobState.HELD


def test_tables_of_a_preparation_that_broke_off_are_not_delivered(deployment: Deployment):
    """A checked job is prepared again, and that dies between its tables: nothing unchecked may go out."""
    job = checked(deployment)
    found = deployment.ledger.job(job)
    with open_tables(deployment, found, ["result"]) as connection:
        connection.execute("CREATE TABLE victoria AS SELECT * FROM result LIMIT 1")
        save_tables(deployment, found, connection, ["victoria"])
    with pytest.raises(VaultError, match="prepare"):
        deliver(deployment, job)
    assert objects(deployment, job) == []
    prepare(deployment, job)
    check(deployment, job)
    deliver(deployment, job)
    assert len(objects(deployment, job)) == 2


def test_an_erased_jobs_tables_cannot_be_opened(deployment: Deployment):
    job: UUID = checked(deployment)
    deliver(deployment, job)
    erase(deployment, job, Scope.INPUTS)
    with pytest.raises(VaultError):
        deployment.keys.unwrap("acme_contacts", job)
