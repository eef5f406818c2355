"""Certificates between the services of one production host: the embedded stack's authority, for the services' names.

``issue_all`` lays them flat into the secrets folder: ``NAME.pem`` (certificate) and ``NAME.key``, ``ca.pem`` (whom services
trust), ``store_ca.pem`` (whom clients trust for the object store; it goes into their kits). Run it again before they end, and
restart the services: nothing of an operator's own is replaced.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from backoffice.errors import StackError
from backoffice.stack import ca
from backoffice.stack.process import write_private

__all__ = ["issue_all"]

_DAYS, _RENEW_BEFORE = 825, datetime.timedelta(days=90)


def issue_all(folder: Path, store_hosts: tuple[str, ...]) -> None:
    """Issue what is missing, ends within 90 days, or bears other names.

    A certificate for the object store that another authority issued stays: the operator put it there.
    """
    names = tuple(dict.fromkeys(("localhost", "postgres", "broker", "api-server", "openbao", "store", *store_hosts)))
    key, authority = _authority(folder, names)
    for service in ("postgres", "broker", "api-server", "openbao"):
        _issue(folder, service, (service, "localhost"), key, authority)
    # Between the object store's own parts, and to its master: these certificates also identify a caller.
    _issue(folder, "inside", ("store", "localhost"), key, authority, client=True)
    pair = (folder / "inside.pem").read_text() + (folder / "inside.key").read_text()
    if not _same(folder / "store_master.pem", pair):
        write_private(folder / "store_master.pem", pair)
    if not _is_foreign(folder / "s3.pem", authority):
        _issue(folder, "s3", ("localhost", "store", *store_hosts), key, authority)
        if not _same(folder / "store_ca.pem", (folder / "ca.pem").read_text()):
            write_private(folder / "store_ca.pem", (folder / "ca.pem").read_text())


def _authority(folder: Path, names: tuple[str, ...]) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key, certificate = ca.read_key(folder / "ca.key"), ca.read_certificate(folder / "ca.pem")
    if (
        key is not None
        and certificate is not None
        and not _ends_soon(certificate)
        and _vouches(certificate) >= set(names)
    ):
        return key, certificate
    if key is None and certificate is not None and not _ends_soon(certificate):
        raise StackError(
            f"{folder / 'ca.pem'} is there without its key, ca.key: another would vouch for nothing that is in use.",
            hint="Put ca.key back. Or remove ca.pem, to begin anew: all certificates and clients' kits change then.",
        )
    # The same key under wider names: what it signed before stays good.
    key = key or ec.generate_private_key(ec.SECP256R1())
    serial = x509.random_serial_number()
    subject = certificate.subject if certificate else _name(f"Back office {serial:x}"[:40])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    permitted = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_network("127.0.0.0/8"))]
    made = (
        ca.certificate_builder(subject, subject, serial, 3650)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(ca.key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(folder / "ca.key", ca.key_pem(key))
    write_private(folder / "ca.pem", ca.certificate_pem(made))
    return key, made


def _issue(
    folder: Path,
    name: str,
    hosts: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    *,
    client: bool = False,
) -> None:
    have, own = ca.read_certificate(folder / f"{name}.pem"), ca.read_key(folder / f"{name}.key")
    if (
        have is not None
        and own is not None
        and have.public_key() == own.public_key()  # a crash between the two files below leaves those of two
        and _is_signed(have, authority)
        and not _ends_soon(have)
        and _hosts(have) >= set(hosts)
    ):
        return
    own = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if client else [])]
    alternatives = [*map(x509.DNSName, dict.fromkeys(hosts)), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    made = (
        ca.certificate_builder(_name(name), authority.subject, x509.random_serial_number(), _DAYS)
        .public_key(own.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(ca.key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(folder / f"{name}.key", ca.key_pem(own))
    write_private(folder / f"{name}.pem", ca.certificate_pem(made))


def _is_signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _is_foreign(path: Path, authority: x509.Certificate) -> bool:
    have = ca.read_certificate(path)
    return have is not None and have.issuer != authority.subject


def _hosts(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


def _vouches(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    return {name.value for name in found if isinstance(name, x509.DNSName)}


def _ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC) < _RENEW_BEFORE


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
