from __future__ import annotations

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from backoffice.stack import ca
from backoffice.stack.ca import Authority, KeyPair


def handshake(pair: KeyPair, bundle: Path, name: str) -> str | None:
    """The TLS version agreed on; raises ``ssl.SSLError`` when the certificate is not accepted."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair.certificate, pair.key)
    trust = ssl.create_default_context(cafile=str(bundle))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(left, server_side=True).close()
        except (ssl.SSLError, OSError):
            left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with trust.wrap_socket(right, server_hostname=name) as wrapped:
            return wrapped.version()
    finally:
        right.close()
        thread.join()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_certificate_is_accepted_for_this_machine_under_strict_rules(tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path)
    assert handshake(authority.issue("s3"), authority.bundle, name) == "TLSv1.3"


@pytest.mark.parametrize("name", ["example.com", "127.0.0.2"])
def test_a_certificate_is_good_for_no_other_name(tmp_path: Path, name: str) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority.issue("s3"), authority.bundle, name)


def test_the_authority_can_vouch_for_loopback_alone(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(Authority(tmp_path).bundle.read_bytes())
    limits = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical and [str(name.value) for name in limits.value.permitted_subtrees or []] == [
        "localhost",
        "127.0.0.0/8",
    ]


def test_keys_are_private_and_certificates_are_kept(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("s3")
    before = pair.certificate.read_bytes()
    assert Authority(tmp_path).issue("s3") == pair and pair.certificate.read_bytes() == before
    for key in (pair.key, tmp_path / "ca.key"):
        assert key.stat().st_mode & 0o077 == 0


def test_a_certificate_near_its_end_is_renewed_and_still_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ca, "_CERTIFICATE_DAYS", 29)
    before = Authority(tmp_path).issue("s3").certificate.read_bytes()
    monkeypatch.undo()
    authority = Authority(tmp_path)
    pair = authority.issue("s3")
    assert pair.certificate.read_bytes() != before
    assert x509.load_pem_x509_certificate(pair.certificate.read_bytes()).not_valid_after_utc > datetime.datetime.now(
        datetime.UTC
    ) + datetime.timedelta(days=170)
    assert handshake(pair, authority.bundle, "localhost")


def test_a_renewed_authority_makes_every_certificate_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ca, "_AUTHORITY_DAYS", 29)
    before = Authority(tmp_path).issue("s3").certificate.read_bytes()
    monkeypatch.undo()
    authority = Authority(tmp_path)
    pair = authority.issue("s3")
    assert pair.certificate.read_bytes() != before
    assert handshake(pair, authority.bundle, "localhost")


def test_a_key_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("s3")
    before = pair.key.read_bytes()
    pair.key.chmod(0o644)
    Authority(tmp_path).issue("s3")
    assert pair.key.read_bytes() != before and pair.key.stat().st_mode & 0o077 == 0


def test_damaged_files_are_replaced(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("s3")
    pair.certificate.write_text("not a certificate")
    authority.bundle.write_text("nor this")
    again = Authority(tmp_path)
    assert handshake(again.issue("s3"), again.bundle, "localhost")
