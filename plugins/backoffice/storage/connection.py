"""The one place that makes a client of the S3 library."""

from __future__ import annotations

from typing import Any

from backoffice.storage.settings import StoreSettings

__all__ = ["client"]


def client(settings: StoreSettings, service: str, *, connections: int = 16) -> Any:
    """A boto3 client of ``service`` (``s3``, ``iam`` or ``sts``) for this store: path style, signature v4, few tries."""
    import boto3.session
    from botocore.config import Config

    session: Any = boto3.session.Session(
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        aws_session_token=settings.session_token,
        region_name=settings.region,
    )
    return session.client(
        service,
        endpoint_url=settings.endpoint,
        verify=str(settings.ca) if settings.ca else True,
        config=Config(
            signature_version="s3v4" if service == "s3" else "v4",
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "total_max_attempts": settings.attempts},
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            max_pool_connections=connections,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            proxies={},
        ),
    )
