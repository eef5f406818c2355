"""Wrapping one key under another: AES-256-GCM, bound to what the key is for (NIST SP 800-38D).

The format, in bytes: version (1), nonce (12), ciphertext, tag (16). The bound context is a JSON list, so that no two
contexts can spell the same bytes.
"""

from __future__ import annotations

import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backoffice.errors import VaultError

__all__ = ["ALGORITHM", "KEY_BYTES", "bound", "derive", "new_key", "unwrap", "wrap"]

ALGORITHM = "AES-256-GCM"
KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12


def new_key() -> bytes:
    """32 random bytes from the operating system."""
    return os.urandom(KEY_BYTES)


def wrap(key: bytes, data: bytes, *context: str | int) -> bytes:
    """Encrypt ``data`` under ``key``; it opens only with the same context."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, data, bound(*context))


def unwrap(key: bytes, wrapped: bytes, *context: str | int) -> bytes:
    """Give back what :func:`wrap` took.

    :raises VaultError: another key, another context, or a changed byte; nobody can know which.
    """
    opened: bytes | None = None
    if wrapped[:1] == _VERSION:
        try:
            opened = AESGCM(key).decrypt(wrapped[1 : 1 + _NONCE_BYTES], wrapped[1 + _NONCE_BYTES :], bound(*context))
        except (InvalidTag, ValueError):
            opened = None
    if opened is None:
        raise VaultError(
            "A wrapped key or secret does not open: it belongs elsewhere, was changed, or another key wrapped it.",
            hint="Check that the key store and the master key belong together.",
        )
    return opened


def derive(key: bytes, purpose: str) -> bytes:
    """A key of its own for one purpose, so that one key never serves two algorithms (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


def bound(*context: str | int) -> bytes:
    """A context as the bytes that are authenticated with what is wrapped."""
    return json.dumps(["backoffice/vault/1", *context], separators=(",", ":")).encode()
