"""Messages sealed as a client's tool does it, and their opening with what must hold of every refusal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from backoffice.errors import DropRejected
from backoffice.vault.memory import memory
from backoffice.vault.openpgp import OpenPgpKey, encrypt, generate, open_message

PROJECT, CLIENT, STRANGER = generate("acme_contacts"), generate("Acme"), generate("Stranger")
CANARY = b"canary-7f3a91"
DATA = b"name,email\n" + b"".join(b"%s %d,user%d@example.com\n" % (CANARY, i, i) for i in range(2000))


def sealed(data: bytes = DATA, *, to: OpenPgpKey = PROJECT, by: OpenPgpKey = CLIENT, armour: bool = False) -> bytes:
    with memory("plain") as plain, memory("out") as out:
        plain.write(data)
        encrypt(plain, out, recipients=[to.certificate], signer=by.secret, armour=armour)
        return out.read()


def opened(message: bytes, *, limit: int = 1 << 24, signers: tuple[OpenPgpKey, ...] = (CLIENT,)) -> bytes:
    certificates = [one.certificate for one in signers]
    with open_message(
        io.BytesIO(message), secret=PROJECT.secret, signers=certificates, limit_bytes=limit, cpu_seconds=20
    ) as plaintext:
        return plaintext.read()


def opened_with(secret: bytes, message: bytes, signer: OpenPgpKey) -> bytes:
    """With another key than the project's."""
    wanted = {"secret": secret, "signers": [signer.certificate], "limit_bytes": 1 << 24}
    with open_message(io.BytesIO(message), **wanted) as plaintext:
        return plaintext.read()


def refused(message: bytes, code: str, **named) -> DropRejected:
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(DropRejected) as raised:
        opened(message, **named)
    assert raised.value.code == code
    assert raised.value.__context__ is None
    assert CANARY.decode() not in repr(raised.value) + str(raised.value)
    assert set(Path("/proc/self/fd").iterdir()) <= before, "a descriptor was left open"
    return raised.value


GOOD = sealed()
