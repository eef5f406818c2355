"""Sequoia's command line works both ways: the real ``sq``, in the words of Debian's (0.27) and of version 1."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from backoffice.errors import DropRejected
from backoffice.vault.openpgp import OpenPgpKey, verify_signed
from tests.vault.messages import DATA, PROJECT, STRANGER, opened, sealed

SQ = shutil.which("sq")
pytestmark = pytest.mark.skipif(SQ is None, reason="sq is not installed: interoperation with Sequoia's NOT TESTED")

OLD = (
    SQ is not None
    and "--signer-key" in subprocess.run([SQ, "encrypt", "--help"], capture_output=True, text=True).stdout
)
CIPHERS = [None, "cv25519", "rsa3k"]


def sq(*arguments: str | Path, data: bytes = b"", code: int = 0) -> bytes:
    done = subprocess.run([str(SQ), *map(str, arguments)], input=data, capture_output=True, check=False)
    assert (done.returncode == 0) == (code == 0), done.stderr.decode()
    return done.stdout


class Client:
    """A client of ours who has Sequoia alone."""

    def __init__(self, folder: Path, cipher: str | None) -> None:
        self.folder, self.key, self.certificate = folder, folder / "client.pgp", folder / "client.asc"
        suite = ["--cipher-suite", cipher] if cipher else []
        if OLD:
            sq("key", "generate", "--userid", "Client", *suite, "--export", self.key)
            self.certificate.write_bytes(sq("key", "extract-cert", self.key))
        else:
            revocation = ["--rev-cert", folder / "client.rev"]
            self._sq(
                "key",
                "generate",
                "--own-key",
                "--name",
                "Client",
                "--without-password",
                *suite,
                "--output",
                self.key,
                *revocation,
            )
            self.certificate.write_bytes(self._sq("key", "delete", "--cert-file", self.key, "--output", "-"))
        (folder / "project.asc").write_text(PROJECT.certificate)

    def seals(self, data: bytes, *, signed: bool = True) -> bytes:
        to, by = ("--recipient-cert", "--signer-key") if OLD else ("--for-file", "--signer-file")
        how = [by, self.key] if signed else [] if OLD else ["--without-signature"]
        return self._sq("encrypt", to, self.folder / "project.asc", *how, data=data)

    def opens(self, message: bytes, *, code: int = 0) -> bytes:
        key, signer = ("--recipient-key", "--signer-cert") if OLD else ("--recipient-file", "--signer-file")
        return self._sq("decrypt", key, self.key, signer, self.folder / "project.asc", data=message, code=code)

    def signs(self, note: bytes) -> bytes:
        how = ["--signer-key"] if OLD else ["--message", "--signer-file"]
        return self._sq("sign", *how, self.key, data=note)

    def _sq(self, *arguments: str | Path, data: bytes = b"", code: int = 0) -> bytes:
        return sq(*([] if OLD else ["--home", self.folder]), *arguments, data=data, code=code)

    @property
    def public(self) -> OpenPgpKey:
        return OpenPgpKey(b"", self.certificate.read_text())


@pytest.fixture(scope="module", params=CIPHERS, ids=str)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(tmp_path_factory.mktemp("sq"), request.param)


def test_what_it_seals_is_opened(client: Client):
    assert opened(client.seals(DATA), signers=(client.public,)) == DATA


def test_what_it_did_not_sign_or_another_did_is_refused(client: Client):
    for message, code in ((client.seals(DATA, signed=False), "not-signed"), (client.seals(DATA), "unknown-signer")):
        with pytest.raises(DropRejected) as raised:
            opened(message, signers=(STRANGER,))
        assert raised.value.code == code


def test_it_opens_what_we_deliver_and_sees_our_signature(client: Client):
    message = sealed(to=client.public, by=PROJECT)
    assert client.opens(message) == DATA
    client.opens(sealed(to=client.public, by=STRANGER), code=1)
    changed = bytearray(message)
    changed[len(changed) // 2] ^= 1
    assert client.opens(bytes(changed), code=1) == b""


def test_an_acceptance_signed_with_it_is_read(client: Client):
    assert verify_signed(client.signs(b"accept 0198"), signers=[client.public.certificate]) == b"accept 0198"
