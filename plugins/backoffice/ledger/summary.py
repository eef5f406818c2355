"""One job, as a person or a script wants to see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backoffice.ledger.ledger import Job, Ledger
from backoffice.ledger.states import Stage

__all__ = ["summary"]


def summary(ledger: Ledger, job: Job) -> dict[str, Any]:
    """Plain JSON values: state, rows, checks, delivery, erasure, certificate, seconds per stage. No value of the data."""
    of = ledger.of(job.id)
    passed = sum(1 for row in of["checks"] if row["passed"])
    delivery = of["deliveries"][0] if of["deliveries"] else None
    certificate = of["certificates"][0] if of["certificates"] else None
    until_delivered = (job.delivered_at - job.received_at).total_seconds() if job.delivered_at else None
    return {
        "job": str(job.id),
        "project": job.project,
        "state": str(job.state),
        "reason": job.reason,
        "message": job.message,
        "received_at": _iso(job.received_at),
        "delivered_at": _iso(job.delivered_at),
        "accepted_at": _iso(job.accepted_at),
        "results_due_at": _iso(job.results_due_at),
        "certified_at": _iso(job.certified_at),
        "size": job.size,
        "rows": {"in": job.figures.get("rows_in"), "out": job.figures.get("rows_out")},
        "figures": job.figures,
        "checks": {
            "passed": passed,
            "failed": len(of["checks"]) - passed,
            "results": [{k: v for k, v in row.items() if k not in ("job", "position")} for row in of["checks"]],
        },
        "delivery": delivery and {k: delivery[k] for k in ("bucket", "key", "sha256", "size")},
        "erasure": {
            "objects": sum(_objects(row["counts"]) for row in of["erasures"]),
            "verified": job.erased_at is not None,
            "records": [
                {k: _iso(v) if isinstance(v, datetime) else v for k, v in row.items() if k not in ("id", "job")}
                for row in of["erasures"]
            ],
        },
        "certificate": certificate
        and {"id": str(certificate["id"]), "path": f"s3://{job.bucket}/out/certificates/{job.id}.json"},
        "last_fault": _last_fault(of["stages"]),
        "seconds": {"drop_to_delivered": until_delivered} | _seconds(of["stages"]),
    }


def _seconds(stages: list[dict[str, Any]]) -> dict[str, float]:
    return {
        str(stage): round(sum(row["seconds"] or 0.0 for row in stages if row["stage"] == stage), 3)
        for stage in Stage
        if any(row["stage"] == stage for row in stages)
    }


def _last_fault(stages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The last attempt at a stage, if it failed: which stage, and with what class of error or code."""
    last = stages[-1] if stages else None
    if last is None or last["outcome"] in (None, "done"):
        return None
    return {"stage": last["stage"], "outcome": last["outcome"], "ended_at": _iso(last["ended_at"])}


def _objects(counts: dict[str, Any]) -> int:
    """Versions and markers deleted, over the parts of one erasure record."""
    parts = [part for part in counts.values() if isinstance(part, dict)]
    return sum(int(part.get("versions", 0)) + int(part.get("markers", 0)) for part in parts)


def _iso(when: datetime | None) -> str | None:
    return when.isoformat(timespec="milliseconds") if when else None
