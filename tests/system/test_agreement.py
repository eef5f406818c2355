"""The DPA gate on the running stack: no valid agreement, no processing; nothing is lost meanwhile (P12)."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.system.house import House, people

PROJECT = "loada_contacts"


@pytest.fixture
def agreement(house: House):
    """The DPA file of one project; put back at the end."""
    file = house.root / "sow" / "loada" / "dpa.yaml"
    kept = file.with_suffix(".kept")
    shutil.copy2(file, kept)
    yield file
    kept.replace(file)


def expired(text: str) -> str:
    return text.replace("valid_until: 2029-01-31", "valid_until: 2026-03-01")


def misspelt(text: str) -> str:
    return text.replace("valid_until:", "valid_untill:")


@pytest.mark.parametrize(
    ("change", "reason"),
    [(expired, "expired"), (misspelt, "contract"), (None, "contract")],
    ids=["expired", "typo", "missing"],
)
def test_a_drop_waits_for_its_agreement_and_is_processed_once_there_is_one(
    house, agreement, backoffice, change, reason
):
    good = agreement.read_text()
    if change is None:
        agreement.unlink()
    else:
        agreement.write_text(change(good))
    dropped = house.drop(people(5), project=PROJECT)
    job = house.settled(dropped, "waiting")
    assert job.reason == reason
    assert house.receipt(dropped, "waiting", project=PROJECT)["message"] == job.message
    listed = json.loads(backoffice("project", "list", "--json").stdout)
    assert next(row for row in listed if row["project"] == PROJECT)["may_process"] is False
    agreement.write_text(good)
    house.until(job.id, "delivered")
