"""The walk of one drop, on the real stack."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from backoffice.errors import StorageError
from tests.canary.places import NAMED
from tests.system.house import TOKENS, House, people


def test_a_drop_is_processed_delivered_erased_and_certified(house: House, canary: str, backoffice, tmp_path: Path):
    dropped = house.drop(people(300, surname=canary))
    job = house.settled(dropped, "delivered")
    kit = house.kit()

    receipt = house.receipt(dropped, "delivered")
    result = tmp_path / "result.csv"
    kit.fetch(receipt["key"], result)
    rows = list(csv.DictReader(result.open()))
    assert len(rows) == 300
    assert canary in rows[0]["surname"].lower()

    kit.accept(job.id)
    house.until(job.id, "certified", timeout=60)
    shown = json.loads(backoffice("job", "show", str(job.id), "--json").stdout)
    assert shown["state"] == "certified"
    assert shown["rows"] == {"in": 300, "out": 300}
    assert shown["checks"]["failed"] == 0
    assert shown["checks"]["passed"] >= 10
    assert shown["delivery"]["sha256"] == receipt["sha256"]
    assert shown["erasure"]["verified"] is True
    assert shown["erasure"]["objects"] >= 3  # the original, the intermediate, the delivery
    assert {"prepare", "check", "deliver", "erase-inputs", "erase-results", "certify"} <= shown["seconds"].keys()

    store = house.deployment.store_manager
    left = [v for prefix in ("in/", "work/", f"out/{job.id}/") for v in store.versions(job.bucket, prefix)]
    assert [v.version_id for v in left if v.version_id == job.version_id or prefix_of(v) != "in"] == []
    assert house.deployment.keys.is_destroyed(job.project, job.id)

    certificate = tmp_path / "certificate.json"
    certificate.write_bytes(kit.read(f"out/certificates/{job.id}.json"))
    assert backoffice("certificate", "verify", str(certificate)).returncode == 0
    changed = certificate.read_bytes().replace(b'"found": 0', b'"found": 1')
    assert changed != certificate.read_bytes()
    certificate.write_bytes(changed)
    refused = backoffice("certificate", "verify", str(certificate), check=False)
    assert refused.returncode == 12
    assert "Traceback" not in refused.stderr


def prefix_of(version) -> str:
    return version.key.partition("/")[0]


def test_the_same_file_dropped_twice_is_two_versions_and_two_jobs(house: House):
    content = people(20)
    first = house.drop(content, key="in/customers.csv.pgp")
    second = house.drop(content, key="in/customers.csv.pgp")
    one, other = house.settled(first, "delivered"), house.settled(second, "delivered")
    assert first.version_id != second.version_id
    assert one.id != other.id


def test_the_client_cannot_read_list_or_delete_what_it_dropped(house: House):
    kit = house.kit()
    dropped = house.drop(people(5))
    house.settled(dropped, "delivered")
    with pytest.raises(StorageError):
        kit.read(dropped.key)
    with pytest.raises(StorageError):
        kit.put("out/planted", b"x")


def test_an_acceptance_that_the_client_did_not_sign_deletes_nothing(house: House):
    from backoffice.vault.openpgp import generate, sign

    job = house.settled(house.drop(people(5)), "delivered")
    forged = house.kit().put(f"in/.accept/{job.id}", sign(f"accept {job.id}".encode(), generate("stranger").secret))
    store = house.deployment.store_manager
    house._wait(lambda: True if store.head(forged.bucket, forged.key, forged.version_id) is None else None, 30)
    assert house.deployment.ledger.job(job.id).state == "delivered"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        'O\'Brien "list"; drop.csv',
        "Kundenliste 🎉 ČŠŽ.csv",
        "x" * 900,
        "a/b/c.csv",
        "line\nbreak.csv",
    ],
    ids=["path", "quotes", "emoji", "long", "folders", "newline"],
)
def test_whatever_a_client_calls_its_file_it_is_processed_and_the_name_is_nowhere(house: House, name: str):
    """A name may be a person's. Where the server itself refuses a name, the client is told at once.

    But for the object store's own index, until its upkeep: tests/canary and tests/stack/test_stack_upkeep.py.
    """
    try:
        dropped = house.drop(people(5), key=f"in/{TOKENS.token(NAMED)}-{name}")
    except (StorageError, ValueError):
        return
    job = house.settled(dropped, "delivered")
    kit = house.kit()
    kit.accept(job.id)
    house.until(job.id, "certified")
