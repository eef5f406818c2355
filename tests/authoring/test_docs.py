"""What the pages for authors say is so: every command in them is run, in their order, in a checkout of its own."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from backoffice.authoring.catalogue import entry
from backoffice.commands.sow import app
from backoffice.contract import Sow, load_dpa, step, step_model, step_names
from backoffice.errors import BackofficeError
from tests.transform.test_catalogue import rows, run

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "write-a-sow.md").read_text()
STEP_PAGE = (ROOT / "docs" / "add-a-step.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [text for said, text in found if said == language]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("sow", "expectations", "dags"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(tmp_path / "sow" / "acme" / "tests" / "contacts" / "shops" / "input.csv", tmp_path / "test.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_can_be_followed_from_top_to_bottom(checkout: Path):
    lines = [line for block in blocks(PAGE, "sh") for line in block.splitlines() if line.strip()]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ["backoffice", "sow"], line
        if "HEAD:" in line:  # there is no repository here: test_sow_author has one
            words = [word.removeprefix("HEAD:") for word in words]
        done = CliRunner().invoke(app, words[2:])
        unsigned = isinstance(done.exception, BackofficeError) and done.exception.exit_code == 4
        assert done.exit_code == 0 or (words[2] == "check" and unsigned), (line, done.exception, done.output)
    said = blocks(PAGE, "")[0]
    for path in re.findall(r"^\S+", said, re.MULTILINE):
        assert (checkout / path).exists(), path


def test_the_pages_sow_is_one():
    sow = Sow.model_validate(yaml.safe_load(blocks(PAGE, "yaml")[0]))
    assert [one.step for one in sow.steps] == ["trim", "case", "emails", "drop_duplicates"]


def test_the_pages_mistakes_are_shown_so(checkout: Path):
    CliRunner().invoke(app, ["new", "example/members", "--kind", "contacts"])
    file = checkout / "sow" / "example" / "members.yaml"
    file.write_text(
        file.read_text().replace("    email: required", "    e_mail: required").replace("step: trim", "step: trimm")
    )
    done = CliRunner().invoke(app, ["check", str(file)])
    said = re.sub(r":\d+:\d+:", "", str(done.exception))
    for line in blocks(PAGE, "")[1].splitlines():
        assert re.sub(r"^\S+:\d+:\d+: ", "", line).strip() in said, line
    assert load_dpa(file.with_name("dpa.yaml")).signed_on is None


def test_the_step_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package = tmp_path / "pagesteps"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "initials.py").write_text(blocks(STEP_PAGE, "python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(step, "STEP_PACKAGES", (*step.STEP_PACKAGES, "pagesteps"))
    importlib.invalidate_caches()
    step_names.cache_clear()
    try:
        found = entry("initials")
        assert {one.name: one.note for one in found.keys}["most"] == "How many letters. 1 or more, 10 or less."
        assert run(found.example, "result", tmp_path) == rows(found.example.after)
        assert step_model("initials").model_validate({"step": "initials", "columns": ["name"]}).words().endswith(".")
    finally:
        step_names.cache_clear()
        for module in ("pagesteps", "pagesteps.initials"):
            sys.modules.pop(module, None)
