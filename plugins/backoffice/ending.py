"""Certificates that end: whose, when, and what to do before. Nothing here renews: an operator hands certificates over."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from backoffice.errors import BackofficeError

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["Ending", "ending", "has_ended"]

AHEAD = timedelta(days=60)
"""How long before its end an OpenPGP certificate is spoken of: others have to get the new one."""
AHEAD_TLS = timedelta(days=21)
"""The same for a server's, which is renewed by a program 30 days before its end, or ought to be."""
_SECONDS = 5


@dataclass(frozen=True)
class Ending:
    """A certificate, and what an operator does about it."""

    what: str
    ends_at: datetime
    """In UTC."""
    remedy: str
    ahead: timedelta = AHEAD

    @property
    def due(self) -> bool:
        """Whether it is time to do that."""
        return self.ends_at <= datetime.now(UTC) + self.ahead

    def __str__(self) -> str:
        """One line, for a log or a terminal."""
        word = "ended" if has_ended(self.ends_at) else "ends"
        return f"{self.what} {word} on {self.ends_at:%Y-%m-%d}: {self.remedy}"


def has_ended(ends_at: datetime | None) -> bool:
    """Whether that is past; None: it never is."""
    return ends_at is not None and ends_at <= datetime.now(UTC)


def ending(deployment: Deployment) -> list[Ending]:
    """The certificates of this deployment that have an end, the first first: those that projects' clients encrypt to, those
    that clients enrolled, and those of its TLS servers. Who cannot be asked is left out.
    """
    return sorted([*_projects(deployment), *_clients(deployment), *_servers(deployment)], key=lambda one: one.ends_at)


def _projects(deployment: Deployment) -> Iterator[Ending]:
    from backoffice.contract import project_ids
    from backoffice.vault.openpgp import expires_at

    for project in project_ids(deployment.settings.root):
        ends_at: datetime | None = None
        with suppress(BackofficeError):  # it has no keys yet, or none any more
            ends_at = expires_at(deployment.keys.certificate(project))
        if ends_at is not None:
            remedy = f"`backoffice project certificate {project} --renew`, and hand the client its new kit."
            yield Ending(f"The OpenPGP certificate of project {project}", ends_at, remedy)


def _clients(deployment: Deployment) -> Iterator[Ending]:
    from backoffice.contract import project_ids
    from backoffice.vault.openpgp import expires_at

    for client in sorted({project.partition("_")[0] for project in project_ids(deployment.settings.root)}):
        certificate = deployment.ledger.certificate_of(client)
        ends_at = None if certificate is None else expires_at(certificate)
        if ends_at is not None:
            remedy = (
                f"nothing is delivered to it then. Ask for its new one, and `backoffice client enrol {client} FILE`."
            )
            yield Ending(f"The OpenPGP certificate that client {client} enrolled", ends_at, remedy)


def _servers(deployment: Deployment) -> Iterator[Ending]:
    have = deployment.settings
    found = {
        "The object store's TLS certificate": _shown(have.store_endpoint),
        "The certificate of who vouches for the object store": _in_file(have.store_ca),
        "The TLS certificate between the services": _in_file(have.store_master_certificate),
    }
    for what, ends_at in found.items():
        if ends_at is not None:
            yield Ending(what, ends_at, "docs/production.md, Certificates, says how to renew it.", AHEAD_TLS)


def _shown(url: str) -> datetime | None:
    """Until when the certificate is valid that a server shows; None: none was seen. Whether it is to be believed is
    asked by who sends it something: nothing is sent here, and an ended one is to be seen too.
    """
    import socket

    from cryptography import x509

    address = urlsplit(url)
    if address.scheme != "https" or address.hostname is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    shown: bytes | None = None
    with (
        suppress(OSError),
        socket.create_connection((address.hostname, address.port or 443), _SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=address.hostname) as wrapped,
    ):
        shown = wrapped.getpeercert(binary_form=True)
    return None if shown is None else x509.load_der_x509_certificate(shown).not_valid_after_utc


def _in_file(file: Path | None) -> datetime | None:
    """The first end among the certificates of a PEM file."""
    from cryptography import x509

    with suppress(OSError, ValueError):
        if file is not None:
            return min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(file.read_bytes()))
    return None
