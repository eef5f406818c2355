"""Certificates between the services: after a crash between two files, and without the key of who vouches for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backoffice.errors import StackError
from backoffice.stack import ca
from backoffice.stack.internal_ca import issue_all


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_key_that_a_crash_left_without_its_certificate_gets_one(tmp_path: Path):
    issue_all(tmp_path, ("s3.example.eu",))
    whole = content(tmp_path)
    (tmp_path / "postgres.key").write_bytes((tmp_path / "broker.key").read_bytes())
    issue_all(tmp_path, ("s3.example.eu",))
    certificate, key = ca.read_certificate(tmp_path / "postgres.pem"), ca.read_key(tmp_path / "postgres.key")
    assert certificate is not None
    assert key is not None
    assert certificate.public_key() == key.public_key()
    changed = {name for name, data in content(tmp_path).items() if whole[name] != data}
    assert changed == {"postgres.key", "postgres.pem"}


def test_an_authority_whose_key_lies_elsewhere_is_not_replaced(tmp_path: Path):
    """Nothing that is in use would be vouched for, clients' kits included."""
    issue_all(tmp_path, ("s3.example.eu",))
    elsewhere = (tmp_path / "ca.key").read_bytes()
    (tmp_path / "ca.key").unlink()
    before = content(tmp_path)
    with pytest.raises(StackError, match="without its key"):
        issue_all(tmp_path, ("s3.example.eu",))
    assert content(tmp_path) == before
    (tmp_path / "ca.key").write_bytes(elsewhere)
    (tmp_path / "ca.key").chmod(0o400)
    issue_all(tmp_path, ("s3.example.eu",))
    assert content(tmp_path) == before | {"ca.key": elsewhere}
