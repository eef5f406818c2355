"""Deliver: write the agreed format, encrypt to the client, sign, put it under ``out/``. Once, whatever crashes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.contract import gate
from backoffice.errors import NotAgreed, VaultError
from backoffice.ledger import JobState, Stage

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["deliver"]


def deliver(deployment: Deployment, job_id: UUID) -> None:
    """Hand over the result of one checked job.

    The object is written only if its key is free, and the key follows from the job's id. So a repeat after a crash
    finds the delivery that stands and records that one: encryption is never the same twice, a delivery is.

    :raises NotAgreed: the DPA ran out while the job was under way.
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
        standing = deployment.store.head(job.bucket, key)
        if standing is None:
            standing = _deliver(deployment, job.bucket, job.id, key=key, client=client)
        now = datetime.now(UTC)
        retention = project.sow.retention.results
        due = now + timedelta(days=retention.at_most_days) if retention.until == "acceptance" else now
        values = {"version_id": standing.version_id, "sha256": standing.sha256, "size": standing.size}
        deployment.ledger.record_delivery(job.id, bucket=job.bucket, key=key, **values)
        deployment.ledger.move(job.id, JobState.DELIVERED, delivered_at=now, results_due_at=due)


def _deliver(deployment: Deployment, bucket: str, job: UUID, *, key: str, client: str):
    from backoffice.delivery.writing import write
    from backoffice.duck import session
    from backoffice.vault.openpgp import encrypt, memory
    from backoffice.vault.parquet import read_encrypted

    found = deployment.ledger.job(job)
    project = deployment.project(found.project)
    data_key = deployment.keys.unwrap(project.id, job)
    settings = deployment.settings
    company = settings.company_key_file.read_bytes()
    with (
        deployment.store.download(bucket, f"work/{job}/result.parquet") as sealed,
        session(memory_limit=settings.engine_memory, threads=settings.engine_threads) as connection,
        memory("plain") as plain,
        memory("sealed") as out,
    ):
        read_encrypted(connection, sealed.path, data_key, "result")
        write(connection, "result", project.sow.output, plain.path)
        encrypt(plain.path, out.path, recipients=[client], signer=company)
        return deployment.store.put(bucket, key, out, only_if_absent=True)
