"""What a Certificate of Data Deletion says (P18). Only what has happened stands in it, each line from the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from backoffice.contract import Project
    from backoffice.ledger import Job

__all__ = ["SCHEMA", "compose"]

SCHEMA = "certificate-of-data-deletion/1"


def compose(
    job: Job, project: Project, of: dict[str, list[dict[str, Any]]], *, certificate: UUID, looked_at: datetime
) -> dict[str, Any]:
    """The certificate as plain JSON values; times are UTC, ISO 8601.

    :param of: what :meth:`Ledger.of` gives for the job.
    :param looked_at: when everything was listed once more, just before this was written.
    """
    dpa = project.dpa
    return {
        "schema": SCHEMA,
        "id": str(certificate),
        "issued_at": _iso(datetime.now(UTC)),
        "controller": dpa.controller.name,
        "processor": dpa.processor.name,
        "signatory": dpa.processor.signatory,
        "project": project.id,
        "job": str(job.id),
        "received_at": _iso(job.received_at),
        "completed_at": _iso(job.accepted_at or job.delivered_at or job.results_due_at),
        "outcome": "delivered" if job.delivered_at else "rejected",
        "accepted_at": _iso(job.accepted_at),
        "data": {"categories": list(dpa.data.categories), "people": list(dpa.data.people)},
        "erased": [
            {
                "scope": row["scope"],
                "system": row["system"],
                "method": row["method"],
                "counts": row["counts"],
                "started_at": _iso(row["started_at"]),
                "verified_at": _iso(row["verified_at"]),
            }
            for row in of["erasures"]
        ],
        "looked_again_at": _iso(looked_at),
        "found": 0,
        "covers": "active systems: object store and key store",
        "does_not_cover": [
            "backups",
            "names of deleted objects in the object store's own index and log, from where they go with its next upkeep; "
            "their content is not there",
        ],
    }


def _iso(when: datetime | None) -> str | None:
    return None if when is None else when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
