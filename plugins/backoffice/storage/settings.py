"""How to reach the object store. Light: no S3 library is imported here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["StoreSettings"]


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """One identity's way to one store.

    ``endpoint`` is an https URL (or http, for a store on a trusted network that ends TLS elsewhere); ``ca`` the bundle
    to check it against, the system's when ``None``. ``session_token`` belongs to a key that ends by itself. ``master_url``
    and ``master_certificate`` (certificate and key in one PEM file) reach SeaweedFS's master to free deleted objects'
    space; leave them out for any other store.
    Timeouts are in seconds; ``attempts`` counts tries, not retries.
    """

    endpoint: str
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    ca: Path | None = None
    master_url: str | None = None
    master_certificate: Path | None = None
    connect_timeout: float = 3.0
    read_timeout: float = 30.0
    attempts: int = 3
