"""What falls due: rejected drops at once, results at acceptance or their deadline. Reasons are told with each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backoffice.ledger import Job, JobState

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["Due", "due"]


@dataclass(frozen=True)
class Due:
    """A job whose erasure or certificate is due, since when, and why."""

    job: Job
    since: datetime
    reason: str


_REASONS = {
    JobState.REJECTED: "rejected: the client sends it again",
    JobState.ACCEPTED: "accepted by the client",
    JobState.DELIVERED: "the deadline for acceptance has passed",
    JobState.ERASED: "erased, and not yet certified",
}


def due(deployment: Deployment, *, now: datetime | None = None) -> list[Due]:
    """Jobs that the erasure DAG has to take now, oldest first."""
    now = now or datetime.now(UTC)
    jobs = deployment.ledger.jobs(states=_REASONS, due_before=now)
    return [Due(job, job.results_due_at, _REASONS[job.state]) for job in jobs if job.results_due_at is not None]
