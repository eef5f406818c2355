"""Make a project ready to receive: bucket, keys, credentials, and the kit that the client gets. Idempotent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from backoffice.errors import VaultError
from backoffice.vault.key_files import replace_private

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["enrol", "kit_folder", "onboard", "sample_client", "write_private"]


def kit_folder(deployment: Deployment, project_id: str) -> Path:
    """Where the kit of a project is laid out, to be handed to its client."""
    return deployment.settings.var / "kits" / project_id


def onboard(deployment: Deployment, project_id: str) -> Path:
    """Create what a project needs and lay out its kit, without the client's own key; never with a certificate that has ended.

    :raises ContractError: the project's SOW or DPA is missing or wrong.
    """
    from backoffice.ending import has_ended
    from backoffice.storage.credentials import Credentials
    from backoffice.vault.openpgp import expires_at
    from backoffice.vault.signing import SigningKey

    project, have = deployment.project(project_id), deployment.settings
    deployment.store_manager.create_bucket(project.bucket)
    certificate = deployment.key_owner.create(project_id)
    if has_ended(expires_at(certificate)):  # nobody can encrypt to it any more
        certificate = deployment.key_owner.renew(project_id)
    folder = kit_folder(deployment, project_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    if not all((folder / f"{name}.json").exists() for name in ("drop", "collect")):
        credentials = Credentials(deployment.store_manager.settings).issue(project_id, bucket=project.bucket)
        for name, pair in (("drop", credentials.drop), ("collect", credentials.collect)):
            write_private(
                folder / f"{name}.json", json.dumps({"access_key": pair.access_key, "secret_key": pair.secret_key})
            )
    address = {
        "endpoint": have.store_endpoint,
        "bucket": project.bucket,
        "region": have.store_region,
        "project": project_id,
    }
    (folder / "kit.json").write_text(json.dumps(address, indent=2) + "\n", encoding="utf-8")
    (folder / "project.asc").write_text(certificate, encoding="utf-8")
    (folder / "company.asc").write_text(have.company_certificate_file.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "company.pem").write_bytes(SigningKey.load(have.signing_key_file).public_pem())
    if have.store_ca is not None:
        shutil.copyfile(have.store_ca, folder / "ca.pem")
    return folder


def enrol(deployment: Deployment, client: str, certificate: str) -> None:
    """Take a client's OpenPGP certificate: what we deliver is encrypted to it, what it drops is signed by it.

    :raises VaultError: it is not a certificate, or it is a secret key, which is the client's alone and is not kept here.
    """
    from backoffice.vault.openpgp import fingerprint

    fingerprint(certificate)
    deployment.ledger.enrol(client, certificate)
    for secret, own in _trial_keys(deployment, client):
        if own.read_text(encoding="utf-8") != certificate:  # of a trial before: nothing to hand over
            secret.unlink()
            own.unlink()


def sample_client(deployment: Deployment, client: str, kits: list[Path]) -> None:
    """For a trial: make the key that a real client would make for itself, put it into its kits, enrol its certificate.

    The key is in kits and nowhere else: in production no service sees those. The client's other kits have the same.

    :raises VaultError: the client is enrolled with a certificate of its own.
    """
    from backoffice.vault.openpgp import OpenPgpKey, generate

    for secret, own in _trial_keys(deployment, client):
        key = OpenPgpKey(secret.read_bytes(), own.read_text(encoding="utf-8"))
        break
    else:
        key = generate(f"{client} (trial)")
    if deployment.ledger.certificate_of(client) not in (None, key.certificate):
        raise VaultError(
            f"{client} is enrolled with a certificate of its own: a trial would lock it out.",
            hint="Try with a client that is not enrolled.",
        )
    for kit in kits:
        write_private(kit / "client.key.pgp", key.secret)
        (kit / "client.asc").write_text(key.certificate, encoding="utf-8")
    enrol(deployment, client, key.certificate)


def _trial_keys(deployment: Deployment, client: str) -> list[tuple[Path, Path]]:
    """The secret key and the certificate of a trial in each of a client's kits that has them."""
    kits = sorted(kit_folder(deployment, client).parent.glob(f"{client}_*"))
    pairs = [(kit / "client.key.pgp", kit / "client.asc") for kit in kits]
    return [pair for pair in pairs if all(file.exists() for file in pair)]


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file that only its owner reads; never half of it, and on disk when this returns."""
    replace_private(path, content.encode() if isinstance(content, str) else content, what=path.name)
