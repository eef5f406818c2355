"""One deployment as a process sees it: the ledger, the keys, the store and the company's own keys, opened from settings.

A stage takes a :class:`Deployment` and a job's id; it never reads settings or builds a client of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from pydantic import SecretStr
from sqlalchemy import Engine, create_engine

from backoffice.contract import Project, load_project
from backoffice.errors import LedgerError, StorageError, VaultError
from backoffice.ledger import UNDER_WAY, Job, Ledger
from backoffice.settings import Settings, settings
from backoffice.storage import Issuer, JobAccess, JobStore, Store, StoreSettings
from backoffice.vault.destroying import KeyEraser
from backoffice.vault.escrow import Escrow
from backoffice.vault.keys import ProjectKeys
from backoffice.vault.root_key import RootKey

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
    def keys(self) -> ProjectKeys:
        """The key store as who works: opens what there is, makes keys for jobs, destroys nothing.

        :raises VaultError: this process was not given the key store, or no key to open it.
        """
        return ProjectKeys(_key_store(self.settings.keystore_url, "open"), self.root_key, self.settings.tombstones_file)

    @cached_property
    def key_owner(self) -> ProjectKeys:
        """The key store as who makes it, and keys for projects; onboarding and rotation alone need it.

        :raises VaultError: as :attr:`keys`.
        """
        engine = _key_store(self.settings.keystore_owner_url, "make")
        return ProjectKeys(engine, self.root_key, self.settings.tombstones_file)

    @cached_property
    def key_eraser(self) -> KeyEraser:
        """The key store as who destroys, and cannot open.

        :raises VaultError: as :attr:`keys`.
        """
        engine = _key_store(self.settings.keystore_eraser_url, "destroy")
        root = self.root_key if self.settings.openbao_url else None
        return KeyEraser(engine, root, self.settings.tombstones_file)

    def escrow(self, *, restore: bool = False) -> Escrow:
        """The key store's copies of its last days.

        :param restore: to put one back, as the key store's owner.
        :raises VaultError: this deployment keeps none, or this process may not.
        """
        have = self.settings
        if have.escrow_folder is None or have.escrow_keys_folder is None:
            raise VaultError(
                "No escrow is kept.", hint="Set BACKOFFICE_ESCROW_FOLDER and BACKOFFICE_ESCROW_KEYS_FOLDER."
            )
        url, verb = (have.keystore_owner_url, "restore") if restore else (have.keystore_url, "copy")
        return Escrow(
            _key_store(url, verb),
            copies=have.escrow_folder,
            keys=have.escrow_keys_folder,
            tombstones=have.tombstones_file,
        )

    @cached_property
    def root_key(self) -> RootKey:
        """What wraps the projects' keys: OpenBao, or a master key.

        :raises VaultError: this process was given none of them, or more than one.
        """
        from backoffice.vault.master import MasterKeys
        from backoffice.vault.openbao import OpenBao, TransitKeys

        have = self.settings
        given = [
            one for one in (have.openbao_url, have.master_key_file, have.master_key, have.master_key_credential) if one
        ]
        if len(given) != 1:
            raise VaultError(
                f"This process has {len(given)} places for what opens the key store, not one.",
                hint="Set BACKOFFICE_OPENBAO_URL, or one of BACKOFFICE_MASTER_KEY_FILE, …_MASTER_KEY, …_MASTER_KEY_CREDENTIAL.",
            )
        if have.openbao_url:
            if have.openbao_role is None or have.openbao_secret_file is None:
                raise VaultError(
                    "This process has no role in OpenBao.", hint="Set BACKOFFICE_OPENBAO_ROLE and …_SECRET_FILE."
                )
            return TransitKeys(
                OpenBao(
                    url=have.openbao_url,
                    ca=have.openbao_ca,
                    role=have.openbao_role,
                    secret_file=have.openbao_secret_file,
                    mount=have.openbao_mount,
                )
            )
        if have.master_key_file:
            return MasterKeys.from_file(have.master_key_file)
        if have.master_key:
            return MasterKeys.from_text(have.master_key.get_secret_value())
        return MasterKeys.from_credential(str(have.master_key_credential))

    def store_of(self, job: Job) -> JobStore:
        """The object store as one job sees it; what every stage works with. Intake gives it access. Ask for it each time: the
        ledger is asked whether the job is still under way. Who lost touch with the ledger has lost its lock on the job too,
        and somebody else may have delivered the job since, and erased it.

        :raises LedgerError: it is not.
        :raises StorageError: the job has none, or it has ended.
        :raises VaultError: the job's key is destroyed, and its access with it.
        """
        if job.access_sealed is None or job.access_until is None or job.access_until <= datetime.now(UTC):
            raise StorageError(
                f"Job {job.id} has no access to the object store any more, or not yet.",
                hint="The DAG `intake` renews it for every job that is under way. See that it runs, then clear this task.",
            )
        opened = self._job_stores.get(job.access_sealed)
        if opened is None:
            access = JobAccess.from_bytes(self.keys.unseal(job.project, job.id, job.access_sealed))
            opened = self._job_stores[job.access_sealed] = JobStore(self._reach("", ""), access)
        now = self.ledger.job(job.id).state
        if now not in UNDER_WAY:
            raise LedgerError(f"Job {job.id} is {now}: nothing works on it any more.")
        return opened

    @cached_property
    def store_intake(self) -> Store:
        """The object store as who receives: lists, takes notes of acceptance, puts receipts and certificates.

        :raises VaultError: this process was not given those credentials; so with the next two.
        """
        have = self.settings
        return self._store(have.store_intake_access_key, have.store_intake_secret_key, "receive")

    @cached_property
    def store_eraser(self) -> Store:
        """The object store as who deletes, and reads nothing."""
        have = self.settings
        return self._store(have.store_eraser_access_key, have.store_eraser_secret_key, "erase")

    @cached_property
    def store_manager(self) -> Store:
        """The object store as the one who makes buckets and credentials; onboarding alone needs it."""
        have = self.settings
        return self._store(have.store_manager_access_key, have.store_manager_secret_key, "make buckets or credentials")

    @cached_property
    def issuer(self) -> Issuer:
        """Who gives jobs access to the object store; intake alone."""
        return Issuer(self.store_intake.settings)

    @cached_property
    def _job_stores(self) -> dict[bytes, JobStore]:
        return {}

    def _store(self, access_key: SecretStr | None, secret_key: SecretStr | None, verb: str) -> Store:
        if access_key is None or secret_key is None:
            raise VaultError(f"This process may not {verb}: it was not given the object store's keys for that.")
        return Store(self._reach(access_key.get_secret_value(), secret_key.get_secret_value()))

    def _reach(self, access_key: str, secret_key: str) -> StoreSettings:
        have = self.settings
        return StoreSettings(
            endpoint=have.store_endpoint,
            region=have.store_region,
            ca=have.store_ca,
            access_key=access_key,
            secret_key=secret_key,
            master_url=have.store_master_url,
            master_certificate=have.store_master_certificate,
        )

    def project(self, project_id: str) -> Project:
        """The project's SOW and DPA as they are on disk now.

        :raises ContractError: a file is missing or wrong.
        """
        return load_project(project_id, root=self.settings.root)


def _key_store(url: SecretStr | None, verb: str) -> Engine:
    if url is None:
        raise VaultError(f"This process may not {verb} keys: it was not given the key store for that.")
    return create_engine(url.get_secret_value(), hide_parameters=True, pool_pre_ping=True, pool_size=2)


@contextmanager
def deployment() -> Iterator[Deployment]:
    """The deployment that this process's settings name; connections are given back at the end."""
    opened = Deployment(settings())
    try:
        yield opened
    finally:
        if "ledger" in opened.__dict__:
            opened.ledger.close()
