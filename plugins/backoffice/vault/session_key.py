"""Getting a message's session key with a project's secret key (RFC 6637, RFC 9580 5.1): ECDH over Curve25519.

That is the only kind of key the vault makes, so it is the only kind that opens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from backoffice.vault.packets import Malformed

if TYPE_CHECKING:
    from pysequoia.packet import Packet

__all__ = ["Recipient", "WrongKey", "recipients", "session_key"]

_ECDH = 18
_CURVE25519 = bytes.fromhex("2b060104019755010501")
_SECRET_KEY, _SECRET_SUBKEY = 5, 7
_HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
_WRAPPERS = {7: 16, 8: 24, 9: 32}


class WrongKey(Exception):
    """The message is for other keys."""


class Recipient:
    """One secret encryption key. (Not a dataclass: importing those takes a fifth of the child's start.)"""

    __slots__ = ("fingerprint", "hash_name", "key_id", "parameters", "scalar", "wrapper_bytes")

    def __init__(
        self, fingerprint: bytes, hash_name: str, wrapper_bytes: int, parameters: bytes, scalar: bytes
    ) -> None:
        self.fingerprint = fingerprint
        self.key_id = fingerprint[-8:]
        self.hash_name = hash_name
        self.wrapper_bytes = wrapper_bytes
        self.parameters = parameters
        self.scalar = scalar


def recipients(pile: Iterable[Packet]) -> list[Recipient]:
    """The secret encryption keys among a key's packets; none that has a passphrase."""
    found = []
    for packet in pile:
        if int(packet.tag) in (_SECRET_KEY, _SECRET_SUBKEY) and packet.fingerprint is not None:
            one = _recipient(packet.body, bytes.fromhex(packet.fingerprint))
            if one is not None:
                found.append(one)
    return found


def _recipient(body: bytes, fingerprint: bytes) -> Recipient | None:
    """Version 4: version, time (4), algorithm, curve, public point, KDF parameters, S2K usage 0, secret, checksum."""
    oid = body[7 : 7 + body[6]] if len(body) > 7 else b""
    if body[:1] != b"\x04" or body[5:6] != bytes((_ECDH,)) or oid != _CURVE25519:
        return None
    at = 7 + len(oid)
    _, at = _integer(body, at)
    size = body[at]
    parameters, at = body[at : at + 1 + size], at + 1 + size
    hash_name, wrapper = _HASHES.get(parameters[2]), _WRAPPERS.get(parameters[3])
    if body[at] != 0 or hash_name is None or wrapper is None:
        return None
    secret, _ = _integer(body, at + 1)
    curve = bytes((len(oid),)) + oid
    bound = curve + bytes((_ECDH,)) + parameters + b"Anonymous Sender    " + fingerprint
    return Recipient(fingerprint, hash_name, wrapper, bound, secret.rjust(32, b"\0")[::-1])


def session_key(wrapped: list[bytes], keys: list[Recipient], *, version: int) -> tuple[int, bytes]:
    """The cipher's number (0 for version 6, whose container names it) and the session key.

    :param wrapped: bodies of the message's public-key encrypted session key packets.
    :param version: 3 goes with a version 1 container, 6 with a version 2 one.
    :raises WrongKey: none is for these keys.
    :raises Malformed: one is, by its id, but does not open.
    """
    addressed = False
    for body in wrapped:
        if body[:1] != bytes((version,)):
            continue
        named, rest = _addressee(body, version)
        for key in keys:
            if named and named not in (key.key_id, key.fingerprint):
                continue
            addressed = addressed or bool(named)
            opened = _unwrap(rest, key)
            found = None if opened is None else _session(opened, version)
            if found is not None:
                return found
    if addressed:
        raise Malformed
    raise WrongKey


def _addressee(body: bytes, version: int) -> tuple[bytes, bytes]:
    """Who it is for (empty: nobody is named), and what follows from the algorithm's octet on."""
    if version == 3:
        named = body[1:9]
        return (b"" if named == bytes(8) else named), body[9:]
    size = body[1] if len(body) > 1 else 0
    return body[3 : 2 + size], body[2 + size :]


def _unwrap(rest: bytes, key: Recipient) -> bytes | None:
    if rest[:1] != bytes((_ECDH,)):
        return None
    opened: bytes | None = None
    try:
        point, at = _integer(rest, 1)
        wrapped = rest[at + 1 : at + 1 + rest[at]]
        shared = X25519PrivateKey.from_private_bytes(key.scalar).exchange(X25519PublicKey.from_public_bytes(point[1:]))
        hashed = hashlib.new(key.hash_name, b"\0\0\0\1" + shared + key.parameters).digest()
        opened = aes_key_unwrap(hashed[: key.wrapper_bytes], wrapped)
    except (InvalidUnwrap, ValueError, IndexError):
        opened = None
    if opened is None or not opened or not 0 < opened[-1] <= 40 or opened[-opened[-1] :] != opened[-1:] * opened[-1]:
        return None
    return opened[: -opened[-1]]


def _session(opened: bytes, version: int) -> tuple[int, bytes] | None:
    start = 1 if version == 3 else 0
    key, checksum = opened[start:-2], opened[-2:]
    if not key or sum(key) & 0xFFFF != int.from_bytes(checksum, "big"):
        return None
    return (opened[0] if version == 3 else 0), key


def _integer(data: bytes, at: int) -> tuple[bytes, int]:
    """A multiprecision integer: two bytes of length in bits, then the number."""
    size = (int.from_bytes(data[at : at + 2], "big") + 7) // 8
    if at + 2 + size > len(data):
        raise Malformed
    return data[at + 2 : at + 2 + size], at + 2 + size
