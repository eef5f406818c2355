"""One embedded stack for all system tests, on ports and in folders of its own, beside whatever else runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.canary import Canary
from tests.system.house import House

ROOT = Path(__file__).resolve().parents[2]
APPROVED_CLIENT = "approved"
LOAD_CLIENTS = ("loada", "loadb", "loadc", "loadd", "loade")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("stack")
            item.add_marker(pytest.mark.timeout(900))  # a busy machine is no failure: each wait has a limit of its own


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The sample project, five more like it, and the stack that runs them."""
    place = tmp_path_factory.mktemp("house")
    root, var = place / "root", place / "var"
    for name in ("sow", "expectations", "dags"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "plugins").mkdir()
    for client in LOAD_CLIENTS:
        copy_client(root, client)
    copy_client(root, APPROVED_CLIENT)
    sow = root / "sow" / APPROVED_CLIENT / "contacts.yaml"
    sow.write_text(sow.read_text().replace("approval: false", "approval: true"))
    built = House(root, var)
    try:
        built.up()
        yield built
    finally:
        built.down()
        left = subprocess.run(["pgrep", "-af", str(var)], capture_output=True, text=True, check=False).stdout
        assert not left, "the stack left processes behind"


def copy_client(root: Path, client: str) -> None:
    """A client like Acme: its own DPA, SOW, expectations and DAG file."""
    (root / "sow" / client).mkdir()
    for file in ("dpa.yaml", "contacts.yaml"):
        text = (ROOT / "sow" / "acme" / file).read_text()
        text = text.replace("client: acme ", f"client: {client} ").replace("signers: [acme]", f"signers: [{client}]")
        (root / "sow" / client / file).write_text(text)
    shutil.copytree(ROOT / "expectations" / "acme", root / "expectations" / client)
    dag = (ROOT / "dags" / "acme_contacts.py").read_text()
    (root / "dags" / f"{client}_contacts.py").write_text(dag.replace("acme_contacts", f"{client}_contacts"))


@pytest.fixture
def canary(house: House) -> Iterator[Canary]:
    """A token to hide in a client's data. After the test it may be nowhere: no file, table or log of the deployment."""
    bird = Canary()
    yield bird
    bird.must_be_nowhere(house)


@pytest.fixture(scope="session")
def backoffice(house: House):
    """Run the command against the test's stack: ``backoffice("job", "list")``."""

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"BACKOFFICE_VAR": str(house.var), "BACKOFFICE_ROOT": str(house.root)}
        environment["PYTHONPATH"] = str(ROOT / "plugins")
        command = [sys.executable, "-m", "backoffice.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=check, timeout=120)

    return run
