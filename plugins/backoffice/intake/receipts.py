"""What the client is told, as signed JSON under ``out/receipts/``: it arrived, it waits, it is rejected, it is delivered.

One object per job and state. It says what happened, what happens next, and by when the data is deleted; no value from it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backoffice.ledger import JobState

if TYPE_CHECKING:
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job

__all__ = ["answer"]

_NEXT = {
    "received": "It is being processed. A receipt of the delivery, or a rejection, follows here.",
    "waiting": "It is not touched until a valid agreement covers it.",
    "rejected": "It was not processed and is being deleted. Send it again when it is mended; nothing else is needed.",
    "delivered": "Fetch it, decrypt it, and accept it; then, or at the latest when stated, it is deleted.",
}


def answer(deployment: Deployment, job: Job) -> None:
    """Write the receipt that a job's state calls for, and note it in the ledger. A repeat writes it again, unharmed."""
    from backoffice.vault.signing import SigningKey, render

    told = _told(job)
    document: dict[str, Any] = {
        "schema": "receipt/1",
        "job": str(job.id),
        "project": job.project,
        "status": told,
        "received_at": job.received_at.astimezone(UTC).isoformat(),
        "size": job.size,
        "version": job.version_id,
        "next": _NEXT[told],
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if told in ("rejected", "waiting"):
        document |= {"reason": job.reason, "message": job.message}
    if told == "delivered":
        delivery = deployment.ledger.of(job.id)["deliveries"][0]
        document |= {name: delivery[name] for name in ("key", "sha256")}
        document["delivered_size"] = delivery["size"]
        document["deleted_by"] = job.results_due_at and job.results_due_at.astimezone(UTC).isoformat(timespec="seconds")
    signed = render(document, SigningKey.load(deployment.settings.signing_key_file))
    deployment.store_intake.put(job.bucket, f"out/receipts/{job.id}-{told}.json", signed)
    deployment.ledger.note(job.id, answered=told)


def _told(job: Job) -> str:
    if job.state in (JobState.ERASED, JobState.CERTIFIED):  # rejected, and erased before we came to say so
        return "rejected"
    return str(job.state) if job.state in (JobState.WAITING, JobState.REJECTED, JobState.DELIVERED) else "received"
