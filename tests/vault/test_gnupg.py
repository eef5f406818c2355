"""What a client's office already has works both ways: GnuPG as it comes, with every way it may lay out a message."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backoffice.errors import DropRejected
from backoffice.vault.memory import memory
from backoffice.vault.openpgp import encrypt, fingerprint, generate, open_message, sign, verify_signed

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="GnuPG is not installed: interoperation NOT TESTED")

PROJECT = generate("acme_contacts")
DATA = b"name,email\n" + b"".join(b"Anna %d,anna%d@example.com\n" % (number, number) for number in range(5000))
Gpg = Callable[..., bytes]


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """GnuPG with a home of its own (short: its sockets' paths are) and the project's certificate."""
    home = Path(f"/tmp/gpg-{os.getpid()}")
    home.mkdir(mode=0o700)
    fixed = [
        "--batch",
        "--yes",
        "--quiet",
        "--trust-model",
        "always",
        "--pinentry-mode",
        "loopback",
        "--passphrase",
        "",
    ]

    def run(*arguments: str, data: bytes = b"") -> bytes:
        done = subprocess.run(
            ["gpg", "--homedir", str(home), *fixed, *arguments], input=data, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    run("--import", data=PROJECT.certificate.encode())
    yield run
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module", params=["default", "rsa3072", "future-default"])
def client(gpg: Gpg, request: pytest.FixtureRequest) -> str:
    """A client's key as GnuPG makes it, by kind; gives its user id."""
    name = f"client-{request.param}@example.com"
    gpg("--quick-gen-key", name, *(["default", "default"] if request.param == "default" else [request.param]))
    if request.param == "rsa3072":
        gpg("--quick-add-key", fingerprint(gpg("--armor", "--export", name).decode()), "rsa3072", "encr", "never")
    return name


LAYOUTS = {
    "as it comes": [],
    "armour": ["--armor"],
    "not compressed": ["-z", "0"],
    "zip": ["--compress-algo", "zip"],
    "zlib": ["--compress-algo", "zlib"],
    "bzip2": ["--compress-algo", "bzip2"],
    "no recipient named": ["--throw-keyids"],
    "text mode": ["--textmode"],
    "other recipients too": ["--encrypt-to", "self"],
    "AES-128": ["--cipher-algo", "AES128"],
    "SHA-512": ["--digest-algo", "SHA512"],
    "a file name": ["--set-filename", "Ünï \n.csv"],
}


@pytest.mark.parametrize("how", LAYOUTS)
def test_what_gnupg_makes_opens(gpg: Gpg, client: str, how: str):
    options = [client if option == "self" else option for option in LAYOUTS[how]]
    message = gpg("--encrypt", "--sign", "--local-user", client, "--recipient", "acme_contacts", *options, data=DATA)
    certificate = gpg("--armor", "--export", client).decode()
    with open_message(
        io.BytesIO(message), secret=PROJECT.secret, signers=[certificate], limit_bytes=1 << 24
    ) as plaintext:
        assert plaintext.read().replace(b"\r\n", b"\n") == DATA
        assert plaintext.cipher == ("AES-128" if how == "AES-128" else "AES-256")
        assert plaintext.signer == fingerprint(certificate)


@pytest.mark.parametrize("options", [["--cipher-algo", "3DES"], ["--rfc2440", "--disable-mdc"]], ids=["3DES", "no MDC"])
def test_what_is_not_safe_any_more_is_refused(gpg: Gpg, client: str, options: list[str]):
    message = gpg("--encrypt", "--sign", "--local-user", client, "--recipient", "acme_contacts", *options, data=DATA)
    with pytest.raises(DropRejected) as raised:
        open_message(
            io.BytesIO(message),
            secret=PROJECT.secret,
            signers=[gpg("--armor", "--export", client).decode()],
            limit_bytes=1 << 24,
        )
    assert raised.value.code == "format"


def test_a_changed_compressed_message_is_damaged_wherever_it_was_changed(gpg: Gpg, client: str):
    message = gpg("--encrypt", "--sign", "--local-user", client, "--recipient", "acme_contacts", data=DATA)
    certificate = gpg("--armor", "--export", client).decode()
    for at in range(150, len(message), len(message) // 25):
        changed = bytearray(message)
        changed[at] ^= 0x10
        with pytest.raises(DropRejected) as raised:
            open_message(io.BytesIO(bytes(changed)), secret=PROJECT.secret, signers=[certificate], limit_bytes=1 << 24)
        assert raised.value.code == "damaged"


def test_gnupg_opens_a_delivery_and_sees_aes_256_and_our_signature(gpg: Gpg, client: str, tmp_path: Path):
    certificate = gpg("--armor", "--export", client).decode()
    with memory("plain") as plain, memory("out") as out:
        plain.write(DATA)
        encrypt(plain, out, recipients=[certificate], signer=PROJECT.secret)
        message = out.read()
    status = tmp_path / "status"
    assert gpg("--status-file", str(status), "--decrypt", data=message) == DATA
    said = status.read_bytes()
    assert b"GOODSIG" in said
    assert b"DECRYPTION_INFO 2 9" in said  # 2: integrity protected; 9: AES-256


@pytest.mark.parametrize("how", [["--sign"], ["--sign", "--armor"], ["--clear-sign"], ["--sign", "-z", "0"]])
def test_an_acceptance_signed_with_gnupg_is_read(gpg: Gpg, client: str, how: list[str]):
    note = gpg(*how, "--local-user", client, data=b"accept 0198")
    assert verify_signed(note, signers=[gpg("--armor", "--export", client).decode()]).strip() == b"accept 0198"


def test_gnupg_reads_what_we_sign(gpg: Gpg):
    assert gpg("--decrypt", data=sign(b"a note", PROJECT.secret)) == b"a note"
