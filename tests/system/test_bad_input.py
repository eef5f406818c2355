"""What clients send by mistake, or on purpose: each ends in a rejection that says what to mend, and nothing else breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from backoffice.vault.memory import memory
from backoffice.vault.openpgp import encrypt, generate
from tests.system.house import COLUMNS, House, people


def sealed(house: House, content: bytes, *, to: str | None = None, by: bytes | None = None) -> bytes:
    kit = house.kit()
    certificate = to or (kit.folder / "project.asc").read_text()
    with memory("in") as plain, memory("out") as out:
        plain.write(content)
        plain.flush()
        encrypt(plain, out, recipients=[certificate], signer=by or kit.secret)
        return Path(out.path).read_bytes()


def unsigned(house: House, content: bytes) -> bytes:
    import pysequoia

    certificate = pysequoia.Cert.from_bytes((house.kit().folder / "project.asc").read_bytes())
    return bytes(pysequoia.encrypt(recipients=[certificate], bytes=content))


def one_byte_changed(house: House, content: bytes) -> bytes:
    good = bytearray(sealed(house, content))
    good[-100] ^= 1
    return bytes(good)


def wrong_columns(_: House, content: bytes) -> bytes:
    return content.replace(b"surname", b"family_name", 1)


def ragged(_: House, content: bytes) -> bytes:
    return content + b"only,three,cells\r\n"


ENCRYPTED = {
    "plain text": ("not-encrypted", lambda house, content: content),
    "to another key": ("wrong-key", lambda house, c: sealed(house, c, to=generate("other").certificate)),
    "unsigned": ("not-signed", unsigned),
    "signed by a stranger": ("unknown-signer", lambda house, c: sealed(house, c, by=generate("stranger").secret)),
    "truncated": ("damaged", lambda house, content: sealed(house, content)[:-200]),
    "one byte changed": ("damaged", one_byte_changed),
    "nothing": ("empty", lambda house, content: b""),
}
INSIDE = {
    "an empty file": ("empty", lambda house, content: b""),
    "wrong columns": ("columns", wrong_columns),
    "ragged rows": ("ragged", ragged),
    "10 MB on one line": ("line-too-long", lambda house, c: c + b"x" * 10_000_000 + b"\r\n"),
    "NUL bytes": ("format", lambda house, c: c.replace(b" street", b" str\0et", 3)),
}


def rejected(house: House, canary: str, dropped, codes: tuple[str, ...]) -> None:
    job = house.settled(dropped, "rejected", "erased", "certified")
    assert job.reason in codes
    assert job.message
    assert canary not in job.message.lower()
    receipt = house.receipt(dropped, "rejected")
    assert receipt["reason"] == job.reason
    assert receipt["message"] == job.message


@pytest.mark.parametrize("case", ENCRYPTED)
def test_what_is_not_a_message_to_us_from_the_client_is_rejected(house: House, canary: str, case: str):
    code, make = ENCRYPTED[case]
    dropped = house.kit().put(f"in/{case.replace(' ', '-')}.pgp", make(house, people(50, surname=canary)))
    # Plain text does lie in the store as it came, encrypted at rest; the canary fixture looks there too.
    rejected(house, canary, dropped, (code,))


@pytest.mark.parametrize("case", INSIDE)
def test_a_file_that_is_not_what_was_agreed_is_rejected(house: House, canary: str, case: str):
    code, make = INSIDE[case]
    content = make(house, people(50, surname=canary))
    rejected(house, canary, house.kit().put(f"in/{case.replace(' ', '-')}.pgp", sealed(house, content)), (code,))


def test_a_compression_bomb_stops_at_the_limit(house: House, canary: str):
    bomb = b",".join(name.encode() for name in COLUMNS) + b"\r\n" + b"a" * 300_000_000
    dropped = house.kit().put("in/bomb.pgp", sealed(house, bomb))
    rejected(house, canary, dropped, ("too-large",))


def test_a_rejected_drop_is_erased_and_certified_by_itself(house: House, canary: str):
    dropped = house.kit().put("in/plain.csv", people(5, surname=canary))
    job = house.settled(dropped, "certified", timeout=150)
    assert house.deployment.store_manager.head(job.bucket, "in/plain.csv", dropped.version_id) is None


@pytest.mark.parametrize("case", ["a BOM", "Latin-1", "UTF-16"])
def test_files_as_offices_really_write_them_are_processed(house: House, canary: str, case: str):
    text = people(50, surname=canary).decode().replace(" street", " Straße")
    content = {
        "a BOM": "\ufeff".encode() + text.encode(),
        "Latin-1": text.encode("latin-1"),
        "UTF-16": text.encode("utf-16"),
    }
    house.settled(house.drop(content[case]), "delivered")


def test_a_failed_check_holds_the_job_and_says_which_rule_and_how_often(house: House, canary: str, backoffice):
    rows = people(50, surname=canary).replace(b"rec-", b"customer ")
    job = house.settled(house.drop(rows), "held")
    assert job.reason == "check-failed"
    assert "rec_id" in (job.message or "")
    assert "50" in (job.message or "")
    assert house.deployment.store_manager.head(job.bucket, f"out/{job.id}/contacts.csv.pgp") is None
    backoffice("job", "reject", str(job.id), "--reason", "Agreed by telephone: the references are of another system.")
    house.until(job.id, "certified", timeout=150)
