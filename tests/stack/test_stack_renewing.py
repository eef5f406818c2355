"""A stack that runs for longer than its certificates: the keeper has them made anew in time, and the servers show them."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from backoffice.stack import ca
from backoffice.stack.stack import Stack
from backoffice.tls import trust


def shown(url: str, bundle: Path) -> x509.Certificate:
    """The certificate that a server shows to who trusts this authority."""
    address = urlsplit(url)
    with (
        socket.create_connection((str(address.hostname), address.port or 443), 10) as plain,
        trust(bundle).wrap_socket(plain, server_hostname=address.hostname) as wrapped,
    ):
        return x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")


def soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=30)


def test_certificates_are_renewed_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stack = Stack(Path(__file__).parents[2], tmp_path / "var")
    stack.run.mkdir(parents=True, mode=0o700)
    (stack.var / "log").mkdir()
    monkeypatch.setattr(stack, "_write_settings", lambda: None)  # they name a database too, which is not up here
    monkeypatch.setattr(ca, "_CERTIFICATE_DAYS", 20)
    stack._store.up()
    try:
        settings = stack._store.settings("intake")
        assert settings.ca is not None
        assert soon(shown(settings.endpoint, settings.ca))
        monkeypatch.undo()
        monkeypatch.setattr(stack, "_write_settings", lambda: None)
        assert list(stack.renew()) == ["seaweedfs"]
        assert not soon(shown(settings.endpoint, settings.ca))
        assert list(stack.renew()) == []
    finally:
        stack._store.down()
