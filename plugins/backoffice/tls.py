"""TLS 1.3 and nothing older, for whoever calls a server of this deployment (P2)."""

from __future__ import annotations

import ssl
from pathlib import Path

__all__ = ["trust"]


def trust(ca: Path | None, *, certificate: Path | None = None) -> ssl.SSLContext:
    """Whom to believe.

    :param ca: a bundle of the authorities that vouch for the server; ``None``: those of the machine.
    :param certificate: what the caller identifies itself with, certificate and key in one file.
    """
    context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context
