"""The company's signature on certificates and receipts: Ed25519, as a strict JWS (RFC 7515, RFC 8037).

A signed file is readable JSON, and every byte of it counts::

    {
      "certificate": { … },
      "jws": "<header>.<payload>.<signature>"
    }

The payload of the JWS is the certificate itself. Verifying rebuilds the whole file from the verified JWS alone and
compares the bytes: a space, a repeated or reordered key, a loose bit of base64 or a newline at the end is a change like
any other.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from backoffice.errors import CertificateInvalid, VaultError
from backoffice.vault.key_files import read_private, write_private

__all__ = ["PublicKey", "SigningKey", "load_public", "render", "verify"]

_LIMIT = 4 << 20
_TYPE = "backoffice+json"


class PublicKey:
    """What a signature is checked with. ``id`` is its RFC 7638 thumbprint."""

    __slots__ = ("id", "key")

    def __init__(self, key: Ed25519PublicKey) -> None:
        self.key = key
        self.id = _thumbprint(key)

    def __repr__(self) -> str:
        return f"PublicKey({self.id})"


def load_public(pem: bytes) -> PublicKey:
    """The company's public key, from the PEM file that it publishes.

    :raises VaultError: it is not an Ed25519 public key in PEM.
    """
    found = None
    try:
        found = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise VaultError("This is not an Ed25519 public key.", hint="Take the PEM file that the company published.")
    return PublicKey(found)


class SigningKey:
    """The company's Ed25519 key; never shows itself. ``public_key`` is what others verify with."""

    __slots__ = ("__key", "public_key")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self.__key = key
        self.public_key = PublicKey(key.public_key())

    @classmethod
    def create(cls, path: Path) -> SigningKey:
        """Make a new one and write it as PEM, mode 0600.

        :raises VaultError: there is one already, or it cannot be written.
        """
        key = Ed25519PrivateKey.generate()
        write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), what="signing key")
        return cls(key)

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """Read it.

        :raises VaultError: it is missing, not such a key, or others than its owner may read it.
        """
        found = None
        pem = read_private(path, what="signing key")
        try:
            found = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            found = None
        if not isinstance(found, Ed25519PrivateKey):
            raise VaultError(
                f"{path} is not an Ed25519 signing key.", hint="Restore it, or make one with `backoffice stack up`."
            )
        return cls(found)

    def public_pem(self) -> bytes:
        """The public key, for publishing: :func:`load_public` reads it."""
        return self.public_key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, payload: bytes) -> str:
        """A compact JWS of the payload. The same payload gives the same JWS."""
        headers = {"kid": self.public_key.id, "typ": _TYPE}
        return PyJWS().encode(payload, self.__key, algorithm="EdDSA", headers=headers, sort_headers=True)

    def __repr__(self) -> str:
        return f"SigningKey({self.public_key.id})"

    def __reduce__(self) -> NoReturn:
        raise VaultError("A signing key is not copied into another process or a file.")


def render(document: dict[str, Any], key: SigningKey) -> bytes:
    """The signed file. The same document and key give the same bytes.

    :raises VaultError: the document is not plain JSON (a time, a NaN, half a character).
    """
    payload: bytes | None = None
    try:
        payload = _compact(document)
    except (ValueError, TypeError, RecursionError):
        payload = None
    if payload is None:
        raise VaultError("Only plain JSON can be signed.", hint="Turn times and ids into text first.")
    return _file(json.loads(payload), key.sign(payload))


def verify(data: bytes, keys: PublicKey | Iterable[PublicKey]) -> dict[str, Any]:
    """The document in a signed file, if one of the keys signed exactly these bytes.

    :raises CertificateInvalid: it was changed, cut off, signed by someone else, or is no such file.
    """
    known = {key.id: key for key in ([keys] if isinstance(keys, PublicKey) else keys)}
    problem = "it is not a signed file"
    document: dict[str, Any] | None = None
    try:
        if len(data) > _LIMIT:
            raise ValueError
        jws = json.loads(data)["jws"]
        named = PyJWS().get_unverified_header(jws).get("kid")
        key = known.get(named) if isinstance(named, str) else None
        if key is None:
            problem = "another key signed it"
        else:
            problem = "it was changed after it was signed"
            payload = PyJWS().decode(jws, key.key, algorithms=["EdDSA"])
            found = json.loads(payload)
            if _compact(found) == payload and _jws(payload, key, jws) == jws and _file(found, jws) == data:
                document = found
    except (PyJWTError, ValueError, TypeError, KeyError, RecursionError):
        document = None
    if document is None:
        raise CertificateInvalid(
            f"The certificate does not hold: {problem}.", hint="Ask the company for its original, byte for byte."
        )
    return document


def _compact(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _file(document: object, jws: str) -> bytes:
    text = json.dumps({"certificate": document, "jws": jws}, ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode() + b"\n"


def _jws(payload: bytes, key: PublicKey, jws: str) -> str:
    """The one way to spell this JWS: its header as we write it, and no loose bits in its base64."""
    header = _compact({"alg": "EdDSA", "kid": key.id, "typ": _TYPE})
    signature = jws.rpartition(".")[2]
    loose = "AQgw".find(signature[-1:])  # 64 bytes leave four bits over, which must be zero
    return f"{_base64(header)}.{_base64(payload)}.{signature if loose >= 0 and len(signature) == 86 else ''}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _thumbprint(key: Ed25519PublicKey) -> str:
    x = _base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return _base64(hashlib.sha256(_compact({"crv": "Ed25519", "kty": "OKP", "x": x})).digest())
