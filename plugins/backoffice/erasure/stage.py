"""Erase, look again, certify (P6, P15, P17, P18).

Two scopes: ``inputs`` are the original, the intermediates and the job's data key, erased after delivery; ``results`` is what
was delivered, erased at acceptance or its deadline. Deleting goes by name; looking again goes by listing, because what
was deleted by name must not be believed by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from backoffice.errors import ErasureIncomplete, LedgerError
from backoffice.ids import new_id
from backoffice.ledger import Job, JobState, Stage
from backoffice.work import work_prefix

if TYPE_CHECKING:
    from backoffice.deployment import Deployment
    from backoffice.storage import Erased, ObjectVersion, Remaining, Store

__all__ = ["Scope", "certify", "erase", "erase_abandoned_keys"]


_DELETED = "every version, delete marker and unfinished upload deleted; listed and asked for again: none"
_DESTROYED = (
    "data key deleted and its id fenced by a tombstone, by a process that cannot open keys; looked for again: none"
)
_TRIED = (
    "a text encrypted under the data key when that was made no longer opens; tried by a process that cannot delete keys"
)
_FREED = "volumes compacted, so that deleted objects no longer lie in their files"


_ABANDONED = timedelta(hours=1)


class Scope(StrEnum):
    """What an erasure covers."""

    INPUTS = "inputs"
    RESULTS = "results"


def erase(deployment: Deployment, job_id: UUID, scope: Scope) -> None:
    """Erase one scope of a job and prove it. Erasing results erases inputs too where that has not been done.

    A repeat deletes what is left and keeps the first record. So does one after all was erased: somebody who had lost the job
    may have written since, which the look before the certificate finds.

    :raises ErasureIncomplete: something is still there; the message counts it.
    :raises LedgerError: the job still needs its data, or its result is not due yet.
    """
    stage = Stage.ERASE_INPUTS if scope is Scope.INPUTS else Stage.ERASE_RESULTS
    with deployment.ledger.stage(job_id, stage) as job:
        _may_erase(job, scope)
        again = job.state is JobState.ERASED
        if job.inputs_erased_at is None or again:
            _erase_inputs(deployment, job)
        if scope is Scope.RESULTS and (job.erased_at is None or again):
            _erase_results(deployment, job)


def _may_erase(job: Job, scope: Scope) -> None:
    needed = (JobState.WAITING, JobState.CLAIMED, JobState.PREPARED, JobState.CHECKED, JobState.HELD)
    if job.state in needed:
        raise LedgerError(f"Job {job.id} is {job.state}: its data is still needed.", hint="Deliver or reject it first.")
    due = job.results_due_at
    if scope is Scope.RESULTS and job.state is JobState.DELIVERED and (due is None or due > datetime.now(UTC)):
        raise LedgerError(
            f"Job {job.id} is delivered, and its result is kept until {due} or the client's acceptance.",
            hint="Nobody else's word ends that sooner: a run of `erasure` that was started by hand does nothing.",
        )


def _erase_inputs(deployment: Deployment, job: Job) -> None:
    store = deployment.store_eraser
    started = datetime.now(UTC)
    originals, intermediates = _originals(store, job), store.versions(job.bucket, work_prefix(job.id))
    found = _found(deployment, job, Scope.INPUTS, {"original": originals, "intermediates": intermediates})
    counts: dict[str, Any] = {}
    for one in originals:
        counts["original"] = _counts(store.erase(job.bucket, key=one.key, version_id=job.version_id))
    counts["intermediates"] = _counts(store.erase(job.bucket, prefix=work_prefix(job.id)))
    left = _inputs_left(store, job)
    if left:
        raise ErasureIncomplete(f"After erasing the inputs of job {job.id}, {left} of its objects are still there.")
    _record_deleted(deployment, job, Scope.INPUTS, counts=counts, found=found, started=started)
    started = datetime.now(UTC)
    destroyed = deployment.key_eraser.destroy_job(job.project, job.id).to_dict()
    _record(deployment, job, Scope.INPUTS, system="key store", method=_DESTROYED, counts=destroyed, started=started)
    erased_at = job.inputs_erased_at or datetime.now(UTC)
    deployment.ledger.note(job.id, inputs_erased_at=erased_at, key_sealed=None, access_sealed=None)


def _originals(store: Store, job: Job) -> list[ObjectVersion]:
    """The original, if it is there. Found by its version's id, which is unique: the name that the ledger has is sealed under
    the job's key, and who erases opens none.
    """
    return [found for found in store.versions(job.bucket, "in/") if found.version_id == job.version_id]


def _found(
    deployment: Deployment, job: Job, scope: Scope, places: dict[str, Iterable[ObjectVersion]]
) -> dict[str, dict[str, int]]:
    """What there was before anything of a scope was deleted, in numbers. Kept first: an attempt that is killed after deleting
    does not live to tell, and the certificate says what was deleted.
    """
    name = f"found_{scope}"
    if name not in job.figures:
        counts = {place: _counted(versions) for place, versions in places.items()}
        deployment.ledger.note(job.id, figures={name: counts})
        return counts
    return job.figures[name]


def _counted(versions: Iterable[ObjectVersion]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(("versions", "markers", "uploads", "bytes"), 0)
    for one in versions:
        counts["markers" if one.is_marker else "versions"] += 1
        counts["bytes"] += one.size
    return counts


def _erase_results(deployment: Deployment, job: Job) -> None:
    store, prefix = deployment.store_eraser, f"out/{job.id}/"
    started = datetime.now(UTC)
    found = _found(deployment, job, Scope.RESULTS, {"deliveries": store.versions(job.bucket, prefix)})
    counts: dict[str, Any] = {"deliveries": _counts(store.erase(job.bucket, prefix=prefix))}
    left = _left(store.remaining(job.bucket, prefix=prefix))
    if left:
        raise ErasureIncomplete(f"After erasing the results of job {job.id}, {left} of its objects are still there.")
    _record_deleted(deployment, job, Scope.RESULTS, counts=counts, found=found, started=started)
    started = datetime.now(UTC)
    freed = store.reclaim()
    if freed.applicable:
        if not freed.complete:
            raise ErasureIncomplete(
                f"The results of job {job.id} are deleted, but {freed.garbage_after} deleted objects still lie in the "
                "store's volumes.",
                hint="It is tried again. If this stays: compacting needs free space on the store's disk.",
            )
        _record(
            deployment,
            job,
            Scope.RESULTS,
            system="object store volumes",
            method=_FREED,
            counts=asdict(freed),
            started=started,
        )
    deployment.ledger.move(job.id, JobState.ERASED, erased_at=job.erased_at or datetime.now(UTC))


def _counts(erased: Erased) -> dict[str, int]:
    """What was deleted, in numbers.

    :raises ErasureIncomplete: the store refused some of it.
    """
    if not erased.complete:
        codes = ", ".join(sorted({failure.code for failure in erased.failures}))
        raise ErasureIncomplete(f"The store refused to delete {len(erased.failures)} objects ({codes}).")
    return {name: getattr(erased, name) for name in ("versions", "markers", "uploads", "bytes")}


def _record_deleted(
    deployment: Deployment,
    job: Job,
    scope: Scope,
    *,
    counts: dict[str, dict[str, int]],
    found: dict[str, dict[str, int]],
    started: datetime,
) -> None:
    """Record what the object store deleted: what there was at first, and what came while it was deleted. What came after all
    had been erased has a record of its own.
    """
    if job.state is not JobState.ERASED:
        for place, there in found.items():
            now = counts.get(place, {})
            counts[place] = {name: max(number, now.get(name, 0)) for name, number in there.items()}
        _record(deployment, job, scope, system="object store", method=_DELETED, counts=counts, started=started)
    elif any(sum(one.values()) for one in counts.values()):
        _record(deployment, job, scope, system="object store, again", method=_DELETED, counts=counts, started=started)


def _left(remaining: Remaining) -> int:
    return remaining.versions + remaining.markers + remaining.uploads + remaining.listed + remaining.readable


def _record(
    deployment: Deployment,
    job: Job,
    scope: Scope,
    *,
    system: str,
    method: str,
    counts: dict[str, Any],
    started: datetime,
) -> None:
    deployment.ledger.record_erasure(
        job.id,
        scope=scope,
        system=system,
        method=method,
        counts=counts,
        started_at=started,
        verified_at=datetime.now(UTC),
    )


def _inputs_left(store: Store, job: Job) -> int:
    """Versions of this job's original, and all of its intermediates, that the store still shows."""
    return len(_originals(store, job)) + _left(store.remaining(job.bucket, prefix=work_prefix(job.id)))


def erase_abandoned_keys(deployment: Deployment) -> int:
    """Destroy the keys of jobs that the ledger does not know: a claim broke off, or somebody else was first. Gives how many.

    Keys younger than an hour are left: their claim may be under way.
    """
    eraser = deployment.key_eraser
    old = eraser.made_before(datetime.now(UTC) - _ABANDONED)
    known = deployment.ledger.which(UUID(job) for _, job in old)
    lost = [(project, job) for project, job in old if UUID(job) not in known]
    for project, job in lost:
        eraser.destroy_job(project, job)
    return len(lost)


def certify(deployment: Deployment, job_id: UUID) -> bytes:
    """Look everywhere once more, then issue the certificate of one erased job and put it under ``out/certificates/``.

    A repeat gives the certificate that stands.

    :raises ErasureIncomplete: something of the job is there again.
    """
    from backoffice.erasure.certificate import compose
    from backoffice.vault.signing import SigningKey, render

    with deployment.ledger.stage(job_id, Stage.CERTIFY) as job:
        if job.state not in (JobState.ERASED, JobState.CERTIFIED):
            raise LedgerError(f"Job {job.id} is {job.state}: only an erased job is certified.")
        store = deployment.store_intake  # which opens and signs, as this process does; who deletes does neither
        left = _inputs_left(store, job) + _left(store.remaining(job.bucket, prefix=f"out/{job.id}/"))
        if left:
            raise ErasureIncomplete(f"Job {job.id} was erased, but {left} of its objects are listed.")
        looked_at = datetime.now(UTC)
        probe = deployment.keys.probe(job.project, job.id)
        if not probe.destroyed:
            raise ErasureIncomplete(f"Job {job.id} was erased, but its data key is there.")
        tried = probe.to_dict()
        _record(
            deployment, job, Scope.INPUTS, system="key store, tried", method=_TRIED, counts=tried, started=looked_at
        )
        certificate = new_id()
        project = deployment.project(job.project)
        document = compose(job, project, deployment.ledger.of(job.id), certificate=certificate, looked_at=looked_at)
        signed = render(document, SigningKey.load(deployment.settings.signing_key_file))
        standing = deployment.ledger.record_certificate(job.id, certificate, signed)
        store.put(job.bucket, f"out/certificates/{job.id}.json", standing)
        deployment.ledger.move(job.id, JobState.CERTIFIED, certified_at=datetime.now(UTC))
        return standing
