"""A project's certificate ends, is renewed while the old one still serves, and is revoked: its key is gone then."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pysequoia
import pytest

from backoffice.errors import DropRejected, KeyDestroyed, VaultError
from backoffice.vault.destroying import KeyEraser
from backoffice.vault.keys import CERTIFIED, ProjectKeys
from backoffice.vault.openpgp import OpenPgpKey, expires_at, fingerprint, open_message, valid_recipients
from tests.vault.messages import CLIENT, DATA, sealed

PROJECT = "acme_contacts"


def sent(certificate: str) -> bytes:
    return sealed(to=OpenPgpKey(b"", certificate))


def opened(keys: ProjectKeys, message: bytes) -> bytes:
    signers = [CLIENT.certificate]
    with open_message(
        io.BytesIO(message), secret=keys.secret(PROJECT), signers=signers, limit_bytes=1 << 24
    ) as plaintext:
        return plaintext.read()


def test_it_ends_after_three_years(keys: ProjectKeys):
    ends = expires_at(keys.create(PROJECT))
    assert ends is not None
    assert abs(ends - datetime.now(UTC) - CERTIFIED) < timedelta(minutes=5)


def test_after_a_renewal_the_old_one_still_serves_and_the_new_one_is_given(store, keys: ProjectKeys):
    before = keys.create(PROJECT)
    after = keys.renew(PROJECT)
    assert keys.certificate(PROJECT) == keys.create(PROJECT) == after
    assert fingerprint(after) != fingerprint(before)
    for certificate in (before, after):
        assert opened(keys, sent(certificate)) == opened(store.open(), sent(certificate)) == DATA


def test_a_revoked_one_opens_nothing_and_nobody_encrypts_to_it(store, keys: ProjectKeys):
    keys.create(PROJECT)
    old = keys.certificate(PROJECT)
    new = keys.renew(PROJECT)
    waiting = sent(old)
    published: list[str] = []
    assert keys.revoke(PROJECT, published.extend) == 1
    (revoked,) = published
    assert fingerprint(revoked) == fingerprint(old)
    assert pysequoia.Cert.from_bytes(revoked.encode()).is_revoked
    with pytest.raises(VaultError, match="revoked"):
        valid_recipients([revoked])
    with pytest.raises(DropRejected) as raised:
        opened(keys, waiting)
    assert raised.value.code == "wrong-key"
    assert opened(keys, sent(new)) == DATA
    assert keys.revoke(PROJECT, published.extend) == 0
    assert keys.certificate(PROJECT) == new


def test_they_are_destroyed_with_the_project(keys: ProjectKeys, eraser: KeyEraser):
    keys.create(PROJECT)
    keys.renew(PROJECT)
    eraser.destroy(PROJECT)
    for use in (lambda: keys.renew(PROJECT), lambda: keys.revoke(PROJECT, print), lambda: keys.secret(PROJECT)):
        with pytest.raises(KeyDestroyed):
            use()


def test_a_worker_neither_renews_nor_revokes(store, keys: ProjectKeys):
    from tests.vault.test_roles import as_role

    keys.create(PROJECT)
    worker = as_role(store, "worker")
    for use in (lambda: worker.renew(PROJECT), lambda: worker.revoke(PROJECT, print)):
        with pytest.raises(VaultError, match="does not let"):
            use()
    assert opened(worker, sent(keys.certificate(PROJECT))) == DATA


def test_a_key_stays_whose_revoked_certificate_could_not_be_written_down(keys: ProjectKeys):
    """Nobody could make it afterwards."""
    message = sent(keys.create(PROJECT))
    keys.renew(PROJECT)

    def full(_: list[str]) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        keys.revoke(PROJECT, full)
    assert opened(keys, message) == DATA
