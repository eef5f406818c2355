"""An operator sees in time that a certificate ends, and no kit is laid out with one that has ended."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pysequoia
import pytest
from typer.testing import CliRunner

from backoffice.deployment import Deployment
from backoffice.ending import AHEAD, Ending, ending
from backoffice.errors import BackofficeError
from backoffice.onboarding import enrol, kit_folder, onboard
from backoffice.vault import openpgp
from backoffice.vault.openpgp import expires_at, fingerprint, generate

PROJECT = "acme_contacts"


def due(deployment: Deployment) -> list[str]:
    return [str(one) for one in ending(deployment) if one.due]


def short_lived(monkeypatch: pytest.MonkeyPatch, lasts: timedelta) -> None:
    """The project's next certificate."""
    monkeypatch.setattr("backoffice.vault.openpgp.generate", lambda name, **_: generate(name, lasts=lasts))


def test_everything_that_ends_is_listed_and_nothing_is_due_while_it_is_new(deployment: Deployment):
    found = ending(deployment)
    assert [one.what for one in found if "OpenPGP" in one.what] == [f"The OpenPGP certificate of project {PROJECT}"]
    assert any("object store's TLS" in one.what for one in found)
    assert any("between the services" in one.what for one in found)
    assert due(deployment) == []


def test_a_projects_certificate_is_due_sixty_days_before_its_end(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    short_lived(monkeypatch, AHEAD + timedelta(days=2))
    deployment.key_owner.renew(PROJECT)
    assert due(deployment) == []
    short_lived(monkeypatch, AHEAD - timedelta(days=1))
    deployment.key_owner.renew(PROJECT)
    (line,) = due(deployment)
    assert line.startswith(f"The OpenPGP certificate of project {PROJECT} ends on ")
    assert f"backoffice project certificate {PROJECT} --renew" in line


def test_a_clients_certificate_that_ends_is_due_too(deployment: Deployment):
    enrol(deployment, "acme", generate("client", lasts=timedelta(days=30)).certificate)
    (line,) = due(deployment)
    assert "client acme enrolled ends on" in line
    assert "client enrol acme" in line


def test_the_operator_sees_it_red_in_airflow_and_in_keys_status(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    from backoffice.commands.keys import app
    from backoffice.orchestration.company import CertificatesOperator

    @contextmanager
    def opened():
        yield Deployment(deployment.settings)

    monkeypatch.setattr("backoffice.deployment.deployment", opened)
    task = CertificatesOperator(task_id="look")
    task.execute({})
    short_lived(monkeypatch, timedelta(days=30))
    deployment.key_owner.renew(PROJECT)
    with pytest.raises(
        BackofficeError, match=rf"1 certificate is near the end\. The OpenPGP certificate of project {PROJECT}"
    ):
        task.execute({})
    said = CliRunner().invoke(app, ["status"], catch_exceptions=False).output
    assert f"project certificate {PROJECT} --renew" in said


def test_a_kit_never_has_a_certificate_that_has_ended_and_what_was_sent_to_it_still_opens(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    from tests.vault.messages import CLIENT, DATA, opened_with, sealed

    short_lived(monkeypatch, timedelta(days=1))
    old = deployment.key_owner.renew(PROJECT)
    onboard(deployment, PROJECT)
    kit = kit_folder(deployment, PROJECT) / "project.asc"
    assert kit.read_text() == old
    waiting = sealed(to=openpgp.OpenPgpKey(b"", old))
    monkeypatch.setattr("backoffice.ending.datetime", Later)
    (line,) = [one for one in due(deployment) if "OpenPGP" in one]
    assert "ended on" in line
    monkeypatch.undo()
    monkeypatch.setattr("backoffice.ending.datetime", Later)
    onboard(deployment, PROJECT)
    assert fingerprint(kit.read_text()) != fingerprint(old)
    assert (expires_at(kit.read_text()) or datetime.now(UTC)) > datetime.now(UTC) + timedelta(days=1000)
    assert opened_with(deployment.keys.secret(PROJECT), waiting, CLIENT) == DATA


def test_a_message_to_a_certificate_that_has_ended_since_opens():
    """What was dropped in time is opened in time, however late we come to it."""
    from tests.vault.messages import CLIENT, DATA, opened_with, sealed

    # A minute of it is over from the start: the library dates keys back, for clocks that are behind.
    key = pysequoia.Tsk.generate("late", validity_seconds=72, profile=pysequoia.Profile.RFC4880)
    certificate = str(key.extract_certificate())
    waiting = sealed(to=openpgp.OpenPgpKey(b"", certificate))
    ends_at = expires_at(certificate)
    assert ends_at is not None
    time.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()) + 0.1)
    assert Ending("it", ends_at, "").due
    assert opened_with(bytes(key), waiting, CLIENT) == DATA


class Later(datetime):
    """Two days on."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + timedelta(days=2)
