"""OpenPGP both ways: what clients send, and what goes back to them (version 4 keys, AES-256, RFC 9580 and RFC 4880).

Opening a message happens in a child process of its own (:mod:`backoffice.vault.opener`): it is limited, it cannot be
debugged or dumped, and its plaintext is handed over only when all of it was whole and signed by someone expected.
"""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pysequoia

from backoffice.discretion import kind_of
from backoffice.errors import BackofficeError, DropRejected, VaultError
from backoffice.spool import Spool
from backoffice.vault.memory import Memory, memory

__all__ = [
    "OpenPgpKey",
    "Plaintext",
    "encrypt",
    "expires_at",
    "fingerprint",
    "generate",
    "memory",
    "open_message",
    "revoked",
    "sign",
    "valid_recipients",
    "verify_signed",
]

_CHUNK = 1 << 20
_NOTE_LIMIT = 64 * 1024
_START = "import sys; sys.path[:0] = sys.argv[1:3]; from backoffice.vault.opener import main; main()"
_PATHS = (str(Path(__file__).parents[2]), str(Path(pysequoia.__file__).parents[1]))

_REJECTIONS: dict[int, tuple[str, str, str]] = {
    10: ("not-encrypted", "The file is not encrypted with OpenPGP.", "Encrypt it to this project's certificate."),
    11: ("wrong-key", "The file is encrypted to another key.", "Encrypt it to the certificate of this project."),
    12: ("not-signed", "The file is encrypted, but not signed.", "Sign it with the key whose certificate you gave us."),
    13: (
        "unknown-signer",
        "No signature on the file is by a certificate that is enrolled for this client and valid.",
        "Sign it with the key whose certificate you gave us; if that is out of date, send us the new one first.",
    ),
    14: ("damaged", "The file is cut off or was changed on its way.", "Send it again."),
    15: ("too-large", "The file unfolds to more than the agreed size.", "Send it in parts, or agree a larger limit."),
    16: ("empty", "There is nothing in the file.", "Send it again."),
    17: (
        "format",
        "The file uses an encryption or compression method that is not accepted.",
        "Use AES-256 with integrity protection: what GnuPG 2.2 or later does by itself, without --force-ocb.",
    ),
}


@dataclass(frozen=True)
class OpenPgpKey:
    """A new key: the secret part as bytes, the certificate in ASCII armour."""

    secret: bytes = field(repr=False)
    certificate: str = field(repr=False)


class Plaintext(Spool):
    """A client's file: in memory, or if it is large on disk, encrypted. Use it in a ``with``: it is gone at the end.

    ``signer`` is the fingerprint of the certificate that signed it, ``cipher`` what it was encrypted with (``AES-256``).
    """

    signer: str = ""
    cipher: str | None = None


class Readable(Protocol):
    """Anything that gives bytes piece by piece: a store's response, a pipe, a file."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, none at the end."""
        ...


def generate(name: str, *, lasts: timedelta | None = None) -> OpenPgpKey:
    """A new version 4 key (Ed25519 and Curve25519) that signs and is encrypted to.

    :param name: its user id, as clients will see it.
    :param lasts: for how long others may encrypt to it; None: it does not expire.
    """
    key = pysequoia.Tsk.generate(
        name,
        profile=pysequoia.Profile.RFC4880,
        cipher_suite=pysequoia.CipherSuite.Cv25519,
        validity_seconds=None if lasts is None else int(lasts.total_seconds()),
    )
    return OpenPgpKey(bytes(key), str(key.extract_certificate()))


def expires_at(certificate: str) -> datetime | None:
    """Until when others may encrypt to a certificate; None: it does not expire.

    :raises VaultError: it is not one.
    """
    return _certificate(certificate).expiration


def revoked(secret: bytes) -> str:
    """A key's certificate with its revocation, ASCII armour: whoever imports it encrypts to it no more.

    :raises VaultError: the key cannot be read.
    """
    key = _secret_key(secret)
    certificate = key.extract_certificate()
    revocation = certificate.revoke(key.certifier())
    return str(pysequoia.Cert.from_bytes(bytes(certificate) + bytes(revocation)))


def fingerprint(certificate: str) -> str:
    """A certificate's fingerprint, 40 lower-case hexadecimal digits.

    :raises VaultError: it is not a certificate, or holds a secret key.
    """
    return _certificate(certificate).fingerprint


def encrypt(
    source: str | Path | Memory,
    target: str | Path | Memory,
    *,
    recipients: Sequence[str],
    signer: bytes,
    armour: bool = False,
) -> None:
    """Encrypt and sign a file, as a stream: AES-256, for every recipient.

    :param source: a path (``/proc/self/fd/N`` too), or a file in memory.
    :param target: where it is written from the start. A pipe must be read by another process.
    :param recipients: certificates, ASCII armour.
    :param signer: a secret key without a passphrase.
    :raises VaultError: a certificate cannot be encrypted to (expired, revoked), or a file cannot be read or written.
    """
    certificates = valid_recipients(recipients)
    key = _secret_key(signer)
    try:
        pysequoia.encrypt_file(_path(source), _path(target), recipients=certificates, signer=key.signer(), armor=armour)
        return
    except Exception as error:  # noqa: BLE001 - the library raises many, with backtraces; none leaves
        kind = kind_of(error)
    raise VaultError(
        f"Encrypting to {', '.join(one.fingerprint for one in certificates)} failed ({kind}).",
        hint="Has a certificate expired, been revoked, or no encryption key?",
    )


def valid_recipients(recipients: Sequence[str]) -> list[pysequoia.Cert]:
    """Certificates that can be encrypted to now.

    :raises VaultError: there is none, or one is no certificate, has expired or was revoked.
    """
    certificates = [_certificate(text) for text in recipients]
    if not certificates:
        raise VaultError("Nothing is encrypted to nobody.", hint="Give at least one recipient's certificate.")
    for one in certificates:
        if one.is_revoked or (one.expiration is not None and one.expiration <= datetime.now(UTC)):
            why = "revoked" if one.is_revoked else "expired"
            raise VaultError(
                f"Certificate {one.fingerprint} is {why}: nothing is sent to it.",
                hint="Ask the client for a valid one and enrol that.",
            )
    return certificates


def sign(data: bytes, secret: bytes) -> bytes:
    """A small signed message, ASCII armour, with the data in it: see :func:`verify_signed`."""
    key = _secret_key(secret)
    try:
        return bytes(pysequoia.sign(key.signer(), data))
    except Exception as error:  # noqa: BLE001 - as above
        kind = kind_of(error)
    raise VaultError(f"Signing failed ({kind}).", hint="Can this key sign, and is it valid now?")


def verify_signed(message: bytes, *, signers: Sequence[str], limit_bytes: int = _NOTE_LIMIT) -> bytes:
    """What a small message says that was signed but not encrypted: inline (binary or ASCII armour) or clear-signed.

    :raises DropRejected: as :func:`open_message`; nothing of the message is in it.
    """
    if len(message) > 2 * limit_bytes:
        raise _rejection(15)
    with memory("note") as note:
        note.write(message)
        note.seek(0)
        with _open(note, secret=None, signers=signers, limit_bytes=limit_bytes, cpu_seconds=30) as opened:
            return opened.read()


def open_message(
    source: str | Path | int | Readable,
    *,
    secret: bytes,
    signers: Sequence[str],
    limit_bytes: int,
    cpu_seconds: int = 600,
) -> Plaintext:
    """Decrypt a message and check its signature. Close what it gives.

    :param source: a path, an open descriptor (read from where it stands), or anything with ``read``; streamed.
    :param secret: the project's OpenPGP secret key; several, one after another, are tried.
    :param signers: certificates of which one must have signed, ASCII armour.
    :param limit_bytes: the most that the plaintext may have.
    :raises DropRejected: ``not-encrypted``, ``wrong-key``, ``not-signed``, ``unknown-signer``, ``damaged``,
        ``too-large``, ``empty`` or ``format``.
    :raises VaultError: the fault is ours: the key, a certificate, or the child.
    """
    if isinstance(source, (str, Path)):
        failed = ""
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            descriptor, failed = -1, error.strerror or "it cannot be opened"
        if failed:
            raise VaultError(f"The encrypted file cannot be read: {failed}.")
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            return _open(file, secret=secret, signers=signers, limit_bytes=limit_bytes, cpu_seconds=cpu_seconds)
    return _open(source, secret=secret, signers=signers, limit_bytes=limit_bytes, cpu_seconds=cpu_seconds)


# ---------------------------------------------------------------------- the child


def _open(
    source: int | Readable, *, secret: bytes | None, signers: Sequence[str], limit_bytes: int, cpu_seconds: int
) -> Plaintext:
    for certificate in signers:
        _certificate(certificate)
    order = {
        "encrypted": secret is not None,
        "secret": base64.b64encode(secret or b"").decode(),
        "signers": list(signers),
        "limit": limit_bytes,
        "cpu_seconds": cpu_seconds,
    }
    plaintext = Plaintext()
    try:
        order["spool"] = plaintext.lend()
        code, told = _run(source, order)
        if code != 0:
            raise _rejection(code)
        plaintext.returned(size=told["size"], on_disk=told["on_disk"])
        plaintext.signer, plaintext.cipher = told["signer"], told["cipher"]
        return plaintext
    except BaseException:
        plaintext.close()
        raise


def _run(source: int | Readable, order: dict[str, Any]) -> tuple[int, dict]:
    """Start the child, give it the order through a pipe, feed it the message, and wait for its answer."""
    direct = (
        source if isinstance(source, int) else source.fileno() if isinstance(source, Memory) else _plain_file(source)
    )
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, *_PATHS, str(read_end)],
            stdin=subprocess.PIPE if direct is None else direct,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(read_end, order["spool"]["memory"], order["spool"]["disk"]),
            env={"LC_ALL": "C"},
            cwd="/",
        )
    except BaseException:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    try:
        said = _converse(child, source if direct is None else None, order, write_end)
        code = child.wait()
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
    told = {}
    with suppress(ValueError):
        told = json.loads(said)
    return code, told


def _converse(
    child: subprocess.Popen[bytes], source: int | Readable | None, order: dict[str, Any], write_end: int
) -> bytes:
    """Tell the child its order, feed it the message where it cannot read that itself, and hear its one line."""
    with suppress(BrokenPipeError), os.fdopen(write_end, "wb") as pipe:
        pipe.write(json.dumps(order).encode())
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin as pipe:  # it may answer before it has read all of it
            while source is not None and not isinstance(source, int) and (piece := source.read(_CHUNK)):
                pipe.write(piece)
    if child.stdout is None:
        return b""
    with child.stdout as line:
        return line.read(64 * 1024)


def _plain_file(source: Readable) -> int | None:
    """The descriptor of an unbuffered file, which the child can read by itself; None for everything else."""
    return source.fileno() if isinstance(source, io.FileIO) else None


def _rejection(code: int) -> BackofficeError:
    if code in (-signal.SIGXFSZ, -signal.SIGXCPU):
        code = 15
    if code in _REJECTIONS:
        name, message, hint = _REJECTIONS[code]
        return DropRejected(name, message, hint=hint)
    if code == 18:
        return VaultError(
            "The secret key cannot open messages.",
            hint="It must be a Curve25519 key without a passphrase, as the vault makes them.",
        )
    ended = f"signal {-code}" if code < 0 else f"exit code {code}"
    return VaultError(f"The decrypting child ended with {ended}.", hint="The file was not judged: try again.")


# ---------------------------------------------------------------------- keys and paths


def _certificate(text: str) -> pysequoia.Cert:
    found: pysequoia.Cert | None = None
    secret = "PRIVATE KEY BLOCK" in text
    with suppress(Exception):
        found = None if secret else pysequoia.Cert.from_bytes(text.encode())
    if found is None:
        raise VaultError(
            "This is a secret key, not a certificate." if secret else "This is not an OpenPGP certificate.",
            hint="Export the public key: `gpg --armor --export ADDRESS`.",
        )
    return found


def _secret_key(secret: bytes) -> pysequoia.Tsk:
    found: pysequoia.Tsk | None = None
    with suppress(Exception):
        found = pysequoia.Tsk.from_bytes(secret)
    if found is None:
        raise VaultError("The OpenPGP secret key cannot be read.", hint="Was its file replaced or cut off?")
    return found


def _path(place: str | Path | Memory) -> str:
    return place.path if isinstance(place, Memory) else str(place)
