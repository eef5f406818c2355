"""A signed certificate holds as it is, byte for byte, and in no other way."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import CertificateInvalid, VaultError
from backoffice.vault.signing import SigningKey, load_public, render, verify

DOCUMENT = {
    "id": "0198",
    "controller": "Müller & Söhne",
    "erased": [{"counts": {"versions": 3, "markers": 0}, "verified_at": "2026-11-22T04:00:00.000Z"}],
    "accepted_at": None,
    "found": 0,
    "ratio": 1.5,
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.create(tmp_path_factory.mktemp("keys") / "signing.pem")


def test_a_certificate_is_readable_verifies_and_is_the_same_each_time(key: SigningKey):
    data = render(DOCUMENT, key)
    assert render(DOCUMENT, key) == data
    assert verify(data, key.public_key) == DOCUMENT
    assert list(verify(data, [key.public_key])) == list(DOCUMENT)
    assert json.loads(data)["certificate"] == DOCUMENT
    assert "Müller & Söhne" in data.decode()


def test_every_single_byte_counts(key: SigningKey):
    data = render(DOCUMENT, key)
    for at, byte in enumerate(data):
        for other in {byte ^ 0x01, byte ^ 0x20, byte ^ 0x80, ord(" "), ord("A"), ord("\n"), 0} - {byte}:
            changed = data[:at] + bytes((other,)) + data[at + 1 :]
            with pytest.raises(CertificateInvalid):
                verify(changed, key.public_key)
        for changed in (data[:at] + data[at + 1 :], data[:at] + b" " + data[at:], data[:at]):
            with pytest.raises(CertificateInvalid):
                verify(changed, key.public_key)


def test_what_only_looks_the_same_is_refused(key: SigningKey):
    data = render(DOCUMENT, key)
    text = data.decode()
    parsed = json.loads(data)
    jws = parsed["jws"]
    header, payload, signature = jws.split(".")
    loose = signature[:-1] + chr(ord(signature[-1]) + 1)
    forgeries = {
        "newline": data + b"\n",
        "byte order mark": b"\xef\xbb\xbf" + data,
        "compact": json.dumps(parsed).encode(),
        "keys reordered": json.dumps({"jws": jws, "certificate": DOCUMENT}, indent=2, ensure_ascii=False).encode()
        + b"\n",
        "fields reordered": text.replace(
            '    "found": 0,\n    "ratio": 1.5\n', '    "ratio": 1.5,\n    "found": 0\n'
        ).encode(),
        "a key twice": text.replace('"found": 0', '"found": 7,\n    "found": 0').encode(),
        "the certificate twice": text.replace("{\n", '{\n  "certificate": {},\n', 1).encode(),
        "escaped": text.replace("ü", "\\u00fc").encode(),
        "another number": text.replace("1.5", "1.50").encode(),
        "loose bits": text.replace(signature, loose).encode(),
        "padding": text.replace(signature, signature + "==").encode(),
        "no algorithm": text.replace(header, "eyJhbGciOiJub25lIn0").encode(),
        "no signature": text.replace("." + signature, ".").encode(),
        "windows lines": text.replace("\n", "\r\n").encode(),
        "another payload": text.replace(payload, payload[:-4] + "AAAA").encode(),
        "no jws": b'{"certificate": {}}',
        "a list": b"[]",
        "a number": b"1",
        "deep": b"[" * 100_000,
        "nothing": b"",
        "not text": b"\xff\xfe",
        "huge": b" " * (5 << 20),
    }
    for name, forgery in forgeries.items():
        assert forgery != data, name
        with pytest.raises(CertificateInvalid) as raised:
            verify(forgery, key.public_key)
        assert raised.value.__context__ is None


def test_another_key_does_not_verify(key: SigningKey, tmp_path: Path):
    other = SigningKey.create(tmp_path / "other.pem")
    with pytest.raises(CertificateInvalid, match="another key"):
        verify(render(DOCUMENT, other), key.public_key)
    with pytest.raises(CertificateInvalid, match="another key"):
        verify(render(DOCUMENT, key), [])
    for signer in (key, other):
        assert verify(render(DOCUMENT, signer), [key.public_key, other.public_key]) == DOCUMENT


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(document=st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=5), data=st.data())
def test_any_document_verifies_and_none_after_a_change(key: SigningKey, document: dict, data: st.DataObject):
    signed = render(document, key)
    assert verify(signed, key.public_key) == document
    at = data.draw(st.integers(0, len(signed) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != signed[at]))
    with pytest.raises(CertificateInvalid):
        verify(signed[:at] + bytes((other,)) + signed[at + 1 :], key.public_key)


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_noise_is_no_certificate(key: SigningKey, data: bytes):
    with pytest.raises(CertificateInvalid):
        verify(data, key.public_key)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, "\ud800", object()])
def test_what_is_not_plain_json_is_not_signed(key: SigningKey, value: object):
    with pytest.raises(VaultError, match="plain JSON") as raised:
        render({"value": value}, key)
    assert raised.value.__context__ is None


def test_the_key_is_kept_private_and_published_as_pem(key: SigningKey, tmp_path: Path):
    path = tmp_path / "signing.pem"
    made = SigningKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    loaded = SigningKey.load(path)
    assert loaded.public_key.id == made.public_key.id
    assert verify(render(DOCUMENT, loaded), load_public(made.public_pem())) == DOCUMENT
    with pytest.raises(VaultError, match="not written"):
        SigningKey.create(path)
    secret = path.read_text().splitlines()[1]
    assert secret not in repr(made) + str(made.public_key)
    with pytest.raises(VaultError):
        pickle.dumps(made)
    path.chmod(0o644)
    with pytest.raises(VaultError, match="mode"):
        SigningKey.load(path)
    for wrong in (b"", b"nonsense", path.read_bytes()):
        with pytest.raises(VaultError, match="public key"):
            load_public(wrong)
    (tmp_path / "wrong").write_bytes(made.public_pem())
    (tmp_path / "wrong").chmod(0o600)
    with pytest.raises(VaultError, match="signing key"):
        SigningKey.load(tmp_path / "wrong")
