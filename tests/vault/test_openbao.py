"""OpenBao as the root, over TLS 1.3, as the real server answers."""

from __future__ import annotations

import ssl
import urllib.request
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backoffice.errors import VaultError
from backoffice.vault.openbao import OpenBao, TransitKeys
from tests.vault.openbao import Server

PROJECT = "acme_contacts"
KEY = bytes(range(32))


def server_of(bao: Server, role: str = "owner") -> OpenBao:
    return OpenBao(url=bao.url, ca=bao.ca, role=bao.roles[role], secret_file=bao.folder / f"{role}.secret")


@pytest.fixture
def root(bao: Server):
    made = bao.as_role("owner")
    made.add(PROJECT)
    yield made
    bao.as_role("eraser").destroy(PROJECT)


def test_a_key_opens_for_its_own_project_and_context_only(root: TransitKeys):
    root.add("acme_products")
    wrapped = root.wrap(PROJECT, KEY, "kek", "id", 1)
    assert root.unwrap(PROJECT, wrapped, "kek", "id", 1) == KEY
    assert KEY not in wrapped.data
    for project, context in ((PROJECT, ("kek", "id", 2)), ("acme_products", ("kek", "id", 1))):
        with pytest.raises(VaultError):
            root.unwrap(project, wrapped, *context)
    with pytest.raises(VaultError):
        root.unwrap(PROJECT, replace(wrapped, data=wrapped.data[:-4] + b"AAA="), "kek", "id", 1)


def test_a_destroyed_key_opens_nothing_and_destroying_again_is_harmless(bao: Server, root: TransitKeys):
    wrapped, eraser = root.wrap(PROJECT, KEY, "kek"), bao.as_role("eraser")
    eraser.destroy(PROJECT)
    eraser.destroy(PROJECT)
    with pytest.raises(VaultError):
        root.unwrap(PROJECT, wrapped, "kek")
    root.add(PROJECT)
    with pytest.raises(VaultError):
        root.unwrap(PROJECT, wrapped, "kek")


def test_a_worker_makes_no_key_by_asking_for_an_encryption(bao: Server):
    """OpenBao makes a missing key where a role may create."""
    for role in ("worker", "eraser"):
        with pytest.raises(VaultError, match="does not let"):
            bao.as_role(role).wrap("acme_new", KEY)
    with pytest.raises(VaultError):
        bao.as_role("owner").wrap("acme_new", KEY)
    assert "acme_new" not in str(bao.client().secrets.transit.list_keys())


def test_a_token_that_has_ended_is_replaced(bao: Server, root: TransitKeys):
    wrapped = root.wrap(PROJECT, KEY)
    assert root._client is not None
    root._client.auth.token.revoke_self()
    assert root.unwrap(PROJECT, wrapped) == KEY


def test_what_is_wrong_is_said_in_our_words(bao: Server, root: TransitKeys, tmp_path: Path):
    wrapped = root.wrap(PROJECT, KEY)
    (tmp_path / "secret").write_text("no-such-secret")
    (tmp_path / "secret").chmod(0o600)
    have = server_of(bao)
    for wrong in (
        replace(have, secret_file=tmp_path / "secret"),
        replace(have, url="https://127.0.0.1:1"),
        replace(have, mount="elsewhere"),
        replace(have, ca=None),
    ):
        with pytest.raises(VaultError, match="OpenBao did not do") as raised:
            TransitKeys(wrong).unwrap(PROJECT, wrapped)
        assert raised.value.__context__ is None
        assert "no-such-secret" not in repr(raised.value)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(VaultError, match="mode is 0644"):
        TransitKeys(replace(have, secret_file=tmp_path / "secret")).unwrap(PROJECT, wrapped)


def test_it_is_reached_over_tls_1_3_and_nothing_older(bao: Server):
    trust = ssl.create_default_context(cafile=str(bao.ca))
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match=r"(?i)protocol version|alert"):
        urllib.request.urlopen(f"{bao.url}/v1/sys/health", context=trust)
    where = urlsplit(bao.url)
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://{where.netloc}/v1/sys/health")
