"""What a client's office already has works both ways: GnuPG as it comes, with every way it may lay out a message."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from backoffice.errors import DropRejected
from backoffice.vault.memory import memory
from backoffice.vault.openpgp import encrypt, fingerprint, generate, open_message, sign, verify_signed
from tests.vault import gnupg
from tests.vault.gnupg import Gpg

PROJECT = generate("acme_contacts")
DATA = b"name,email\n" + b"".join(b"Anna %d,anna%d@example.com\n" % (number, number) for number in range(5000))


@pytest.fixture(scope="module", params=["installed", "2.4"])
def gpg(request: pytest.FixtureRequest) -> Iterator[Gpg]:
    """GnuPG with the project's certificate.

    The newer one as its own project made it: Debian's makes no key that says it reads OCB, unless it is asked to.
    """
    newer = request.param == "2.4"
    try:
        folder = gnupg.newer(request.config.cache.mkdir("gnupg")) if newer else gnupg.installed()
    except gnupg.NotHad as error:
        pytest.skip(f"{error}: interoperation with it NOT TESTED")
    with gnupg.started(folder, *(["--compliance", "gnupg"] if newer else [])) as found:
        assert not newer or found.version.startswith("2.4.")
        found("--import", data=PROJECT.certificate.encode())
        yield found


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
    options = options if gpg.version.startswith("2.2.") else ["--allow-old-cipher-algos", *options]
    message = gpg("--encrypt", "--sign", "--local-user", client, "--recipient", "acme_contacts", *options, data=DATA)
    with pytest.raises(DropRejected) as raised:
        open_message(
            io.BytesIO(message),
            secret=PROJECT.secret,
            signers=[gpg("--armor", "--export", client).decode()],
            limit_bytes=1 << 24,
        )
    assert raised.value.code == "format"


@pytest.mark.parametrize("gpg", ["2.4"], indirect=True)
def test_our_certificates_ask_for_no_mode_that_only_gnupg_has(gpg: Gpg, client: str):
    """OCB in packets of LibrePGP: it makes them for whoever says to read them, as its own keys do."""
    to_itself = gpg("--encrypt", "--recipient", client, data=DATA)
    to_us_too = gpg("--encrypt", "--recipient", client, "--recipient", "acme_contacts", data=DATA)
    assert b" tag=20 " in gpg("--list-packets", "--list-only", data=to_itself)
    assert b" tag=18 " in gpg("--list-packets", "--list-only", data=to_us_too)


@pytest.mark.parametrize("gpg", ["2.4"], indirect=True)
def test_that_mode_by_force_is_refused_and_the_client_is_told_what_to_do(gpg: Gpg, client: str):
    named = ["--force-ocb", "--local-user", client, "--recipient", "acme_contacts"]
    message = gpg("--encrypt", "--sign", *named, data=DATA)
    certificate = gpg("--armor", "--export", client).decode()
    with pytest.raises(DropRejected) as raised:
        open_message(io.BytesIO(message), secret=PROJECT.secret, signers=[certificate], limit_bytes=1 << 24)
    assert raised.value.code == "format"
    assert "--force-ocb" in raised.value.hint


@pytest.mark.parametrize("gpg", ["installed"], indirect=True)  # one is enough: what is changed are bytes
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
