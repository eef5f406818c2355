"""A deployment without Airflow: a real ledger, key store and object store, and one or two projects in a root of their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from backoffice.deployment import Deployment
from backoffice.ids import new_id
from backoffice.onboarding import enrol
from backoffice.settings import Settings
from backoffice.setup import set_up
from backoffice.stack.seaweedfs import SeaweedFS
from backoffice.vault.memory import memory
from backoffice.vault.openpgp import encrypt, generate
from tests.system.house import people

ROOT = Path(__file__).resolve().parents[1]
CLIENT = generate("client")


@contextmanager
def deploy(place: Path, postgres: str, server: SeaweedFS, *clients: str) -> Iterator[Deployment]:
    """Each client has the sample project ``<client>_contacts`` and the key :data:`CLIENT`."""
    root = place / "root"
    for client in clients:
        (root / "sow" / client).mkdir(parents=True)
        for file in ("dpa.yaml", "contacts.yaml"):
            words = (ROOT / "sow" / "acme" / file).read_text()
            words = words.replace("client: acme ", f"client: {client} ").replace(
                "signers: [acme]", f"signers: [{client}]"
            )
            (root / "sow" / client / file).write_text(words)
        shutil.copytree(ROOT / "expectations" / "acme", root / "expectations" / client)
    urls = {name: _database(postgres, f"{name}_{new_id().hex}") for name in ("ledger", "keystore")}
    secrets = place / "secrets"
    secrets.mkdir(mode=0o700)
    admin = server.settings("admin")
    keys = {who: server.settings(name) for who, name in _STORE.items()}
    values: dict[str, Any] = {
        "root": root,
        "var": place / "var",
        "ledger_url": SecretStr(urls["ledger"]),
        **{f"keystore_{who}url": SecretStr(_as(role, urls["keystore"])) for who, role in _KEY_STORE.items()},
        "master_key_file": secrets / "master.key",
        "signing_key_file": secrets / "signing.pem",
        "company_key_file": secrets / "company.key.pgp",
        "company_certificate_file": secrets / "company.asc",
        "tombstones_file": place / "tombstones" / "keys.jsonl",
        "escrow_folder": place / "escrow" / "copies",
        "escrow_keys_folder": place / "escrow" / "keys",
        "store_endpoint": admin.endpoint,
        "store_region": admin.region,
        "store_ca": admin.ca,
        **{f"store_{who}_access_key": SecretStr(have.access_key) for who, have in keys.items()},
        **{f"store_{who}_secret_key": SecretStr(have.secret_key) for who, have in keys.items()},
        "store_master_url": admin.master_url,
        "store_master_certificate": admin.master_certificate,
    }
    have = Settings(**values)
    made = Deployment(have)
    projects = set_up(made)
    for client in clients:
        enrol(made, client, CLIENT.certificate)
    for name in projects:  # the store is shared: a test begins with empty buckets
        made.store_manager.erase(name.replace("_", "-"), prefix="")
    try:
        yield made
    finally:
        made.ledger.close()
        for keys in (made.keys, made.key_owner, made.key_eraser):
            keys._engine.dispose()


_STORE = {"intake": "intake", "eraser": "eraser", "manager": "admin"}
_KEY_STORE = {"": "keystore_worker", "owner_": "keystore", "eraser_": "keystore_eraser"}


def drop(deployment: Deployment, project: str, content: bytes = b"") -> str:
    """Put a file into a project's bucket, encrypted and signed as its client does; gives the version."""
    with memory("in") as plain, memory("out") as sealed:
        plain.write(content or people(20))
        plain.flush()
        encrypt(plain, sealed, recipients=[deployment.keys.certificate(project)], signer=CLIENT.secret)
        return deployment.store_manager.put(project.replace("_", "-"), f"in/{new_id()}.pgp", sealed).version_id


def _as(role: str, url: str) -> str:
    """The server lets a role into its own database alone: the administrator takes on the role instead."""
    return make_url(url).update_query_dict({"options": f"-crole={role}"}).render_as_string(hide_password=False)


def _database(postgres: str, name: str) -> str:
    """A database of its own, so that no other test's rows are in it."""
    superuser = make_url(postgres.format("postgres"))
    with create_engine(superuser, isolation_level="AUTOCOMMIT").connect() as db:
        db.execute(text(f'CREATE DATABASE "{name}" OWNER {name.partition("_")[0]}'))
    return superuser.set(database=name).render_as_string(hide_password=False)


def checked(deployment: Deployment) -> UUID:
    """A drop of contacts whose job has come as far as that."""
    from backoffice.intake.reconcile import Intake
    from backoffice.quality.stage import check
    from backoffice.transform.stage import prepare

    drop(deployment, "acme_contacts")
    Intake(deployment, lambda *_: True).look()
    job = deployment.ledger.jobs()[-1].id
    prepare(deployment, job)
    check(deployment, job)
    return job
