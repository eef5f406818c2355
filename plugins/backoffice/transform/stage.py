"""Prepare: from the client's encrypted drop to encrypted Parquet under ``work/``.

The plaintext lives in a memfd and in DuckDB's memory, for as long as this function runs. A file that the client has to
mend moves the job to ``rejected``; the client's answer is intake's business, which reads it in the ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.contract import gate, password_refusal
from backoffice.errors import DropRejected, NotAgreed, VaultError
from backoffice.ledger import JobState, Stage
from backoffice.originals import save_originals
from backoffice.password import AskPassword, Password
from backoffice.work import save_tables

if TYPE_CHECKING:
    from backoffice.contract import Project
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job
    from backoffice.storage import ObjectStream

__all__ = ["prepare"]


def prepare(deployment: Deployment, job_id: UUID) -> None:
    """Decrypt, verify, read, transform and store one drop. A repeat replaces the intermediate.

    :raises NotAgreed: the DPA no longer covers the project; the drop stays untouched.
    :raises DropRejected: the client has to mend the file. The job is ``rejected`` in the ledger.
    """
    with deployment.ledger.stage(job_id, Stage.PREPARE) as job:
        if job.state is JobState.REJECTED:  # an operator cleared the run: it has not got better
            raise DropRejected(job.reason or "format", job.message or "It was rejected.")
        # Also a checked one: an operator who mends the SOW and clears the run means it to be done again.
        if job.state not in (JobState.CLAIMED, JobState.HELD, JobState.PREPARED, JobState.CHECKED):
            return
        project = deployment.project(job.project)
        refusals = gate(project.dpa, project.sow, on=datetime.now(UTC).date())
        if refusals:
            raise NotAgreed(refusals[0].message, hint=refusals[0].hint)
        rejection: DropRejected | None = None
        try:
            figures = _prepare(deployment, job, project)
        except DropRejected as error:
            rejection = error
        else:
            digests = {"sow_digest": project.sow.digest, "dpa_digest": project.dpa.digest}
            # In this order: a job that was checked before must not be so for a moment with other tables.
            deployment.ledger.move(job.id, JobState.PREPARED, reason=None, message=None, **digests)
            deployment.ledger.note(job.id, figures=figures)
        if rejection is not None:
            now = datetime.now(UTC)
            values = {"reason": rejection.code, "message": str(rejection), "results_due_at": now}
            deployment.ledger.move(job.id, JobState.REJECTED, **values)
            raise rejection


def _prepare(deployment: Deployment, job: Job, project: Project) -> dict[str, object]:
    from backoffice.transform.choosing import engine_for
    from backoffice.transform.filing import filed
    from backoffice.vault.openpgp import open_message

    settings = deployment.settings
    signers = [_certificate(deployment, signer) for signer in project.sow.signers]
    if job.key_sealed is None:
        raise VaultError(f"The original of job {job.id} has been erased.")
    limit = min(settings.drop_limit_bytes, sum(one.max_bytes for one in project.sow.all_inputs.values()))
    secret = deployment.keys.index(
        project.id, b"pseudonyms"
    )  # the same for all jobs of the project, gone with its keys
    with _original(deployment, job) as source:
        plaintext = open_message(source, secret=deployment.keys.secret(project.id), signers=signers, limit_bytes=limit)
    engine = engine_for(
        project.sow,
        memory_limit=settings.engine_memory,
        threads=settings.engine_threads,
        secret=secret,
        password=_password(deployment, project),
        spark_memory=settings.spark_memory,
    )
    with plaintext, engine:
        profiles, figures = engine.process(project.sow, plaintext)
        saved: dict[str, object] = {**save_tables(deployment, job, engine.connection, project.sow.delivered)}
        with filed(engine.connection, project.sow, plaintext) as documents:
            if documents is not None:
                saved |= save_originals(deployment, job, documents.originals) | {"documents": documents.counts}
    return figures.to_dict() | {"inputs": {name: one.to_dict() for name, one in profiles.items()}} | saved


def _password(deployment: Deployment, project: Project) -> AskPassword | None:
    """Asks the key store for the password of the client's workbooks, if its agreement allows them one."""
    if password_refusal(project.dpa) is not None:
        return None

    def ask() -> Password | None:
        kept = deployment.keys.password(project.id)
        return None if kept is None else Password.of(kept)

    return ask


def _certificate(deployment: Deployment, signer: str) -> str:
    found = deployment.ledger.certificate_of(signer)
    if found is None:
        raise VaultError(f"{signer} is not enrolled.", hint=f"`backoffice client enrol {signer} CERTIFICATE`.")
    return found


def _original(deployment: Deployment, job: Job) -> ObjectStream:
    """The drop as it lies in the store.

    :raises DropRejected: the client stored it with a key that only the client has (SSE-C): the store gives it to nobody else.
    """
    from backoffice.storage import StoreRefused

    try:
        return deployment.store_of(job).open_drop()
    except StoreRefused as refused:
        if refused.status != 400:
            raise
    hint = "Upload it without a customer-provided key; it is encrypted to the project's certificate already."
    raise DropRejected(
        "format", "The store cannot read the object: it was stored with a key of your own (SSE-C).", hint=hint
    )
