"""Whose key is in a client's kit: nobody's, or for a trial one that no service sees and that ends with the trial."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from backoffice.deployment import Deployment
from backoffice.errors import VaultError
from backoffice.onboarding import enrol, kit_folder, onboard, sample_client
from backoffice.vault.openpgp import fingerprint, generate

PROJECT = "acme_contacts"


@pytest.fixture
def fresh(deployment: Deployment) -> Deployment:
    """No client of it is enrolled."""
    with create_engine(deployment.settings.ledger_url.get_secret_value()).begin() as db:
        db.exec_driver_sql("DELETE FROM clients")
    return deployment


def test_a_kit_has_no_key_of_the_clients(deployment: Deployment):
    assert not (onboard(deployment, PROJECT) / "client.key.pgp").exists()


def test_a_trials_key_is_in_kits_alone_and_private(fresh: Deployment):
    kit = onboard(fresh, PROJECT)
    before = {path for path in fresh.settings.var.rglob("*") if path.is_file()}
    sample_client(fresh, "acme", [kit])
    made = {path for path in fresh.settings.var.rglob("*") if path.is_file()} - before
    assert made == {kit / "client.key.pgp", kit / "client.asc"}
    assert (kit / "client.key.pgp").stat().st_mode & 0o777 == 0o600


def test_a_trial_that_is_repeated_and_its_later_kits_have_the_same_key(fresh: Deployment):
    kit = onboard(fresh, PROJECT)
    sample_client(fresh, "acme", [kit])
    first = (kit / "client.key.pgp").read_bytes()
    another = kit_folder(fresh, "acme_products")
    another.mkdir()
    sample_client(fresh, "acme", [another])
    assert first == (kit / "client.key.pgp").read_bytes() == (another / "client.key.pgp").read_bytes()


def test_a_trials_key_goes_when_the_client_enrols_with_its_own(fresh: Deployment):
    kit = onboard(fresh, PROJECT)
    sample_client(fresh, "acme", [kit])
    own = generate("acme").certificate
    enrol(fresh, "acme", own)
    assert not list(kit.glob("client.*"))
    with pytest.raises(VaultError, match="would lock it out"):
        sample_client(fresh, "acme", [kit])
    assert fingerprint(str(fresh.ledger.certificate_of("acme"))) == fingerprint(own)
    assert not list(kit.glob("client.*"))


def test_a_trials_key_of_another_client_stays(fresh: Deployment):
    kit = onboard(fresh, PROJECT)
    sample_client(fresh, "acme", [kit])
    enrol(fresh, "acm", generate("acm").certificate)
    assert (kit / "client.key.pgp").exists()
