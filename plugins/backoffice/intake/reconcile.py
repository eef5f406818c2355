"""What is in the buckets, against the ledger. Events only say when to look; this is what decides.

Everything here may be cut off at any line and done again, by two processes at once: a claim is unique on (bucket, key,
version), a run on its id, and a receipt is written over itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.contract import gate, load_project, project_ids
from backoffice.errors import BackofficeError, ContractError, KeyDestroyed, KeyMissing, VaultAway, VaultError
from backoffice.ids import new_id
from backoffice.intake.access import ends_soon, give_access
from backoffice.intake.receipts import answer
from backoffice.ledger import UNDER_WAY, JobState, NewDrop
from backoffice.storage.failures import StoreAway, StoreRefused

if TYPE_CHECKING:
    from backoffice.contract import Project
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job
    from backoffice.storage import ObjectVersion

__all__ = ["ACCEPTANCE_PREFIX", "DROP_PREFIX", "Intake", "StartRun"]

log = logging.getLogger(__name__)

DROP_PREFIX = "in/"
ACCEPTANCE_PREFIX = "in/.accept/"
"""Where a client puts a signed note to accept a delivery; the key ends with the job's id."""

_MOST_CLAIMS = 100
_MOST_NOTES = 8
"""What one look takes of one project: a client with thousands of drops or notes does not keep the others waiting."""

_ASK_AGAIN_SECONDS = 5.0

StartRun = Callable[[str, str], bool]
"""Starts the run ``(dag id, run id)`` and says whether it stands: ``True`` also if it already did."""


class Intake:
    """Looks at every project's bucket again and again. Keeps nothing that the next process would miss.

    :param start_run: starts a run of a DAG under a chosen id.
    """

    def __init__(self, deployment: Deployment, start_run: StartRun) -> None:
        self._deployment = deployment
        self._start_run = start_run
        self._not_before: dict[str, float] = {}
        self._contracts: dict[str, tuple[object, Project | ContractError]] = {}
        self._digests: dict[str, dict[tuple[str, str], bytes]] = {}
        self._said: dict[str, str] = {}
        self._locked_out: set[UUID] = set()

    def look(self) -> int:
        """One pass over all projects: claim, start runs, accept, answer. Gives how many things it did.

        A project that is not ready, or no longer there, does not hold up the others.

        :raises StorageError: the store is away, or refuses every project.
        :raises VaultError: the key store is away.
        """
        done = 0
        projects = project_ids(self._deployment.settings.root)
        refused: dict[str, BackofficeError] = {}
        for project_id in projects:
            try:
                done += self._claim_new(project_id)
            except (StoreRefused, KeyDestroyed, KeyMissing) as error:
                refused[project_id] = error
        self._say(refused)
        if refused and len(refused) == len(projects):
            raise refused[projects[0]]
        done += self._release_waiting()
        done += self._start_runs()
        done += self._renew_access()
        for job in self._deployment.ledger.unanswered():
            done += self._answer(job)
        return done

    def _say(self, refused: dict[str, BackofficeError]) -> None:
        """Log what is new among the projects that could not be looked at."""
        told = {project_id: str(error) for project_id, error in refused.items()}
        for project_id in told.keys() - {name for name, text in self._said.items() if told.get(name) == text}:
            log.warning("project %s cannot receive: %s", project_id, told[project_id])
        self._said = told

    # ------------------------------------------------------------------ drops

    def _claim_new(self, project_id: str) -> int:
        deployment = self._deployment
        bucket = project_id.replace("_", "-")
        drops: list[ObjectVersion] = []
        notes: list[ObjectVersion] = []
        for version in deployment.store_intake.versions(bucket, DROP_PREFIX):
            if version.is_marker or (version.key.endswith("/") and version.size == 0):
                continue
            (notes if version.key.startswith(ACCEPTANCE_PREFIX) else drops).append(version)
        seen = dict(zip(self._identify(project_id, drops), drops, strict=True))
        known = deployment.ledger.known(bucket, seen) if seen else set()
        new = sorted(seen.keys() - known, key=lambda name: seen[name].modified)[:_MOST_CLAIMS]
        claimed = sum(self._claim(project_id, bucket, name[0], seen[name]) for name in new)
        taken = (note for note in notes if self._accept(project_id, bucket, note))
        return claimed + sum(1 for _ in islice(taken, _MOST_NOTES))

    def _identify(self, project_id: str, drops: list[ObjectVersion]) -> list[tuple[bytes, str]]:
        """(key digest, version id) of each. Digests of what is still listed are kept: the key store is asked once."""
        before, after = self._digests.get(project_id, {}), {}
        for drop in drops:
            name = drop.key, drop.version_id
            after[name] = before.get(name) or self._deployment.keys.index(project_id, drop.key.encode())
        self._digests[project_id] = after
        return [(after[drop.key, drop.version_id], drop.version_id) for drop in drops]

    def _claim(self, project_id: str, bucket: str, digest: bytes, version: ObjectVersion) -> bool:
        deployment, job = self._deployment, new_id()
        refusal = self._refusal(project_id)
        deployment.keys.create_job(project_id, job)
        drop = NewDrop(
            job=job,
            key_digest=digest,
            version_id=version.version_id,
            key_sealed=deployment.keys.seal(project_id, job, version.key.encode()),
            size=version.size,
            received_at=version.modified,
            state=JobState.CLAIMED if refusal is None else JobState.WAITING,
            reason=None if refusal is None else refusal[0],
            message=None if refusal is None else refusal[1],
        )
        if deployment.ledger.claim(project_id, bucket, drop):
            log.info("claimed job %s of %s: %d bytes, %s", job, project_id, version.size, drop.state)
            return True
        return False  # somebody else was first; the key that nobody will use is destroyed with what crashes leave

    def _refusal(self, project_id: str) -> tuple[str, str] | None:
        """Why the DPA gate is shut for a project: (code, message), or ``None``. The client is told the same words."""
        contract = self._contract(project_id)
        if isinstance(contract, ContractError):
            return "contract", "What was agreed for this project cannot be read. That is for us to mend."
        refusals = gate(contract.dpa, contract.sow, on=datetime.now(UTC).date())
        return (refusals[0].code, refusals[0].message) if refusals else None

    def _contract(self, project_id: str) -> Project | ContractError:
        """The project's files as they are now; read again only where one has changed."""
        root = self._deployment.settings.root
        client, _, name = project_id.partition("_")
        files = [root / "sow" / client / f"{name}.yaml", root / "sow" / client / "dpa.yaml"]
        stamp = tuple((s.st_mtime_ns, s.st_size) if (s := _stat(path)) else None for path in files)
        cached = self._contracts.get(project_id)
        if cached is None or cached[0] != stamp:
            try:
                found: Project | ContractError = load_project(project_id, root=root)
            except ContractError as error:
                log.warning("project %s: its SOW or DPA is missing or wrong: `backoffice sow check`", project_id)
                found = error
            cached = self._contracts[project_id] = (stamp, found)
        return cached[1]

    def _release_waiting(self) -> int:
        released = 0
        for job in self._deployment.ledger.jobs(states=[JobState.WAITING]):
            if self._refusal(job.project) is None:
                self._deployment.ledger.move(job.id, JobState.CLAIMED, reason=None, message=None, answered=None)
                log.info("job %s of %s: the agreement is valid now", job.id, job.project)
                released += 1
        return released

    # ------------------------------------------------------------------ runs

    def _start_runs(self) -> int:
        started = 0
        # Also what is further: its run was started, and who did so did not live to note it.
        for job in self._deployment.ledger.jobs(states=UNDER_WAY, without_run=True):
            if time.monotonic() < self._not_before.get(job.project, 0.0):
                continue
            if not self._has_access(job):
                continue
            if self._start_run(job.project, str(job.id)):
                self._deployment.ledger.note(job.id, run_started_at=datetime.now(UTC))
                started += 1
            else:  # no such DAG, or no answer: one question for all of its jobs, and not several times a second
                self._not_before[job.project] = time.monotonic() + _ASK_AGAIN_SECONDS
        return started

    def _renew_access(self) -> int:
        started = (job for job in self._deployment.ledger.jobs(states=UNDER_WAY, access_before=ends_soon()))
        return sum(self._has_access(job) for job in started if job.run_started_at is not None)

    def _has_access(self, job: Job) -> bool:
        """Give a job access to the store unless it has some. A job whose key is not there does not hold up the others."""
        if job.access_until is not None and job.access_until > ends_soon():
            return True
        try:
            give_access(self._deployment, job)
        except VaultAway:  # no job has access then, and nobody would see it in a look that passes for a good one
            raise
        except VaultError as error:
            if job.id not in self._locked_out:
                log.warning("job %s of %s has no access to the store: %s", job.id, job.project, error)
            self._locked_out.add(job.id)
            return False
        self._locked_out.discard(job.id)
        return True

    def _answer(self, job: Job) -> int:
        """Write one receipt. A bucket that is gone does not keep other clients from theirs."""
        try:
            answer(self._deployment, job)
        except StoreRefused as refusal:
            log.warning("job %s of %s: no receipt could be written: %s", job.id, job.project, refusal)
            return 0
        return 1

    # ------------------------------------------------------------------ acceptance

    def _accept(self, project_id: str, bucket: str, note: ObjectVersion) -> bool:
        """Take a client's signed acceptance: the deletion clock runs out now. A note that does not hold is removed.

        A client may fetch a delivery and accept it before its stage, broken off, has recorded it: that note stays.
        """
        try:
            job = self._deployment.ledger.job(UUID(note.key.removeprefix(ACCEPTANCE_PREFIX)))
        except (ValueError, BackofficeError):
            job = None
        if job is not None and job.project == project_id and job.state is JobState.CHECKED:
            return False
        genuine = (
            job is not None and job.project == project_id and self._signed_by_client(project_id, bucket, note, job)
        )
        if genuine and job is not None and job.state is JobState.DELIVERED:
            now = datetime.now(UTC)
            self._deployment.ledger.move(job.id, JobState.ACCEPTED, accepted_at=now, results_due_at=now)
            log.info("job %s of %s: accepted by the client", job.id, project_id)
        if not genuine:
            log.warning("project %s: an acceptance note was not the client's, or of no job; removed", project_id)
        if genuine and job is not None and job.state in (JobState.DELIVERED, JobState.ACCEPTED):
            self._start_run("erasure", str(job.id))
        self._deployment.store_intake.erase(bucket, key=note.key, version_id=note.version_id)
        return True

    def _signed_by_client(self, project_id: str, bucket: str, note: ObjectVersion, job: Job) -> bool:
        from backoffice.vault.openpgp import verify_signed

        if note.size > 64 * 1024:
            return False
        certificate = self._deployment.ledger.certificate_of(project_id.partition("_")[0])
        if certificate is None:
            return False
        try:
            with self._deployment.store_intake.open(bucket, note.key, note.version_id) as source:
                message = source.read()
            text = verify_signed(message, signers=[certificate])
        except StoreAway:
            raise
        except BackofficeError:  # also what the store gives to nobody but the client (SSE-C)
            return False
        return text.decode(errors="replace").strip() == f"accept {job.id}"


def _stat(path: Path):
    try:
        return path.stat()
    except OSError:
        return None
