"""What docker-compose.yml needs from the code: Airflow's configuration, and the secrets folder. One source for both stacks.

    python -m backoffice.stack.production airflow.cfg            printed; the image keeps it
    python -m backoffice.stack.production secrets FOLDER NAME…   what is missing is made; NAME: the object store's host names

Nothing that exists is replaced, but certificates near their end. Each file is read by the services that need it, and by
no other; the mode is 0400, the owner is whoever runs this.
"""

from __future__ import annotations

import configparser
import io
import json
import secrets
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backoffice.stack import airflow, postgres, seaweedfs
from backoffice.stack.secrets import Secrets

__all__ = ["DIFFERENCES", "airflow_configuration", "embedded_settings", "make_secrets", "security"]

_SECRETS = "/run/secrets"
_ADDRESSES = {
    "airflow": ("airflow_database_url", "psycopg2"),
    "ledger": ("backoffice_ledger_url", "psycopg"),
    "keystore": ("backoffice_keystore_owner_url", "psycopg"),
    "keystore_worker": ("backoffice_keystore_url", "psycopg"),
    "keystore_eraser": ("backoffice_keystore_eraser_url", "psycopg"),
}
"""The file with the address of each role's database, and its driver."""

DIFFERENCES: dict[str, dict[str, object]] = {
    "core": {
        "executor": "airflow.providers.celery.executors.celery_executor.CeleryExecutor",
        "execution_api_server_url": "https://api-server:8080/execution/",
    },
    "api": {"host": "0.0.0.0", "base_url": "https://localhost:8080"},  # noqa: S104 (compose decides what is published)
    "logging": {"base_log_folder": "/var/log/backoffice"},
    "fab": {"enable_proxy_fix": True},
    "celery": {
        "celery_config_options": "backoffice.orchestration.celery_worker.CONFIG",
        "worker_concurrency": airflow.parallelism(),
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
    },
    # A message is given to another worker after this many seconds: longer than any task may take.
    "celery_broker_transport_options": {"visibility_timeout": 21_600},
}
"""What production sets otherwise, or beside, what :func:`backoffice.stack.airflow.configuration` says."""

_FROM_FILES = {
    ("core", "fernet_key"): "airflow_fernet_key",
    ("database", "sql_alchemy_conn"): "airflow_database_url",
    ("api", "secret_key"): "airflow_api_secret",
    ("api_auth", "jwt_secret"): "airflow_jwt_secret",
    ("celery", "broker_url"): "broker_url",
    ("celery", "result_backend"): "broker_results_url",
}


def airflow_configuration() -> str:
    """The text of ``airflow.cfg`` in the image: the embedded stack's options, the differences, secrets read from files."""
    parser = configparser.RawConfigParser()
    parser.read_string(airflow.configuration(embedded_settings()))
    parser.read_dict({name: {key: str(value) for key, value in keys.items()} for name, keys in DIFFERENCES.items()})
    for (section, option), file in _FROM_FILES.items():
        parser.remove_option(section, option)
        parser.set(section, f"{option}_cmd", f"cat {_SECRETS}/{file}")
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def embedded_settings() -> airflow.AirflowSettings:
    """The embedded stack's, as they would be in the image."""
    return airflow.AirflowSettings(
        home=Path("/run/backoffice/airflow"),
        root=Path("/srv/backoffice"),
        address="https://localhost:8080",
        port=8080,
        ca=Path(_SECRETS, "ca.pem"),
        certificate=None,  # the API server's alone: its environment names it
        database_url="",
        fernet_key="",
        jwt_secret="",
        api_secret="",
        parallelism=airflow.parallelism(),
    )


def make_secrets(folder: Path, store_hosts: tuple[str, ...]) -> list[str]:
    """Make what is missing in ``folder``; gives the names of the files that are new.

    :param store_hosts: names under which clients and services reach the object store; its certificate bears them.
    """
    from backoffice.stack.internal_ca import issue_all

    before = _listing(folder)
    kept = Secrets(folder)
    _passwords(folder, kept)
    _store(folder)
    _company(folder)
    _openbao(folder)
    issue_all(folder, store_hosts)
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(0o400)
    after = _listing(folder)
    return sorted(name for name, stamp in after.items() if before.get(name) != stamp)


def security(keys: dict[str, str]) -> str:
    """SeaweedFS's ``security.toml`` as in the embedded stack, for certificates under ``/etc/seaweedfs/tls``."""
    return seaweedfs.SeaweedFS(Path("/etc/seaweedfs")).security(keys)


def _passwords(folder: Path, kept: Secrets) -> None:
    """Passwords, and the addresses that hold them: one file each, so that a service gets no more than it needs."""
    for name in ("postgres_password", "airflow_fernet_key", "airflow_api_secret", "airflow_admin_password"):
        kept.get(name)
    _once(
        folder / "airflow_jwt_secret", lambda: secrets.token_urlsafe(64)
    )  # HMAC-SHA-512 wants a key as long as its output
    for role, (file, driver) in _ADDRESSES.items():
        password = quote(kept.get(f"{role}_password"), safe="")
        # TLS and the authority are set by PGSSLMODE and PGSSLROOTCERT, which every driver reads.
        url = f"postgresql+{driver}://{role}:{password}@postgres:5432/{postgres.ROLES[role]}"
        _once(folder / file, lambda text=url: text)
    password = kept.get("broker_password")
    trust = f"ssl_cert_reqs=required&ssl_ca_certs={_SECRETS}/ca.pem"
    for file, database in (("broker_url", 0), ("broker_results_url", 1)):
        _once(folder / file, lambda d=database: f"rediss://:{quote(password, safe='')}@broker:6379/{d}?{trust}")
    _once(folder / "broker.conf", lambda: f"requirepass {password}\n")


def _store(folder: Path) -> None:
    """The object store's own keys and its service identities. ``store_key`` in it opens every object at rest."""
    names = ("volume_write", "volume_read", "filer_write", "filer_read", "store_key", "admin_password")
    _once(folder / "store_security.toml", lambda: security({name: secrets.token_hex(32) for name in names}))
    inside = tomllib.loads((folder / "store_security.toml").read_text(encoding="utf-8"))
    _once(folder / "store_filer_key", lambda: inside["jwt"]["filer_signing"]["key"])
    for name, make in (("store_identities.json", seaweedfs.identities), ("store_sessions.json", seaweedfs.sessions)):
        _anew(folder / name, make)
    found = json.loads((folder / "store_identities.json").read_text(encoding="utf-8"))["identities"]
    for identity, who in (("intake", "intake"), ("eraser", "eraser"), ("admin", "manager")):
        pair = next(entry for entry in found if entry["name"] == identity)["credentials"][0]
        _once(folder / f"backoffice_store_{who}_access_key", lambda p=pair: p["accessKey"])
        _once(folder / f"backoffice_store_{who}_secret_key", lambda p=pair: p["secretKey"])


def _company(folder: Path) -> None:
    """The company's keys. Lost, they are lost for good; copied, every client's data is open."""
    from backoffice.onboarding import write_private
    from backoffice.vault.master import MasterKeys
    from backoffice.vault.openpgp import generate
    from backoffice.vault.signing import SigningKey

    if not (folder / "master.key").exists():
        MasterKeys.create(folder / "master.key")
    if not (folder / "signing.pem").exists():
        SigningKey.create(folder / "signing.pem")
    if not (folder / "company.key.pgp").exists():
        made = generate("Back office")
        write_private(folder / "company.asc", made.certificate)
        write_private(folder / "company.key.pgp", made.secret)


def _openbao(folder: Path) -> None:
    """For who runs it: the key that it opens itself with, and the secrets of its roles."""
    _once(folder / "openbao_seal.key", lambda: secrets.token_bytes(32))
    for role in ("owner", "worker", "eraser", "administrator"):
        _once(folder / f"openbao_{role}_secret", lambda: secrets.token_urlsafe(32))


def _once(path: Path, content: Callable[[], str | bytes]) -> None:
    from backoffice.onboarding import write_private

    if not path.exists():
        write_private(path, content())


def _anew(path: Path, make: Callable[[dict[str, Any] | None], dict[str, Any]]) -> None:
    """Keys stay; the rest is as this version of the code has it."""
    from backoffice.stack.process import write_private

    before = path.read_text(encoding="utf-8") if path.exists() else None
    text = json.dumps(make(json.loads(before) if before else None), indent=1)
    if text != before:
        write_private(path, text)


def _listing(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}


def main(arguments: list[str]) -> None:
    """The command line above."""
    if arguments == ["airflow.cfg"]:
        print(airflow_configuration(), end="")
    elif arguments[:1] == ["secrets"] and len(arguments) >= 3:
        new = make_secrets(Path(arguments[1]), tuple(arguments[2:]))
        print(f"New: {', '.join(new)}." if new else "Nothing was missing.")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
