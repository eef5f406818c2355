"""docker-compose.yml brought up for real: its images built, a client's file in, the result out, everything down again.

`make test-compose` runs it; it takes minutes. Set BACKOFFICE_TEST_ENGINE to a folder to keep the images between two runs.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import ssl
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backoffice.kit import Kit
from backoffice.sample import febrl3, score
from backoffice.tls import trust
from tests.infra.engine import Engine, Site, why_not
from tests.infra.test_compose import PARTS, WORKERS

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400)]

HOST = "files.example.test"
IMPORTS = '''
"""What a task finds imported when it starts."""
import json, sys
from datetime import datetime, timedelta
from pathlib import Path
from airflow.sdk import DAG, BaseOperator

class Look(BaseOperator):
    def execute(self, context):
        wanted = ("great_expectations", "duckdb", "pyarrow", "sqlglot", "boto3", "pysequoia")
        Path("/tmp/imports.json").write_text(json.dumps({name: name in sys.modules for name in wanted}))

with DAG("imports", schedule="@once", start_date=datetime(2026, 1, 1), catchup=False):
    Look(task_id="look", retries=10, retry_delay=timedelta(seconds=5))  # a busy machine is no failure
'''
SPILLS = """
import json
from backoffice.duck import session
from backoffice.places import spill_folder
with session(memory_limit="40MB", threads=1) as connection:
    connection.execute("CREATE TABLE t AS SELECT repeat('qzxcanary ' || i, 9) FROM range(1000000) AS r(i)")
    written = [path.read_bytes() for path in spill_folder().rglob("*") if path.is_file()]
print(json.dumps({
    "where": str(spill_folder()),
    "bytes": sum(map(len, written)),
    "readable": any(b"qzxcanary" in content for content in written),
    "left": list(map(str, spill_folder().iterdir())),
}))
"""


DESTROYED = """
import sys
from backoffice.deployment import Deployment
from backoffice.errors import KeyDestroyed
from backoffice.settings import settings
keys = Deployment(settings()).keys
print(keys.is_destroyed("acme_contacts", sys.argv[1]))
try: keys.unwrap("acme_contacts", sys.argv[1])
except KeyDestroyed: print("KeyDestroyed")
"""


@dataclass
class Running:
    """The deployment while it runs, and what was measured."""

    site: Site
    s3: int
    ui: int
    kit: Kit | None = None
    figures: dict[str, Any] = field(default_factory=dict)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(look: Callable[[], Any], seconds: float, what: str) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(1)
    pytest.fail(f"After {seconds:.0f} s: {what}.")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, pytestconfig: Any) -> Iterator[Running]:
    """Images, secrets, `up`. Ends with nothing left."""
    if not os.environ.get("BACKOFFICE_TEST_COMPOSE"):
        pytest.skip("takes minutes: `make test-compose` runs it")
    if reason := why_not():
        pytest.skip(f"no Docker engine: {reason}")
    kept = os.environ.get("BACKOFFICE_TEST_ENGINE")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("engine")
    engine = Engine(folder)
    if reason := engine.start():
        pytest.skip(f"no Docker engine: {reason}")
    s3, ui = free_port(), free_port()
    site = Site(
        engine,
        tmp_path_factory.mktemp("host") / "site",
        COMPOSE_PROJECT_NAME=f"backoffice-test-{os.getpid()}",
        BACKOFFICE_S3_HOST=HOST,
        BACKOFFICE_S3_BIND="127.0.0.1",
        BACKOFFICE_S3_PORT=str(s3),
        BACKOFFICE_UI_PORT=str(ui),
        BACKOFFICE_HOST_ENCRYPTS_SWAP="1",  # what is processed is made up
    )
    (site.folder / "dags" / "imports.py").write_text(IMPORTS, encoding="utf-8")
    stack = Running(site, s3, ui)
    try:
        stack.figures["seconds to build"] = {name: round(took) for name, took in engine.build_images().items()}
        stack.figures["image, MB"] = round(engine.image_bytes() / 1e6)
        site.make_secrets()
        started = time.monotonic()
        site.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "900")
        stack.figures["seconds from up to healthy"] = round(time.monotonic() - started)
        assert site.health() == dict.fromkeys(PARTS, "healthy")
        yield stack
    except BaseException:
        print(site.compose("ps", "--all", check=False), site.compose("logs", "--tail", "15", check=False)[-12_000:])
        raise
    finally:
        site.compose("down", "--volumes", "--timeout", "30", check=False)
        engine.stop()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
        with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(json.dumps(stack.figures, indent=1))


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here no name server knows the store's public name; a client's does."""
    known = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **named: Any) -> Any:
        return known("127.0.0.1" if host == HOST else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture(scope="module")
def kit(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """Acme's kit, with a trial key, as an operator hands it over."""
    if running.kit is None:
        running.site.compose("run", "--rm", "--no-deps", "-T", "setup", "backoffice", "client", "trial", "acme")
        folder = tmp_path_factory.mktemp("kit")
        pack = "cd /var/lib/backoffice/kits && tar -c acme_contacts | base64"
        packed = running.site.compose("run", "--rm", "--no-deps", "-T", "setup", "sh", "-c", pack)
        with tarfile.open(fileobj=BytesIO(base64.b64decode(packed))) as archive:
            archive.extractall(folder, filter="data")
        folder /= "acme_contacts"
        running.kit = Kit(folder)
    return running.kit


def test_every_part_becomes_healthy(running: Running) -> None:
    assert running.site.health() == dict.fromkeys(PARTS, "healthy")


def test_only_two_ports_are_open_on_this_host(running: Running) -> None:
    listed = [json.loads(line) for line in running.site.compose("ps", "--format", "json").splitlines()]
    published = {(p["URL"], p["PublishedPort"]) for entry in listed for p in entry["Publishers"] if p["PublishedPort"]}
    assert published == {("127.0.0.1", running.ui), ("127.0.0.1", running.s3)}


def test_what_is_published_speaks_tls_1_3_and_nothing_older(running: Running) -> None:
    secrets = running.site.folder / "secrets"
    for port, name, authority in ((running.s3, HOST, "store_ca.pem"), (running.ui, "localhost", "ca.pem")):
        known = trust(secrets / authority)
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            known.wrap_socket(plain, server_hostname=name) as wrapped,
        ):
            assert wrapped.version() == "TLSv1.3"
        older = ssl.create_default_context(cafile=str(secrets / authority))
        older.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain, pytest.raises(ssl.SSLError):
            older.wrap_socket(plain, server_hostname=name)


def test_the_ui_answers_on_loopback_and_asks_who_it_is(running: Running) -> None:
    https = urllib.request.HTTPSHandler(context=trust(running.site.folder / "secrets" / "ca.pem"))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
    with opener.open(f"https://127.0.0.1:{running.ui}/auth/login/", timeout=30) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="401"):
        opener.open(f"https://127.0.0.1:{running.ui}/api/v2/dags", timeout=30)


def test_services_have_no_way_out_and_write_only_where_they_may(running: Running) -> None:
    engine = running.site.engine
    inside = f"{running.site.project}_inside"
    assert engine.docker("network", "inspect", "--format", "{{.Internal}}", inside).strip() == "true"
    for name in ("postgres", "broker", "scheduler", "dag-processor", "triggerer", *WORKERS):
        identity = running.site.compose("ps", "--quiet", name).strip()
        networks = json.loads(engine.docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", identity))
        assert list(networks) == [inside], name
    look = "id -u; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; touch /srv/x 2>&1; true"
    lines = running.site.compose("exec", "-T", "worker", "sh", "-c", look).splitlines()
    assert lines[0] == "10001"
    assert int(lines[1].split()[1], 16) == 0
    assert lines[2].split()[1] == "1"
    assert "Read-only" in lines[3]


def test_who_opens_keys_destroys_none_and_who_destroys_opens_none(running: Running) -> None:
    """Each has but its own role's address of the key store, and what the other can do its database refuses it."""
    ask = (
        "from backoffice.deployment import Deployment; from backoffice.errors import VaultError; "
        "from backoffice.settings import settings; from sqlalchemy import create_engine, text\n"
        "have = settings(); made = Deployment(have)\n"
        "url = (have.keystore_url or have.keystore_eraser_url).get_secret_value()\n"
        "for part in ('keys', 'key_owner', 'key_eraser'):\n"
        "    try: getattr(made, part); print('has', part)\n"
        "    except VaultError: print('not', part)\n"
        "for verb in ('SELECT wrapped FROM job_key', 'DELETE FROM job_key WHERE false'):\n"
        "    try:\n"
        "        with create_engine(url).connect() as db: db.execute(text(verb)); print('may', verb[:6])\n"
        "    except Exception: print('not', verb[:6])\n"
    )
    said = {name: running.site.compose("exec", "-T", name, "python", "-c", ask).split("\n")[:5] for name in WORKERS}
    assert (
        said["worker"] == said["intake"] == ["has keys", "not key_owner", "not key_eraser", "may SELECT", "not DELETE"]
    )
    assert said["eraser"] == ["not keys", "not key_owner", "has key_eraser", "not SELECT", "may DELETE"]
    running.site.compose("exec", "-T", "eraser", "sh", "-c", "test ! -e /run/secrets/master.key")


def test_no_secret_shows_in_environments_command_lines_or_logs(running: Running) -> None:
    values = [
        path.read_text()
        for path in (running.site.folder / "secrets").iterdir()
        if path.name.endswith(("_password", "_key", "_secret"))
    ]
    containers = running.site.engine.docker("ps", "--all", "--quiet").split()
    shown = running.site.engine.docker("inspect", *containers) + running.site.compose("logs", "--no-color")
    assert len(values) > 8
    assert not [len(value) for value in values if value.strip() and value.strip() in shown]


def test_a_task_finds_the_heavy_libraries_imported(running: Running) -> None:
    def look() -> str | None:
        return running.site.compose("exec", "-T", "worker", "cat", "/tmp/imports.json", check=False)

    found = json.loads(wait_for(look, 400, "the task that looks at its imports has not run"))
    running.figures["imported before a task starts"] = found
    assert found["great_expectations"]  # five CPU seconds a task, were it not


def test_what_outgrows_a_jobs_memory_is_spilled_to_disk_encrypted(running: Running) -> None:
    found = json.loads(running.site.compose("exec", "-T", "worker", "python", "-c", SPILLS))
    assert found["where"] == "/var/spill/backoffice"
    assert found["bytes"] > 1_000_000
    assert found == found | {"readable": False, "left": []}


def test_text_recognition_knows_the_languages_that_we_offer(running: Running) -> None:
    look = "import tesserocr; print(*tesserocr.get_languages()[1])"
    known = running.site.compose("exec", "-T", "worker", "python", "-c", look).split()
    assert set(known) >= {"deu", "eng", "fra", "ita", "slv"}


def state_of(site: Site) -> dict[str, str]:
    """Each job, and what has become of it."""
    return {job["job"]: job["state"] for job in json.loads(site.backoffice("job", "list", "--json"))}


@pytest.mark.usefixtures("by_name")
def test_a_clients_file_is_processed_delivered_accepted_and_erased(running: Running, kit: Kit, tmp_path: Path) -> None:
    data = febrl3(tmp_path / "sample")
    dropped = kit.drop(data)  # over the published port

    def in_state(*states: str) -> Callable[[], dict[str, Any] | None]:
        def look() -> dict[str, Any] | None:
            jobs = json.loads(running.site.backoffice("job", "list", "--json"))
            return jobs[0] if jobs and jobs[0]["state"] in states else None

        return look

    job = wait_for(in_state("delivered"), 300, "the drop is not delivered")["job"]
    shown = json.loads(running.site.backoffice("job", "show", job, "--json"))
    assert (shown["rows"]["in"], shown["checks"]["failed"]) == (5000, 0)
    assert shown["checks"]["passed"] > 10
    running.figures["seconds from drop to delivered"] = shown["seconds"]["drop_to_delivered"]
    running.figures["seconds per stage"] = shown["seconds"]

    receipt = wait_for(
        lambda: [r for r in kit.receipts(dropped.version_id) if r["status"] == "delivered"], 60, "no receipt"
    )[0]
    result = tmp_path / "result.csv"
    assert kit.fetch(receipt["key"], result) > 100_000
    assert score(data, result).precision > 0.99

    kit.accept(job)
    wait_for(in_state("certified"), 240, "the accepted delivery is not erased and certified")
    certificate = tmp_path / "certificate.json"
    certificate.write_bytes(kit.read(f"out/certificates/{job}.json"))
    verified = running.site.compose(
        "exec", "-T", "intake", "sh", "-c", "cat > /tmp/c.json; backoffice certificate verify /tmp/c.json",
        stdin=certificate.read_bytes(),
    )  # fmt: skip
    assert "Genuine" in verified


@pytest.mark.usefixtures("by_name")
def test_a_second_drop_is_quick_on_the_warm_stack(running: Running, kit: Kit, tmp_path: Path) -> None:
    before = len(json.loads(running.site.backoffice("job", "list", "--json")))
    kit.drop(febrl3(tmp_path / "sample"))

    def look() -> dict[str, Any] | None:
        jobs = json.loads(running.site.backoffice("job", "list", "--json"))
        return jobs[0] if len(jobs) > before and jobs[0]["state"] == "delivered" else None

    job = wait_for(look, 300, "the second drop is not delivered")["job"]
    shown = json.loads(running.site.backoffice("job", "show", job, "--json"))
    running.figures["second drop, seconds to delivered"] = shown["seconds"]["drop_to_delivered"]


@pytest.mark.usefixtures("by_name")
def test_keys_move_to_openbao_jobs_go_on_and_a_drop_is_delivered_and_its_key_destroyed(
    running: Running, kit: Kit, tmp_path: Path
) -> None:
    """As docs/production.md says; what is delivered and not yet accepted is a job under way."""
    site, delivered = running.site, state_of(running.site)
    under_way = next(job for job, state in delivered.items() if state == "delivered")
    started = time.monotonic()
    site.compose("stop", *WORKERS)
    with (site.folder / ".env").open("a", encoding="utf-8") as settings:
        settings.write("COMPOSE_FILE=docker-compose.yml:infra/compose/openbao.yml\n")
    site.make_secrets()
    master = "/run/secrets/master.key"
    lend = ["run", "--rm", "-T", "-v", f"{site.folder / 'secrets' / 'master.key'}:{master}:ro"]
    moved = site.compose(*lend, "setup", "backoffice", "keys", "move", master)
    projects = moved.split("the keys of ")[1].split()[0]
    site.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "600")
    running.figures["seconds to move to OpenBao and be healthy"] = round(time.monotonic() - started)
    assert site.health() == dict.fromkeys((*PARTS, "openbao"), "healthy")
    for name in WORKERS:
        site.compose("exec", "-T", name, "sh", "-c", f"test ! -e {master}")

    roots = site.compose("run", "--rm", "-T", "setup", "backoffice", "keys", "status").split("Certificates:")[0]
    assert int(projects) == roots.count("  openbao:transit/") == roots.count("keys of 1 project") > 0

    kit.accept(UUID(under_way))
    kit.drop(febrl3(tmp_path / "sample"))
    dropped = wait_for(lambda: state_of(site).keys() - delivered.keys(), 120, "the drop is not claimed").pop()
    wait_for(lambda: state_of(site)[dropped] == "delivered", 300, "the drop is not delivered")
    kit.accept(UUID(dropped))
    for job in (under_way, dropped):
        wait_for(lambda job=job: state_of(site)[job] == "certified", 240, "what was accepted is not erased")
        assert site.compose("exec", "-T", "worker", "python", "-c", DESTROYED, job).split() == ["True", "KeyDestroyed"]


def test_down_leaves_nothing(running: Running) -> None:
    memory = running.site.engine.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}")
    running.figures["memory"] = [line.split(" /")[0] for line in memory.splitlines()]
    started = time.monotonic()
    running.site.compose("down", "--volumes", "--timeout", "60")
    running.figures["seconds to go down"] = round(time.monotonic() - started)
    assert running.site.leftovers() == []
