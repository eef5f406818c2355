"""Every job that is under way has access to the store, and none for longer than a few hours.

It is given before the job's run starts, and once more long before it ends, for as long as the job is under way: a result may
wait for days to be released. What is given ends by itself. Nothing here remembers anything: what crashed is done again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job

__all__ = ["LIFETIME", "ends_soon", "give_access"]

LIFETIME = timedelta(hours=6)
_AHEAD = timedelta(hours=3)
"""What is left when it is given anew: the two hours that a task may take, and one in which intake may be away."""


def ends_soon() -> datetime:
    """Access that ends before this is given anew."""
    return datetime.now(UTC) + _AHEAD


def give_access(deployment: Deployment, job: Job) -> None:
    """Give a job access to its drop and its results; what opens it goes into the ledger, sealed under the job's key.

    :raises StorageError: the store is away, or lets this process give none.
    :raises VaultError: the job's key is destroyed, or the key store is away.
    """
    sealed = job.key_sealed or b""  # the name of the drop: there for as long as the job is under way
    name = deployment.keys.unseal(job.project, job.id, sealed).decode()
    access = deployment.issuer.issue(job.id, bucket=job.bucket, key=name, version_id=job.version_id, lifetime=LIFETIME)
    kept = deployment.keys.seal(job.project, job.id, access.to_bytes())
    deployment.ledger.note(job.id, access_sealed=kept, access_until=access.until)
