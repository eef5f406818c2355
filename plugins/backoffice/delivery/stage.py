"""Deliver: write the agreed format, encrypt to the client, sign, put it under ``out/``. Once, whatever crashes.

The job's report lies beside it where the SOW asks for one, encrypted and signed in the same way. It is put there first: a
client who finds the delivery finds its report too.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.contract import gate
from backoffice.contract.outputs import REPORT_NAMES
from backoffice.errors import NotAgreed, VaultError
from backoffice.ledger import JobState, Stage
from backoffice.originals import open_originals
from backoffice.work import open_tables

if TYPE_CHECKING:
    from backoffice.contract import Project
    from backoffice.delivery.writing import Written
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job
    from backoffice.storage import ObjectVersion

__all__ = ["deliver"]


def deliver(deployment: Deployment, job_id: UUID) -> None:
    """Hand over the result of one checked job.

    The object is written only if its key is free, and the key follows from the job's id. So a repeat after a crash
    finds the delivery that stands and records that one: encryption is never the same twice, a delivery is.

    :raises NotAgreed: the DPA ran out while the job was under way, or the SOW is not the one the result was made by;
        then the job is ``held``.
    """
    with deployment.ledger.stage(job_id, Stage.DELIVER) as job:
        if job.state is not JobState.CHECKED:
            return
        project = deployment.project(job.project)
        refusals = gate(project.dpa, project.sow, on=datetime.now(UTC).date())
        if refusals:
            raise NotAgreed(refusals[0].message, hint=refusals[0].hint)
        client = deployment.ledger.certificate_of(project.client)
        if client is None:
            raise VaultError(f"Client {project.client} is no longer enrolled.")
        key = f"out/{job.id}/{project.sow.output.filename}.pgp"
        handed = _standing(deployment, job)
        if handed is None:
            if job.sow_digest != project.sow.digest:
                message = "The SOW was changed after this result had been prepared."
                deployment.ledger.move(job.id, JobState.HELD, reason="sow-changed", message=message)
                raise NotAgreed(message, hint="Nothing was delivered. Clear this run from `prepare`.")
            handed = _deliver(deployment, job, project, key=key, client=client)
        now = datetime.now(UTC)
        retention = project.sow.retention.results
        due = now + timedelta(days=retention.at_most_days)
        deployment.ledger.record_delivery(job.id, bucket=job.bucket, **asdict(handed))
        deployment.ledger.move(job.id, JobState.DELIVERED, delivered_at=now, results_due_at=due)


@dataclass(frozen=True)
class _Handed:
    """What lies under ``out/``."""

    key: str
    version_id: str
    sha256: str
    size: int


def _standing(deployment: Deployment, job: Job) -> _Handed | None:
    """The delivery that an earlier attempt made, and did not live to record; ``None`` where there is none.

    Whatever its name: the SOW's file name may have been changed in between.
    """
    found = next((one for one in _there(deployment, job) if not _is_report(one.key)), None)
    if found is None:
        return None
    with deployment.store_of(job).open(job.bucket, found.key, found.version_id) as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    return _Handed(found.key, found.version_id, digest, found.size)


def _there(deployment: Deployment, job: Job) -> list[ObjectVersion]:
    versions = deployment.store_of(job).versions(job.bucket, f"out/{job.id}/")
    return [version for version in versions if not version.is_marker]


def _is_report(key: str) -> bool:
    return key.rpartition("/")[2].removesuffix(".pgp") in REPORT_NAMES


def _deliver(deployment: Deployment, job: Job, project: Project, *, key: str, client: str) -> _Handed:
    from backoffice.delivery.writing import write_into
    from backoffice.vault.sealer import Sealer

    company = deployment.settings.company_key_file.read_bytes()
    with Sealer(recipients=[client], signer=company) as sealer:
        with (
            open_tables(deployment, job, project.sow.delivered) as connection,
            open_originals(deployment, job, project.sow) as originals,
        ):
            written = write_into(connection, project.sow.output, sealer, originals=originals)
        with sealer.sealed() as sealed:
            _report(deployment, job, project, written, client=client)
            stored = deployment.store_of(job).put(job.bucket, key, sealed, if_absent=True)
    return _Handed(key, stored.version_id, stored.sha256, stored.size)


def _report(deployment: Deployment, job: Job, project: Project, written: Written, *, client: str) -> None:
    """Put the job's report beside where the delivery will be. One that an earlier attempt made stands."""
    from backoffice.delivery.report import JobFacts, job_report
    from backoffice.vault.memory import memory
    from backoffice.vault.openpgp import encrypt

    form = project.sow.report
    if form == "none" or any(_is_report(one.key) for one in _there(deployment, job)):
        return
    facts = JobFacts(
        sow=project.sow,
        figures=job.figures,
        checks=deployment.ledger.of(job.id)["checks"],
        job=str(job.id),
        controller=project.dpa.controller.name,
        processor=project.dpa.processor.name,
        received=job.received_at,
        escaped=written.escaped,
        replaced=written.replaced,
        as_text=written.as_text,
    )
    with memory("report") as plain, memory("sealed") as sealed:
        plain.write(job_report(facts, form))
        plain.flush()
        company = deployment.settings.company_key_file.read_bytes()
        encrypt(plain.path, sealed.path, recipients=[client], signer=company)
        deployment.store_of(job).put(job.bucket, f"out/{job.id}/report.{form}.pgp", sealed, if_absent=True)
