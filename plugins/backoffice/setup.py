"""Bring a deployment's own stores up to date: ledger, key store, the company's keys, every project's bucket. Idempotent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["set_up"]


def set_up(deployment: Deployment) -> list[str]:
    """Migrate, make what is missing, onboard every project that has an agreement; gives the ids of those projects.

    A project whose SOW or DPA is wrong is left out, so that it does not keep the others from working.
    """
    from backoffice.contract import project_ids
    from backoffice.errors import ContractError
    from backoffice.ledger.migrate import migrate
    from backoffice.onboarding import onboard, write_private
    from backoffice.vault.master import MasterKeys
    from backoffice.vault.openpgp import generate
    from backoffice.vault.signing import SigningKey

    have = deployment.settings
    if have.master_key_file and not have.master_key_file.exists():
        MasterKeys.create(have.master_key_file)
    if not have.signing_key_file.exists():
        SigningKey.create(have.signing_key_file)
    if not have.company_key_file.exists():
        made = generate("Back office")
        write_private(have.company_certificate_file, made.certificate)
        write_private(have.company_key_file, made.secret)
    have.tombstones_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    deployment.key_owner.create_schema()
    migrate(deployment.ledger.engine)
    ready = []
    for project_id in project_ids(have.root):
        try:
            onboard(deployment, project_id)
        except ContractError:
            continue
        ready.append(project_id)
    return ready
