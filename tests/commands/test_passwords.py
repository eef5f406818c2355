"""A workbook's password at the command line: from a prompt, a file or standard input, and nowhere to be seen after."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backoffice.errors import BackofficeError, NotAgreed
from backoffice.vault.keys import ProjectKeys
from tests.transform.reading.files import xlsx

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Straße qzxcanary 😀"
PROJECT = "acme_list"
SOW = """
title: List
owner: office
description: A list.
purpose: contact-maintenance
input: {format: xlsx, columns: {rec_id: required, surname: required}}
steps: [{step: trim}]
output: {format: csv, filename: list.csv}
approval: false
retention: {results: {until: acceptance, at_most_days: 3}}
signers: [acme]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sow" / "acme"
    folder.mkdir(parents=True)
    agreement = (ROOT / "sow" / "acme" / "dpa.yaml").read_text()
    (folder / "dpa.yaml").write_text(agreement + "\nprotected_workbooks: true\n")
    (folder / "list.yaml").write_text(SOW)
    case = folder / "tests" / "list" / "protected"
    case.mkdir(parents=True)
    (case / "input.xlsx").write_bytes(_protected())
    (case / "expected.csv").write_text("rec_id,surname\n1,Bell\n")
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return tmp_path


def _protected() -> bytes:
    from msoffcrypto.format.ooxml import OOXMLFile

    out = io.BytesIO()
    OOXMLFile(io.BytesIO(xlsx([["rec_id", "surname"], ["1", " Bell "]]))).encrypt(PASSWORD, out)
    return out.getvalue()


class Kept:
    """Stands for the deployment: the keys alone."""

    def __init__(self) -> None:
        self.passwords: dict[str, bytes] = {}
        self.key_owner = self

    def keep_password(self, project: str, password: bytes) -> None:
        self.passwords[project] = password

    def forget_password(self, project: str) -> bool:
        return self.passwords.pop(project, None) is not None


@pytest.fixture
def keys(root: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()

    @contextmanager
    def opened():
        yield kept

    monkeypatch.setattr("backoffice.deployment.deployment", opened)
    monkeypatch.setattr("backoffice.commands.project.root_folder", lambda: root)
    return kept


def project(*arguments: str, given: bytes = b"") -> str:
    from backoffice.commands.project import app

    done = CliRunner().invoke(app, list(arguments), input=given)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert PASSWORD not in done.output
    assert "qzx" not in done.output
    return done.output


def test_the_stand_in_has_the_methods_of_the_key_store():
    assert all(callable(getattr(ProjectKeys, name)) for name in ("keep_password", "forget_password", "password"))


def test_a_password_is_kept_from_standard_input_and_deleted(keys: Kept):
    assert "is kept" in project("password", PROJECT, given=f"{PASSWORD}\n".encode())
    assert keys.passwords == {PROJECT: PASSWORD.encode()}
    assert "is deleted" in project("password", PROJECT, "--forget")
    assert keys.passwords == {}
    assert "No password is kept" in project("password", PROJECT, "--forget")


@pytest.mark.parametrize(
    ("given", "why"), [(b"", "empty"), (b"\xffqzxcanary", "UTF-8"), (b"qzx\nqzx", "control"), (b"q" * 9_000, "longer")]
)
def test_what_is_none_is_refused_and_nothing_is_kept(keys: Kept, given: bytes, why: str):
    with pytest.raises(BackofficeError, match=why):
        project("password", PROJECT, given=given)
    assert keys.passwords == {}


def test_without_an_agreement_none_is_kept_but_one_can_be_deleted(keys: Kept, root: Path):
    keys.passwords[PROJECT] = b"x"
    agreement = root / "sow" / "acme" / "dpa.yaml"
    agreement.write_text(agreement.read_text().replace("protected_workbooks: true", ""))
    with pytest.raises(NotAgreed, match="does not allow workbooks with a password") as refused:
        project("password", PROJECT, given=PASSWORD.encode())
    assert "protected_workbooks: true" in refused.value.hint
    assert "is deleted" in project("password", PROJECT, "--forget")


def test_there_is_no_argument_for_it(keys: Kept):
    assert "unexpected extra argument" in project("password", PROJECT, "value")
    assert keys.passwords == {}


# ---------------------------------------------------------------------- an author's trial


def sow(*arguments: object, given: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backoffice.commands.sow", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins"), "NO_COLOR": "1", "COLUMNS": "120"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False, timeout=120, input=given
    )
    assert done.returncode == code, done.stderr
    assert "qzx" not in done.stdout + done.stderr
    return done


def test_an_author_tries_a_protected_file_with_a_password_file(root: Path):
    agreed, password = root / "sow" / "acme" / "list.yaml", root / "password"
    file = agreed.parent / "tests" / "list" / "protected" / "input.xlsx"
    sow("run", agreed, file, "--out", root / "out", "--password-file", password)
    assert (root / "out" / "list.csv").read_text().splitlines() == ["rec_id,surname", "1,Bell"]
    assert "1 of 1 cases are as expected" in sow("test", agreed, "--password-file", password).stdout
    assert "Bell" in sow("preview", agreed, file, "--password-file", password).stdout
    assert "surname" in sow("profile", file, "--password-file", password).stdout


def test_without_one_or_with_a_wrong_one_it_says_so(root: Path):
    agreed, other = root / "sow" / "acme" / "list.yaml", root / "other"
    file = agreed.parent / "tests" / "list" / "protected" / "input.xlsx"
    assert "we have none for it" in sow("run", agreed, file, "--out", root / "out", given=PASSWORD, code=5).stderr
    other.write_text("wrong")
    said = sow("run", agreed, file, "--out", root / "out", "--password-file", other, code=5).stderr
    assert "does not open the workbook" in said
    assert "cannot be read" in sow("profile", file, "--password-file", root / "none", code=1).stderr


def test_at_a_terminal_it_is_asked_for_without_being_shown(root: Path):
    agreed = root / "sow" / "acme" / "list.yaml"
    file = agreed.parent / "tests" / "list" / "protected" / "input.xlsx"
    command = [sys.executable, "-m", "backoffice.commands.sow", "run", str(agreed), str(file), "--out", str(root / "o")]
    process, terminal = pty.fork()
    if process == 0:
        os.environ["PYTHONPATH"] = str(ROOT / "plugins")
        os.execv(command[0], command)
    shown = b""
    while select.select([terminal], [], [], 120)[0]:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # its other end is closed
            break
        if not piece:
            break
        asked, shown = b"Password of the workbook" in shown, shown + piece
        if not asked and b"Password of the workbook: " in shown:
            os.write(terminal, f"{PASSWORD}\n".encode())
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert b"qzx" not in shown
    assert (root / "o" / "list.csv").exists()


@pytest.mark.parametrize(("agreed", "said"), [(True, "may be protected with the password"), (False, "is refused")])
def test_a_sow_in_words_says_what_becomes_of_a_protected_workbook(root: Path, agreed: bool, said: str):
    file = root / "sow" / "acme" / "dpa.yaml"
    file.write_text(file.read_text().replace("workbooks: true", f"workbooks: {str(agreed).lower()}"))
    assert said in sow("explain", "--words", root / "sow" / "acme" / "list.yaml").stdout
