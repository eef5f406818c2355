"""One embedded stack for all system tests, on ports and in folders of its own, beside whatever else runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary.search import Search
from tests.system.house import ROOT, TOKENS, House, house_in

APPROVED_CLIENT = "approved"
LOAD_CLIENTS = ("loada", "loadb", "loadc", "loadd", "loade")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("stack")
            item.add_marker(pytest.mark.timeout(900))  # a busy machine is no failure: each wait has a limit of its own


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The sample projects, six more like the first, and the stack that runs them."""
    with house_in(tmp_path_factory.mktemp("house"), _more_clients) as built:
        yield built


def _more_clients(root: Path) -> None:
    for client in (*LOAD_CLIENTS, APPROVED_CLIENT):
        copy_client(root, client)
    sow = root / "sow" / APPROVED_CLIENT / "contacts.yaml"
    sow.write_text(sow.read_text().replace("approval: false", "approval: true"))


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


@pytest.fixture(scope="session")
def search(house: House) -> Search:
    """It looks through the stack again and again, and passes by what has not changed since."""
    return Search(house.ground, TOKENS)


@pytest.fixture(autouse=True)
def canary(request: pytest.FixtureRequest, search: Search) -> Iterator[str]:
    """A token to hide in a client's data. After the test no token may be anywhere: no file, table, log or process of the
    deployment. No test has to ask for it, and none can forget: the lists of people have one in them.
    """
    yield TOKENS.token(request.node.name)
    print(search.must_find_nothing().table("searched for what clients sent"))


@pytest.fixture(scope="session")
def backoffice(house: House):
    """Run the command against the test's stack: ``backoffice("job", "list")``."""
    return house.backoffice
