"""A small certificate authority for the embedded stack: P-256, good for this machine's loopback addresses only."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from backoffice.stack.process import write_private

__all__ = [
    "Authority",
    "KeyPair",
    "certificate_builder",
    "certificate_pem",
    "key_pem",
    "key_usage",
    "read_certificate",
    "read_key",
]

_AUTHORITY_DAYS = 3650
_CERTIFICATE_DAYS = 180
_RENEW_BEFORE = datetime.timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """Where a certificate (PEM, with its issuer) and its private key (PEM, mode 0600) lie."""

    certificate: Path
    key: Path


class Authority:
    """The authority kept in ``folder``; made at first use, renewed 30 days before it ends.

    Its certificate may only vouch for ``localhost`` and 127.0.0.0/8 (RFC 5280, name constraints): trusting it opens
    nothing else. A renewed authority makes every certificate anew at its next ``issue``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = folder / "ca.pem"
        self._key_file = folder / "ca.key"
        self._key, self._certificate = self._load() or self._create()

    def issue(self, name: str, *, client: bool = False) -> KeyPair:
        """The certificate ``name`` for localhost and 127.0.0.1: the one on disk, or a new one near its end.

        With ``client`` it may also identify a caller, for servers that ask for a certificate.
        """
        pair = KeyPair(certificate=self.folder / f"{name}.pem", key=self.folder / f"{name}.key")
        if not self.still_good(name, client=client):
            self._make(name, pair, client=client)
        return pair

    def still_good(self, name: str, *, client: bool = False) -> bool:
        """Whether ``issue`` would leave the certificate ``name`` as it is: there, ours, and 30 days or more from its end."""
        certificate, key = read_certificate(self.folder / f"{name}.pem"), read_key(self.folder / f"{name}.key")
        if certificate is None or key is None or _ends_soon(certificate):
            return False
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return (
            certificate.public_key() == key.public_key()
            and certificate.issuer == self._certificate.subject
            and (ExtendedKeyUsageOID.CLIENT_AUTH in purposes) == client
        )

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        certificate = read_certificate(self.bundle)
        key = read_key(self._key_file)
        if certificate is None or key is None or _ends_soon(certificate):
            return None
        return (key, certificate) if certificate.public_key() == key.public_key() else None

    def _create(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        serial = x509.random_serial_number()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Backoffice embedded stack {serial:x}"[:40])])
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            certificate_builder(subject, subject, serial, _AUTHORITY_DAYS)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.NameConstraints(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_network("127.0.0.0/8"))], None
                ),
                critical=True,
            )
            .add_extension(identifier, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_file, key_pem(key))
        write_private(self.bundle, certificate_pem(certificate))
        self.bundle.chmod(0o644)
        return key, certificate

    def _make(self, name: str, pair: KeyPair, *, client: bool) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if client else [])]
        issuer = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (
            certificate_builder(
                x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
                self._certificate.subject,
                x509.random_serial_number(),
                _CERTIFICATE_DAYS,
            )
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        write_private(pair.key, key_pem(key))
        write_private(pair.certificate, certificate_pem(certificate))
        pair.certificate.chmod(0o644)


def certificate_builder(subject: x509.Name, issuer: x509.Name, serial: int, days: int) -> x509.CertificateBuilder:
    """Who, by whom, and from five minutes ago for this many days; the rest is the caller\'s."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(serial)
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What the key may do: sign certificates and their revocation, or identify its holder."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC) < _RENEW_BEFORE


def read_certificate(path: Path) -> x509.Certificate | None:
    """The certificate there, or ``None`` where there is none that can be read."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def read_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    """The key there, or ``None`` where there is none that can be read, or others may read it too."""
    try:
        if path.stat().st_mode & 0o077:
            return None
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        return None
    return key if isinstance(key, ec.EllipticCurvePrivateKey) else None


def certificate_pem(certificate: x509.Certificate) -> str:
    """As PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """As PEM (PKCS#8), not encrypted: for a file that its owner alone can read."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
