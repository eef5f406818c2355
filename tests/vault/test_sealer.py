"""Encrypting what is being written: whole or not at all, and nothing of it left."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from backoffice.errors import VaultError
from backoffice.vault import openpgp
from backoffice.vault.sealer import Sealer
from tests.vault.messages import CANARY, CLIENT, PROJECT


def _sealer() -> Sealer:
    return Sealer(recipients=[CLIENT.certificate], signer=PROJECT.secret)


@pytest.mark.parametrize("parts", [[b""], [b"a"], [CANARY * 1000] * 300], ids=["nothing", "a sign", "much"])
def test_what_was_written_is_what_the_client_opens(parts: list[bytes]) -> None:
    with _sealer() as sealer:
        for part in parts:
            assert sealer.write(part) == len(part)
        assert sealer.tell() == sum(map(len, parts))
        with sealer.sealed() as message:
            assert message.sealed
            assert CANARY not in message.read()
            message.seek(0)
            whole = b"".join(parts)
            if whole:
                with openpgp.open_message(
                    message, secret=CLIENT.secret, signers=[PROJECT.certificate], limit_bytes=len(whole)
                ) as plain:
                    assert plain.read(-1) == whole[: 1 << 20] or b"".join(plain.pieces()) == whole


def test_a_child_that_is_killed_gives_nothing() -> None:
    with _sealer() as sealer:
        sealer.write(CANARY)
        os.kill(sealer._child.pid, signal.SIGKILL)
        with pytest.raises(VaultError, match="signal 9") as raised:
            for _ in range(1000):
                sealer.write(CANARY * 10_000)
            sealer.sealed()
        assert raised.value.__context__ is None


def test_a_writer_that_fails_leaves_no_child_and_no_descriptor() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    children = []
    with pytest.raises(RuntimeError), _sealer() as sealer:
        children.append(sealer._child)
        sealer.write(CANARY)
        raise RuntimeError
    assert [child.returncode for child in children] != [None]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_cannot_be_encrypted_to_is_told_before_anything_is_written() -> None:
    with pytest.raises(VaultError):
        Sealer(recipients=["nonsense"], signer=PROJECT.secret)
    with pytest.raises(VaultError, match="failed"), Sealer(recipients=[CLIENT.certificate], signer=b"no key") as sealer:
        sealer.write(CANARY)
        sealer.sealed()


def test_where_nothing_more_may_be_written_it_says_that_there_is_no_room() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with pytest.raises(VaultError, match="no room on disk"), _sealer() as sealer:
            for _ in range(40):
                sealer.write(os.urandom(100_000))
            sealer.sealed()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
