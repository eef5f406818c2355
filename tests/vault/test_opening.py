"""What comes in is opened only if it is whole, encrypted to us and signed by the client; else a code says why."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pysequoia
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected, VaultError
from backoffice.vault.memory import memory
from backoffice.vault.openpgp import OpenPgpKey, encrypt, open_message, sign, verify_signed
from tests.vault.messages import CANARY, CLIENT, DATA, GOOD, PROJECT, STRANGER, opened, refused, sealed

# ---------------------------------------------------------------------- what is accepted


@pytest.mark.parametrize("armour", [False, True], ids=["binary", "armour"])
def test_a_message_comes_back_as_it_was(armour: bool):
    assert opened(sealed(armour=armour)) == DATA


def test_it_opens_from_a_path_a_descriptor_a_pipe_and_a_file_in_memory(tmp_path: Path):
    path = tmp_path / "drop.pgp"
    path.write_bytes(GOOD)
    wanted = {"secret": PROJECT.secret, "signers": [CLIENT.certificate], "limit_bytes": 1 << 24}
    with open_message(path, **wanted) as plaintext:
        assert plaintext.read() == DATA
    with path.open("rb") as file, open_message(file.fileno(), **wanted) as plaintext:
        assert plaintext.read() == DATA
    with path.open("rb") as file, open_message(file, **wanted) as plaintext:
        assert plaintext.read() == DATA
    with memory("sealed") as file:
        file.write(GOOD)
        file.seek(0)
        with open_message(file, **wanted) as plaintext:
            assert plaintext.read() == DATA
    read_end, write_end = os.pipe()

    def feed() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(GOOD)

    writer = threading.Thread(target=feed)
    writer.start()
    with os.fdopen(read_end, "rb") as pipe, open_message(pipe, **wanted) as plaintext:
        assert plaintext.read() == DATA
    writer.join()


def test_the_plaintext_is_in_memory_unchangeable_and_names_its_signer():
    wanted = {"secret": PROJECT.secret, "limit_bytes": 1 << 24}
    signers = [STRANGER.certificate, CLIENT.certificate]
    with open_message(io.BytesIO(GOOD), signers=signers, **wanted) as plaintext:
        assert plaintext.size == len(DATA)
        assert plaintext.cipher == "AES-256"
        assert plaintext.signer == pysequoia.Cert.from_bytes(CLIENT.certificate.encode()).fingerprint
        assert Path(str(plaintext.path)).read_bytes() == DATA
        assert "memfd" in str(Path(str(plaintext.path)).readlink())
        with pytest.raises(PermissionError), Path(str(plaintext.path)).open("r+b", buffering=0) as file:
            file.write(b"x")
        path = str(plaintext.path)
    assert not Path(path).exists()


def test_a_large_plaintext_lies_on_disk_encrypted_and_is_judged_all_the_same(monkeypatch):
    monkeypatch.setattr("backoffice.spool._IN_MEMORY", 1000)
    wanted = {"secret": PROJECT.secret, "limit_bytes": 1 << 24}
    with open_message(io.BytesIO(GOOD), signers=[STRANGER.certificate, CLIENT.certificate], **wanted) as plaintext:
        assert plaintext.path is None
        assert plaintext.read() == DATA
        assert plaintext.signer == pysequoia.Cert.from_bytes(CLIENT.certificate.encode()).fingerprint
        assert DATA[:50] not in os.pread(plaintext.lend()["disk"], 1 << 24, 0)
    with pytest.raises(DropRejected) as stranger:
        open_message(io.BytesIO(GOOD), signers=[STRANGER.certificate], **wanted)
    changed = bytearray(GOOD)
    changed[len(changed) // 2] ^= 1
    with pytest.raises(DropRejected) as damaged:
        open_message(io.BytesIO(bytes(changed)), signers=[CLIENT.certificate], **wanted)
    with pytest.raises(DropRejected) as large:
        open_message(io.BytesIO(GOOD), secret=PROJECT.secret, signers=[CLIENT.certificate], limit_bytes=5000)
    assert [one.value.code for one in (stranger, damaged, large)] == ["unknown-signer", "damaged", "too-large"]


def test_duckdb_reads_the_plaintext_by_its_path():
    import duckdb

    with open_message(
        io.BytesIO(GOOD), secret=PROJECT.secret, signers=[CLIENT.certificate], limit_bytes=1 << 24
    ) as plaintext:
        query = f"select count(*), min(email) from read_csv('{plaintext.path}')"
        assert duckdb.connect().execute(query).fetchall() == [(2000, "user0@example.com")]


@settings(max_examples=15, deadline=None)
@given(data=st.binary(min_size=1, max_size=100_000), armour=st.booleans())
@example(data=b"\0", armour=False)
@example(data=b"x" * 65_536, armour=True)
@example(data=b"-----BEGIN PGP MESSAGE-----\n", armour=True)
def test_whatever_is_sealed_comes_back(data: bytes, armour: bool):
    assert opened(sealed(data, armour=armour)) == data


def test_an_ordinary_user_can_open_too(tmp_path: Path):
    if os.geteuid() != 0:
        pytest.skip("this test runs as an ordinary user already: the others show it")
    message, plugins = tmp_path / "m.pgp", Path(__file__).parents[2] / "plugins"
    message.write_bytes(GOOD)
    program = (
        "import sys, os; sys.path.insert(0, sys.argv[1]); import io\n"
        "message = open(sys.argv[2], 'rb').read(); order = sys.stdin.read().split('|')\n"
        "from backoffice.vault.openpgp import open_message; import backoffice.places\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "wanted = dict(secret=bytes.fromhex(order[0]), signers=[order[1]], limit_bytes=1 << 24)\n"
        "with open_message(io.BytesIO(message), **wanted) as p:\n"
        "    assert open(p.path, 'rb').read() == p.read(); print(p.size)\n"
    )
    order = f"{PROJECT.secret.hex()}|{CLIENT.certificate}"
    arguments = [sys.executable, "-c", program, str(plugins), str(message)]
    found = subprocess.run(arguments, input=order, capture_output=True, text=True, check=False)
    if "Permission denied" in found.stderr and "exec" in found.stderr:
        pytest.skip("the interpreter itself cannot be run by an ordinary user here")
    assert (found.stdout.strip(), found.stderr) == (str(len(DATA)), "")


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "message",
    [
        DATA,
        b"PK\x03\x04" + bytes(100),
        "\ufeffname\nÄ".encode(),
        b"\x80",
        b"-",
        b"\n",
        sign(DATA, CLIENT.secret),
        bytes(64),
    ],
)
def test_what_is_not_encrypted_is_told(message: bytes):
    with pytest.raises(DropRejected) as raised:
        opened(message)
    assert (
        raised.value.code in ("not-encrypted", "damaged")
        if message == b"\x80"
        else raised.value.code == "not-encrypted"
    )


def test_a_certificate_sent_by_mistake_is_not_encrypted():
    refused(CLIENT.certificate.encode(), "not-encrypted")


def test_an_empty_object_and_an_empty_file_are_told():
    refused(b"", "empty")
    refused(sealed(b""), "empty")


def test_a_message_to_another_key_is_told():
    refused(sealed(to=STRANGER), "wrong-key")


def test_a_message_under_a_password_is_told():
    refused(bytes(pysequoia.encrypt(DATA, passwords=["secret"])), "wrong-key")


def test_a_message_without_a_signature_is_told():
    certificate = pysequoia.Cert.from_bytes(PROJECT.certificate.encode())
    refused(bytes(pysequoia.encrypt(DATA, [certificate])), "not-signed")


def test_a_message_signed_by_a_stranger_is_told():
    refused(sealed(by=STRANGER), "unknown-signer")
    refused(GOOD, "unknown-signer", signers=())


def test_a_revoked_signer_is_told():
    key = pysequoia.Tsk.from_bytes(CLIENT.secret)
    certificate = key.extract_certificate()
    revoked = pysequoia.Cert.from_bytes(bytes(certificate) + bytes(certificate.revoke(key.certifier())))
    refused(GOOD, "unknown-signer", signers=(OpenPgpKey(b"", str(revoked)),))


@pytest.mark.parametrize("left", [1, 10, 60, 200, len(GOOD) // 2, len(GOOD) - 20, len(GOOD) - 1])
def test_a_message_cut_off_is_damaged(left: int):
    refused(GOOD[:left], "damaged")


@pytest.mark.parametrize("left", [0.3, 0.9, 0.99])
def test_an_armoured_message_cut_off_is_damaged(left: float):
    message = sealed(armour=True)
    refused(message[: int(len(message) * left)], "damaged")


def test_something_after_the_message_is_damage():
    refused(GOOD + b"\xc8\x00", "damaged")
    refused(GOOD + GOOD, "damaged")


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_one_changed_bit_anywhere_never_gives_another_plaintext(at: int, bit: int):
    changed = bytearray(GOOD)
    changed[at] ^= 1 << bit
    try:
        found = opened(bytes(changed))
    except DropRejected as rejected:
        assert rejected.code in ("damaged", "wrong-key", "not-encrypted", "format", "too-large")
        assert rejected.code == "damaged" or at < 130, "past the headers it is damage and nothing else"
    else:
        assert found == DATA


@settings(max_examples=12, deadline=None)
@given(data=st.binary(min_size=1, max_size=2000))
def test_noise_is_refused_with_a_code(data: bytes):
    for message in (
        data,
        b"\xc1\x0d" + data,
        GOOD[:120] + data,
        b"-----BEGIN PGP MESSAGE-----\n\n" + base64.b64encode(data),
    ):
        with pytest.raises(DropRejected):
            opened(message)


def test_a_file_larger_than_the_limit_is_told():
    assert opened(GOOD, limit=len(DATA)) == DATA
    refused(GOOD, "too-large", limit=len(DATA) - 1)


# ---------------------------------------------------------------------- small signed notes, and the way out


def test_a_signed_note_says_what_was_signed_and_by_whom():
    note = sign(b"accept 0198", CLIENT.secret)
    assert verify_signed(note, signers=[CLIENT.certificate]) == b"accept 0198"
    clear = pysequoia.sign(
        pysequoia.Tsk.from_bytes(CLIENT.secret).signer(), b"accept", mode=pysequoia.SignatureMode.CLEAR
    )
    assert verify_signed(bytes(clear), signers=[CLIENT.certificate]) == b"accept"
    for message, code in (
        (sign(b"accept 0198", STRANGER.secret), "unknown-signer"),
        (bytes(clear).replace(b"accept", b"reject"), "unknown-signer"),
        (b"accept 0198", "not-encrypted"),
        (b"", "empty"),
        (note[:-100], "damaged"),
        (sign(bytes(1 << 20), CLIENT.secret), "too-large"),
    ):
        with pytest.raises(DropRejected) as raised:
            verify_signed(message, signers=[CLIENT.certificate])
        assert raised.value.code == code


def test_a_delivery_goes_into_a_pipe_that_another_process_reads(tmp_path: Path):
    fifo, copy = tmp_path / "pipe", tmp_path / "copy"
    os.mkfifo(fifo)
    reader = subprocess.Popen(["cp", str(fifo), str(copy)])
    with memory("plain") as plain:
        plain.write(DATA)
        encrypt(plain, fifo, recipients=[PROJECT.certificate, STRANGER.certificate], signer=CLIENT.secret)
    assert reader.wait(30) == 0
    assert opened(copy.read_bytes()) == DATA


def test_a_delivery_to_a_certificate_that_cannot_be_used_fails_without_a_word_of_the_data():
    key = pysequoia.Tsk.from_bytes(STRANGER.secret)
    certificate = key.extract_certificate()
    revoked = str(pysequoia.Cert.from_bytes(bytes(certificate) + bytes(certificate.revoke(key.certifier()))))
    with memory("plain") as plain, memory("out") as out:
        plain.write(DATA)
        expired = pysequoia.Tsk.generate("late", validity_seconds=1).extract_certificate()
        time.sleep(1.1)
        for recipients in ([revoked], [str(expired)], [STRANGER.certificate, revoked], [], ["nonsense"]):
            with pytest.raises(VaultError) as raised:
                encrypt(plain, out, recipients=recipients, signer=CLIENT.secret)
            assert raised.value.__context__ is None
            assert CANARY.decode() not in str(raised.value)
            assert "backtrace" not in str(raised.value).lower()
    assert PROJECT.secret.hex() not in repr(PROJECT)
    assert repr(PROJECT) == "OpenPgpKey()"
