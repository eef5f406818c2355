"""The child that opens a message survives what no honest tool writes, knows no more than it must, and never judges by dying."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pysequoia
import pytest

from backoffice.errors import VaultError
from backoffice.vault.openpgp import open_message
from tests.vault.messages import CLIENT, DATA, GOOD, PROJECT, opened, refused


def _packet(tag: int, body: bytes) -> bytes:
    return bytes((0xC0 | tag, 255)) + len(body).to_bytes(4, "big") + body


def _bomb(layers: int) -> bytes:
    """1 MB that unfolds to 1 GiB of zeros as literal data."""
    engine, size = zlib.compressobj(9, zlib.DEFLATED, -15), 1 << 30
    header = bytes((0xCB, 255)) + (size + 6).to_bytes(4, "big") + b"b\x00\0\0\0\0"
    start = engine.compress(header) + engine.flush(zlib.Z_FULL_FLUSH)
    block = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    packet = _packet(8, b"\x01" + start + block * (size >> 20) + engine.flush())
    for _ in range(layers - 1):
        engine = zlib.compressobj(9, zlib.DEFLATED, -15)
        packet = _packet(8, b"\x01" + engine.compress(packet) + engine.flush())
    return packet


@pytest.mark.parametrize("layers", [1, 2])
def test_a_compression_bomb_is_stopped_at_the_limit(layers: int, encrypted_packets: Callable[[bytes], bytes]):
    message = encrypted_packets(_bomb(layers))
    assert len(message) < 1 << 21
    error = refused(message, "too-large", limit=50 << 20)
    assert "size" in error.message


@pytest.fixture
def encrypted_packets() -> Callable[[bytes], bytes]:
    """Encrypts raw packets to the project, which no library would do: SEIPD version 1, RFC 4880 5.13."""
    import hashlib

    from cryptography.hazmat.decrepit.ciphers.modes import CFB
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from pysequoia.packet import PacketPile

    from backoffice.vault.session_key import recipients

    [recipient] = recipients(PacketPile.from_bytes(PROJECT.secret))

    def encrypted(packets: bytes) -> bytes:
        key, prefix = os.urandom(32), os.urandom(16)
        raw = Encoding.Raw, PublicFormat.Raw
        public = X25519PrivateKey.from_private_bytes(recipient.scalar).public_key().public_bytes(*raw)
        ephemeral = X25519PrivateKey.generate()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
        wrapper = hashlib.new(recipient.hash_name, b"\0\0\0\1" + shared + recipient.parameters).digest()
        inner = b"\x09" + key + (sum(key) & 0xFFFF).to_bytes(2, "big") + b"\x05" * 5
        wrapped = aes_key_wrap(wrapper[: recipient.wrapper_bytes], inner)
        point = b"\x01\x07\x40" + ephemeral.public_key().public_bytes(*raw)
        pkesk = b"\x03" + recipient.key_id + b"\x12" + point + bytes((len(wrapped),)) + wrapped
        plain = prefix + prefix[-2:] + packets + b"\xd3\x14"
        plain += hashlib.sha1(plain).digest()
        cipher = Cipher(algorithms.AES(key), CFB(bytes(16))).encryptor()
        return _packet(1, pkesk) + _packet(18, b"\x01" + cipher.update(plain) + cipher.finalize())

    return encrypted


def test_layers_that_no_honest_tool_writes_are_refused(encrypted_packets: Callable[[bytes], bytes]):
    literal = _packet(11, b"b\0\0\0\0\0" + DATA)
    refused(encrypted_packets(literal), "not-signed")
    refused(encrypted_packets(literal + literal), "damaged")
    refused(encrypted_packets(b""), "damaged")
    refused(encrypted_packets(CLIENT.certificate.encode()), "damaged")
    refused(encrypted_packets(GOOD), "format")
    deep = literal
    for _ in range(20):
        deep = _packet(8, b"\x00" + deep)
    refused(encrypted_packets(deep), "damaged")
    refused(encrypted_packets(_packet(4, b"\x03\0\x08\x16" + bytes(8) + b"\1") + literal), "damaged")


def test_a_signature_over_other_data_is_refused(encrypted_packets: Callable[[bytes], bytes]):
    key = pysequoia.Tsk.from_bytes(CLIENT.secret)
    mode = pysequoia.SignatureMode.DETACHED
    signature = bytes(pysequoia.sign(key.signer(), b"something else", mode=mode, armor=False))
    literal = _packet(11, b"b\0\0\0\0\0" + DATA)
    refused(encrypted_packets(signature + literal), "unknown-signer")
    own = bytes(pysequoia.sign(key.signer(), DATA, mode=mode, armor=False))
    assert opened(encrypted_packets(own + literal)) == DATA
    assert opened(encrypted_packets(signature + own + literal)) == DATA, "one that holds is enough"


def test_the_child_gets_nothing_secret_in_its_arguments_or_environment(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[list[str], dict]] = []
    popen = subprocess.Popen

    def watched(arguments: list[str], **named):
        seen.append((arguments, named))
        return popen(arguments, **named)

    monkeypatch.setenv("BACKOFFICE_STORE_SECRET_KEY", "hush")
    monkeypatch.setattr(subprocess, "Popen", watched)
    assert opened(GOOD) == DATA
    [(arguments, named)] = seen
    assert named["env"] == {"LC_ALL": "C"}
    told = " ".join(arguments)
    assert PROJECT.secret.hex()[:32] not in told
    assert base64.b64encode(PROJECT.secret).decode()[:32] not in told


def test_the_child_works_under_limits_that_are_tighter_than_its_own():
    """As in a container; the limits of this process must not change, so another one is asked."""
    program = (
        "import sys, io, resource; sys.path.insert(0, sys.argv[1])\n"
        "from backoffice.vault.openpgp import open_message\n"
        "message, secret, certificate = sys.stdin.read().split('|')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 22, 1 << 22)); resource.setrlimit(resource.RLIMIT_CPU, (90, 90))\n"
        "wanted = dict(secret=bytes.fromhex(secret), signers=[certificate], limit_bytes=1 << 40)\n"
        "with open_message(io.BytesIO(bytes.fromhex(message)), **wanted) as p: print(p.size)\n"
    )
    order = f"{GOOD.hex()}|{PROJECT.secret.hex()}|{CLIENT.certificate}"
    arguments = [sys.executable, "-c", program, str(Path(__file__).parents[2] / "plugins")]
    found = subprocess.run(arguments, input=order, capture_output=True, text=True, check=False)
    assert (found.stdout.strip(), found.stderr) == (str(len(DATA)), "")


def test_a_child_that_is_killed_judges_nothing(monkeypatch: pytest.MonkeyPatch):
    """As when memory runs out: it is our failure, to be tried again, and never a rejection of the client's file."""
    monkeypatch.setattr("backoffice.vault.openpgp._START", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(VaultError, match="signal 9"):
        opened(GOOD)
    monkeypatch.setattr("backoffice.vault.openpgp._START", "raise SystemExit(1)")
    with pytest.raises(VaultError, match="exit code 1"):
        opened(GOOD)


def test_a_source_that_breaks_off_raises_its_own_error():
    class Broken:
        given = False

        def read(self, size: int = -1, /) -> bytes:
            if self.given:
                raise VaultError("the store went away")
            self.given = True
            return GOOD[:100]

    with pytest.raises(VaultError, match="went away"):
        open_message(Broken(), secret=PROJECT.secret, signers=[CLIENT.certificate], limit_bytes=1000)


def test_a_key_or_certificate_that_is_none_is_our_error(tmp_path: Path):
    wanted = {"signers": [CLIENT.certificate], "limit_bytes": 1 << 24}
    with pytest.raises(VaultError, match="certificate"):
        open_message(io.BytesIO(GOOD), secret=PROJECT.secret, signers=["nonsense"], limit_bytes=10)
    with pytest.raises(VaultError, match="secret key, not"):
        armoured = str(pysequoia.Tsk.from_bytes(CLIENT.secret))
        open_message(io.BytesIO(GOOD), secret=PROJECT.secret, signers=[armoured], limit_bytes=10)
    with pytest.raises(VaultError):
        open_message(io.BytesIO(GOOD), secret=b"nonsense", **wanted)
    with pytest.raises(VaultError, match="cannot be read"):
        open_message(tmp_path / "none", secret=PROJECT.secret, **wanted)
