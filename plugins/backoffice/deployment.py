"""One deployment as a process sees it: the ledger, the keys, the store and the company's own keys, opened from settings.

A stage takes a :class:`Deployment` and a job's id; it never reads settings or builds a client of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from pydantic import SecretStr
from sqlalchemy import create_engine

from backoffice.contract import Project, load_project
from backoffice.errors import VaultError
from backoffice.ledger import Ledger
from backoffice.settings import Settings, settings
from backoffice.storage import Store, StoreSettings
from backoffice.vault.keys import EmbeddedKeys
from backoffice.vault.master import MasterKey

__all__ = ["Deployment", "deployment"]


@dataclass(frozen=True)
class Deployment:
    """What stages work with. Parts are opened on first use, and shared within the process."""

    settings: Settings

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.settings.ledger_url.get_secret_value())

    @cached_property
    def keys(self) -> EmbeddedKeys:
        """The key store."""
        engine = create_engine(
            self.settings.keystore_url.get_secret_value(), hide_parameters=True, pool_pre_ping=True, pool_size=2
        )
        master = MasterKey.from_file(self.settings.master_key_file)
        return EmbeddedKeys(engine, master, self.settings.tombstones_file)

    @cached_property
    def store(self) -> Store:
        """The object store as the processor: objects, no buckets, no credentials."""
        have = self.settings
        return self._store(have.store_access_key, have.store_secret_key)

    @cached_property
    def store_manager(self) -> Store:
        """The object store as the one who makes buckets and credentials; onboarding alone needs it.

        :raises VaultError: this process was not given the manager's credentials.
        """
        have = self.settings
        if have.store_manager_access_key is None or have.store_manager_secret_key is None:
            raise VaultError("This process may not make buckets or credentials.", hint="Set the store manager's keys.")
        return self._store(have.store_manager_access_key, have.store_manager_secret_key)

    def _store(self, access_key: SecretStr, secret_key: SecretStr) -> Store:
        have = self.settings
        return Store(
            StoreSettings(
                endpoint=have.store_endpoint,
                region=have.store_region,
                ca=have.store_ca,
                access_key=access_key.get_secret_value(),
                secret_key=secret_key.get_secret_value(),
                master_url=have.store_master_url,
                master_certificate=have.store_master_certificate,
            )
        )

    def project(self, project_id: str) -> Project:
        """The project's SOW and DPA as they are on disk now.

        :raises ContractError: a file is missing or wrong.
        """
        return load_project(project_id, root=self.settings.root)


@contextmanager
def deployment() -> Iterator[Deployment]:
    """The deployment that this process's settings name; connections are given back at the end."""
    opened = Deployment(settings())
    try:
        yield opened
    finally:
        if "ledger" in opened.__dict__:
            opened.ledger.close()
