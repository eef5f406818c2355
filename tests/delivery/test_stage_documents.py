"""Documents that go back as they came in, from the drop to the delivery, on a real store and ledger."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from uuid import UUID

import pytest

from backoffice.delivery.stage import deliver
from backoffice.deployment import Deployment
from backoffice.erasure.stage import Scope, erase
from backoffice.errors import VaultError
from backoffice.intake.reconcile import Intake
from backoffice.originals import Original, save_originals
from backoffice.quality.stage import check
from backoffice.transform.stage import prepare
from backoffice.work import work_prefix
from tests.conftest_deployment import drop
from tests.delivery.test_stage import break_off_before_recording, objects
from tests.delivery.test_stage_tables import opened
from tests.transform.documents.papers import invoice, packed, typeset

SOW = """\
title: Papers
owner: o
description: d
purpose: contact-maintenance
input:
  format: documents
  columns:
    rec_id: {right_of: [Invoice no.]}
steps:
  - {step: needs_review, to: review, required: [rec_id]}
  - {step: file_documents, name: "{rec_id}", path_as: filed_as}
output:
  format: zip
  filename: papers.zip
  files:
    - {format: csv, filename: papers.csv, columns: [rec_id, filed_as]}
  documents: {path: filed_as, others: to_look_at}
approval: false
report: none
retention: {results: {until: acceptance, at_most_days: 14}}
signers: [acme]
"""
SUITE = {
    "name": "papers",
    "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "rec_id"}}],
}


@pytest.fixture(scope="module")
def papers() -> dict[str, bytes]:
    return {"c.pdf": typeset("A letter"), "a.pdf": invoice("A-1"), "b.pdf": invoice("A-2")}


@pytest.fixture
def deployment(deployment: Deployment) -> Deployment:
    root = deployment.settings.root
    (root / "sow" / "acme" / "contacts.yaml").write_text(SOW)
    (root / "expectations" / "acme" / "contacts.json").write_text(json.dumps(SUITE))
    return deployment


def claimed(deployment: Deployment, papers: dict[str, bytes]) -> UUID:
    drop(deployment, "acme_contacts", packed(papers))
    Intake(deployment, lambda *_: True).look()
    return deployment.ledger.jobs()[-1].id


def delivered(deployment: Deployment, job: UUID) -> dict[str, bytes]:
    (key,) = objects(deployment, job)
    with zipfile.ZipFile(BytesIO(opened(deployment, key))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def kept(deployment: Deployment, job: UUID) -> set[str]:
    return {one.key for one in deployment.store_manager.versions("acme-contacts", work_prefix(job))}


def test_they_lie_beside_the_tables_under_their_paths_and_are_erased(deployment: Deployment, papers: dict[str, bytes]):
    job = claimed(deployment, papers)
    prepare(deployment, job)
    place = f"work/{job}/originals/documents.parquet"
    assert kept(deployment, job) == {f"work/{job}/result.parquet", place}
    with deployment.store_manager.open("acme-contacts", place) as source:
        sealed = source.read()
    assert sealed[:4] == b"PARE"
    assert b"PDF" not in sealed
    check(deployment, job)
    deliver(deployment, job)
    found = delivered(deployment, job)
    assert found.pop("papers.csv") == b"rec_id,filed_as\nA-1,A-1.pdf\nA-2,A-2.pdf\n"
    assert found == {
        "documents/A-1.pdf": papers["a.pdf"],
        "documents/A-2.pdf": papers["b.pdf"],
        "to_look_at/3.pdf": papers["c.pdf"],
    }
    assert deployment.ledger.job(job).figures["documents"] == {"filed": 2, "others": 1, "left_out": 0}
    erase(deployment, job, Scope.INPUTS)
    assert kept(deployment, job) == set()


def test_stages_that_were_broken_off_leave_the_same_and_deliver_once(
    deployment: Deployment, papers: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
):
    job = claimed(deployment, papers)
    with monkeypatch.context() as patched:
        store = deployment.store_of(deployment.ledger.job(job))
        put = store.put

        def lost(bucket: str, key: str, *rest: object, **more: object):
            if "originals" in key:
                raise KeyboardInterrupt
            return put(bucket, key, *rest, **more)  # type: ignore[arg-type]

        patched.setattr(store, "put", lost)
        with pytest.raises(KeyboardInterrupt):
            prepare(deployment, job)
    prepare(deployment, job)
    prepare(deployment, job)
    check(deployment, job)
    break_off_before_recording(deployment, job, monkeypatch)
    deliver(deployment, job)
    assert sorted(delivered(deployment, job)) == [
        "documents/A-1.pdf",
        "documents/A-2.pdf",
        "papers.csv",
        "to_look_at/3.pdf",
    ]
    assert len(deployment.ledger.of(job)["deliveries"]) == 1


def test_documents_of_a_preparation_that_broke_off_are_not_delivered(deployment: Deployment, papers: dict[str, bytes]):
    """A checked job is prepared again, and that dies behind its documents: those of the first are gone."""
    job = claimed(deployment, papers)
    prepare(deployment, job)
    check(deployment, job)
    other = Original("documents/other.pdf", 5, iter([b"other"]))
    save_originals(deployment, deployment.ledger.job(job), [other])
    with pytest.raises(VaultError, match="prepare"):
        deliver(deployment, job)
    assert objects(deployment, job) == []
