"""``backoffice certificate verify``: what it says yes to."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from backoffice.commands.certificate import app
from backoffice.erasure.certificate import SCHEMA
from backoffice.errors import CertificateInvalid
from backoffice.vault.signing import SigningKey, render


@pytest.fixture
def signed(tmp_path: Path):
    key = SigningKey.create(tmp_path / "signing.pem")
    (tmp_path / "company.pem").write_bytes(key.public_pem())

    def write(schema: str) -> list[str]:
        (tmp_path / "file.json").write_bytes(render({"schema": schema, "id": "1", "job": "2", "erased": []}, key))
        return [str(tmp_path / "file.json"), "--key", str(tmp_path / "company.pem"), "--json"]

    return write


def test_a_certificate_holds(signed):
    assert CliRunner().invoke(app, signed(SCHEMA)).exit_code == 0


def test_a_receipt_is_no_certificate_though_the_company_signed_it(signed):
    done = CliRunner().invoke(app, signed("receipt/1"))
    assert done.exit_code != 0
    assert isinstance(done.exception, CertificateInvalid)
