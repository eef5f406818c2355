"""Workbooks with a password: opened where one is given, refused plainly otherwise, and never the way for anything else."""

from __future__ import annotations

import io
import logging
import os
import re
import zipfile
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path
from struct import pack as packed
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msoffcrypto.method import ecma376_agile as agile
from msoffcrypto.method.container.ecma376_encrypted import ECMA376Encrypted
from msoffcrypto.method.ecma376_standard import ECMA376Standard

from backoffice.errors import BackofficeError, DropRejected
from backoffice.password import Password
from backoffice.transform import Engine
from tests.transform.conftest import memory, sow
from tests.transform.reading.binary import xlsb
from tests.transform.reading.files import SECRET, pack, xlsx

PASSWORD = "Straße 7 “€” 😀"
ROWS = [["id", "name"], ["1", "Zoë"], ["2", SECRET]]
WORKBOOK = xlsx(ROWS)


def agreed(format_: str = "xlsx", **more: Any) -> Any:
    return sow(format=format_, **more)


def protect(content: bytes, *, password: str = PASSWORD) -> bytes:
    """As Excel 2013 and later do: AES-256, SHA-512, 100,000 rounds."""
    return agile.ECMA376Agile.encrypt(password, io.BytesIO(content))


def read(content: bytes, spec: Any, ask: Callable[[], Password | None] | None) -> list[tuple[Any, ...]]:
    with memory(content) as path, Engine(password=ask) as engine:
        engine.load(spec, path)
        return engine.connection.execute("SELECT * EXCLUDE (_row) FROM input ORDER BY _row").fetchall()


def ask() -> Password:
    return Password(PASSWORD)


def refused(content: bytes, given: Callable[[], Password | None] | None = ask, spec: Any = None) -> DropRejected:
    with pytest.raises(DropRejected) as caught:
        read(content, spec or agreed(), given)
    error = caught.value
    for secret in (SECRET, PASSWORD, PASSWORD[:6]):
        assert secret not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


PROTECTED = protect(WORKBOOK)
DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


# ---------------------------------------------------------------------- what can be read


def test_a_protected_workbook_is_read_with_its_password():
    assert read(PROTECTED, agreed(), ask) == [("1", "Zoë"), ("2", SECRET)]


def test_an_xlsb_is_read_too_and_is_not_taken_for_an_xlsx():
    content = protect(_larger(xlsb(ROWS)))
    assert read(content, agreed("xlsb"), ask) == [("1", "Zoë"), ("2", SECRET)]
    error = refused(content)
    assert (error.code, error.message) == ("format", "The file is not XLSX: it looks like an XLSB spreadsheet.")


def _larger(content: bytes) -> bytes:
    """Beyond the 4 KiB below which the library that encrypts here writes containers that hold together badly."""
    with zipfile.ZipFile(out := io.BytesIO(content), "a") as archive:
        archive.writestr("docProps/thumbnail.jpeg", os.urandom(8_000))
    return out.getvalue()


def test_it_may_come_in_a_zip_and_be_several_sheets():
    assert read(pack({"list.xlsx": PROTECTED}), agreed(), ask) == [("1", "Zoë"), ("2", SECRET)]
    prices = {"format": "xlsx", "sheet": 1, "columns": {"id": "required", "name": "required"}}
    two = sow([{"step": "trim"}], format="xlsx", sheet=1).model_copy(
        update={"inputs": {"more": type(agreed().input).model_validate(prices)}}
    )
    with memory(PROTECTED) as path, Engine(password=ask) as engine:
        assert {name: one.rows for name, one in engine.load(two, path).items()} == {"input": 2, "more": 2}


def test_excel_2010s_sha1_and_aes_128_are_read(monkeypatch: pytest.MonkeyPatch):
    content = _agile(monkeypatch, name="SHA1", bits=128, hash_size=20)
    assert b'hashAlgorithm="SHA1"' in content
    assert read(content, agreed(), ask)[0] == ("1", "Zoë")
    assert refused(content, lambda: Password("wrong")).code == "password-wrong"


def test_excel_2007s_standard_encryption_is_read():
    content = _standard(WORKBOOK)
    assert read(content, agreed(), ask)[0] == ("1", "Zoë")
    assert refused(content, lambda: Password("wrong")).code == "password-wrong"


def test_a_workbook_without_a_password_asks_nobody():
    def never() -> Password:
        raise AssertionError

    assert read(WORKBOOK, agreed(), never)[0] == ("1", "Zoë")


# ---------------------------------------------------------------------- what is refused


def test_where_none_is_agreed_it_is_refused_as_ever():
    error = refused(PROTECTED, None)
    assert error.code == "protected"
    assert error.message == "The file is an Office file with a password: it cannot be read."


@pytest.mark.parametrize("format_", ["xls", "ods", "csv"])
def test_where_another_format_is_agreed_nobody_is_asked(format_: str):
    def never() -> Password:
        raise AssertionError

    assert refused(PROTECTED, never, agreed(format_)).code == "protected"


def test_without_a_password_of_ours_it_says_so():
    error = refused(PROTECTED, lambda: None)
    assert error.code == "password-missing"
    assert "we have none for it" in error.message


@pytest.mark.parametrize("given", ["wrong", PASSWORD + " ", PASSWORD.upper(), "\U0010ffff" * 100, "ﬀ"])
def test_a_wrong_password_is_told_from_damage(given: str):
    error = refused(PROTECTED, lambda: Password(given))
    assert (error.code, error.message) == ("password-wrong", "The agreed password does not open the workbook.")


def _package(content: bytes) -> int:
    """Where the encrypted package begins: the length of the workbook, in eight bytes."""
    return content.index(packed("<Q", len(WORKBOOK)))


def _at(place: int, new: bytes) -> bytes:
    return PROTECTED[:place] + new + PROTECTED[place + len(new) :]


@pytest.mark.parametrize(
    "content",
    [
        _at(_package(PROTECTED) + 100, b"\0\1\2\3\4\5\6\7"),
        _at(_package(PROTECTED), packed("<Q", 2**64 - 1)),  # a length that is not there
        _at(_package(PROTECTED), packed("<Q", 0)),
        PROTECTED[:3_000],
        PROTECTED[:512] + bytes(len(PROTECTED) - 512),
        PROTECTED[: len(PROTECTED) // 2],
        protect(WORKBOOK[:-40]),  # whole, but what is in it is not
    ],
    ids=["changed", "longer", "empty", "cut off", "blank", "half", "no zip"],
)
def test_a_damaged_package_is_refused(content: bytes):
    assert refused(content).code == "format"


def _information(**changes: str) -> bytes:
    """The same file with other words about its encryption, as long as they were."""
    changed = PROTECTED
    for name, value in changes.items():
        before = re.search(rf'{name}="[^"]*"'.encode(), changed)
        assert before is not None
        after = f'{name}="{value}"'.encode()
        assert len(after) <= len(before[0])
        changed = changed.replace(before[0], after.ljust(len(before[0])))
    return changed


def test_rounds_beyond_reason_are_refused_before_they_are_done():
    error = refused(_information(spinCount="999999", cipherAlgorithm="AES"))
    assert error.code == "password-wrong", "rounds within the limit are done"
    changed = PROTECTED.replace(b'spinCount="100000" saltSize="16"', b'spinCount="9999999" saltSize="6"')
    assert changed != PROTECTED
    error = refused(changed)
    assert error.code == "too-large"
    assert "9,999,999 times; 1,000,000 are done" in error.message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (PROTECTED.replace(b'hashAlgorithm="SHA512"', b'hashAlgorithm="MD5"   '), "protected"),
        (PROTECTED.replace(b'cipherAlgorithm="AES"', b'cipherAlgorithm="RC2"'), "protected"),
        (PROTECTED.replace(b"ChainingModeCBC", b"ChainingModeCFB"), "protected"),
        (PROTECTED.replace(b'keyBits="256"', b'keyBits="999"'), "format"),
        (PROTECTED.replace(b'spinCount="100000"', b'spinCount="-10000"'), "format"),
        (PROTECTED.replace(b'spinCount="100000"', b'spinCount="1e9999"'), "format"),
        (PROTECTED.replace(DECLARATION, b'<!DOCTYPE a [<!ENTITY b "c">]>'.ljust(len(DECLARATION))), "protected"),
        (PROTECTED.replace("EncryptionInfo".encode("utf-16-le"), "EncryptionNone".encode("utf-16-le")), "protected"),
        (PROTECTED.replace(packed("<HHI", 4, 4, 0x40), packed("<HHI", 4, 3, 0x40)), "protected"),  # extensible
    ],
    ids=["hash", "cipher", "chaining", "bits", "negative", "no number", "entities", "no password", "extensible"],
)  # fmt: skip
def test_other_ways_of_protecting_are_refused(content: bytes, code: str):
    assert content != PROTECTED
    assert refused(content).code == code


def test_a_container_larger_than_agreed_is_not_decrypted():
    def never() -> Password:
        raise AssertionError

    error = refused(PROTECTED, never, agreed(max_bytes=5_000))
    assert (error.code, error.hint) == ("too-large", "Send it in parts, or agree on more.")


def test_every_place_can_be_broken_without_a_crash_or_a_word_of_it():
    for place in range(0, 2_048, 97):  # the head, the tables and the folder of the container
        try:
            read(_at(place, b"\xff" * 16), agreed(), ask)
        except DropRejected as error:
            assert error.code in ("format", "protected", "password-wrong", "too-large")
            assert SECRET not in str(error)


# ---------------------------------------------------------------------- what is left behind


def test_nothing_is_left_behind_and_no_log_has_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    with Engine(password=ask) as engine:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for content in (PROTECTED, PROTECTED[:3_000], pack({"a.xlsx": PROTECTED})):
            with memory(content) as path:
                try:
                    engine.load(agreed(), path)
                except DropRejected as error:
                    assert error.code == "format"
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(tmp_path.iterdir()) == []
    assert PASSWORD not in caplog.text
    assert SECRET not in caplog.text


def test_the_password_is_in_no_argument_and_no_environment(monkeypatch: pytest.MonkeyPatch):
    import subprocess

    seen: list[str] = []
    real = subprocess.Popen

    def watched(command: list[str], **options: Any) -> Any:
        seen.append(repr(command) + repr(options["env"]))
        return real(command, **options)

    monkeypatch.setattr(subprocess, "Popen", watched)
    assert read(PROTECTED, agreed(), ask)
    assert len(seen) == 2
    assert not any("Stra" in one for one in seen)


# ---------------------------------------------------------------------- what may be a password


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b" two words \n", " two words "),
        ("\ufeffß€😀".encode(), "ß€😀"),
        (b"x" * 255, "x" * 255),
    ],
)
def test_a_password_is_taken_as_it_is_but_for_a_line_end(raw: bytes, text: str):
    assert Password.of(raw).text == text


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xffqzxcanary", "not valid UTF-8"),
        ("qzxcanary".encode("utf-16"), "not valid UTF-8"),
        (b"", "empty"),
        (b"\n", "empty"),
        (b"qzxcanary" * 40, "longer than 255"),
        ("😀".encode() * 128, "longer than 255"),
        (b"qzxcanary\nand more", "control characters"),
        (b"qzxcanary\0", "control characters"),
    ],
)
def test_what_is_no_password_is_said_and_not_quoted(raw: bytes, why: str):
    with pytest.raises(BackofficeError, match=why) as caught:
        Password.of(raw)
    assert "qzx" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_password_does_not_show_itself():
    assert "qzx" not in repr(Password("qzxcanary"))
    assert "qzx" not in f"{Password('qzxcanary')}"


# ---------------------------------------------------------------------- files as older programs write them


def _agile(monkeypatch: pytest.MonkeyPatch, *, name: str, bits: int, hash_size: int) -> bytes:
    """With another hash, whose digests are filled up to whole blocks with zeros."""

    class Params(agile.ECMA376AgileCipherParams):
        def __init__(self) -> None:
            super().__init__()
            self.hashName, self.keyBits, self.hashSize = name, bits, hash_size

    with monkeypatch.context() as patched:
        encrypt = agile._encrypt_aes_cbc
        patched.setattr(agile, "ECMA376AgileCipherParams", Params)
        patched.setattr(
            agile, "_encrypt_aes_cbc", lambda data, key, iv: encrypt(data + bytes(-len(data) % 16), key, iv)
        )
        return protect(WORKBOOK)


def _standard(content: bytes) -> bytes:
    """[MS-OFFCRYPTO] 2.3.4.5 to 2.3.4.9, with AES-128, as Excel 2007 writes it."""
    salt, verifier = bytes(range(16)), bytes(range(16, 32))
    key = ECMA376Standard.makekey_from_password(PASSWORD, 0x660E, 0x8004, 0x18, 128, 16, salt)
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    header = packed("<8I", 0x24, 0, 0x660E, 0x8004, 128, 0x18, 0, 0)
    header += "Microsoft Enhanced RSA and AES Cryptographic Provider\0".encode("utf-16-le")
    info = packed("<HHII", 3, 2, 0x24, len(header)) + header
    info += packed("<I", 16) + salt + cipher.update(verifier) + packed("<I", 20)
    info += cipher.update(sha1(verifier).digest() + bytes(12))
    package = packed("<Q", len(content)) + cipher.update(content + bytes(-len(content) % 16))
    out = io.BytesIO()
    ECMA376Encrypted(package, info).write_to(out)
    return out.getvalue()
