"""Settings of one deployment, from the environment (``BACKOFFICE_…``), a settings file, or files in a secrets folder.

The embedded stack writes ``var/backoffice.env``; in production the orchestrator mounts secrets as files and sets
``BACKOFFICE_SECRETS`` to their folder. What operators change while it runs lives in Airflow's variables, not here.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from backoffice.places import root_folder, var_folder

__all__ = ["Settings", "settings"]


class Settings(BaseSettings):
    """Everything a process of ours needs to know to reach the ledger, the key store and the object store."""

    model_config = SettingsConfigDict(
        env_prefix="BACKOFFICE_", env_file_encoding="utf-8", extra="ignore", hide_input_in_errors=True
    )

    root: Path = Field(default_factory=root_folder, description="the checkout with sow/, dags/ and expectations/")
    var: Path = Field(default_factory=var_folder, description="state that is not in a database or a bucket")

    ledger_url: SecretStr = Field(description="SQLAlchemy URL of the ledger")
    keystore_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL of the key store, another database, as who opens keys and destroys none"
    )
    keystore_owner_url: SecretStr | None = Field(
        None, description="the same as who makes projects' keys: onboarding only"
    )
    keystore_eraser_url: SecretStr | None = Field(None, description="the same as who destroys keys and opens none")
    master_key_file: Path | None = Field(None, description="32 bytes that wrap the projects' keys, in a private file")
    master_key: SecretStr | None = Field(None, description="the same as a secret of the environment, base64")
    master_key_credential: str | None = Field(
        None, description="the same as a credential that systemd hands over: its name"
    )
    openbao_url: str | None = Field(None, description="OpenBao, whose transit engine wraps the projects' keys instead")
    openbao_ca: Path | None = Field(None, description="CA bundle that OpenBao's certificate is checked against")
    openbao_role: str | None = Field(None, description="the id of this process' role there (AppRole)")
    openbao_secret_file: Path | None = Field(None, description="that role's secret id, in a private file")
    openbao_mount: str = Field("transit", description="where the transit engine is mounted")
    signing_key_file: Path = Field(description="the company's Ed25519 key: certificates and receipts")
    company_key_file: Path = Field(description="the company's OpenPGP key: deliveries are signed with it")
    company_certificate_file: Path = Field(description="its public half, in every client's kit")
    tombstones_file: Path = Field(description="ids of destroyed keys, outside the key store (P17)")

    escrow_folder: Path | None = Field(None, description="where copies of the key store lie, of its last days")
    escrow_keys_folder: Path | None = Field(None, description="where their keys lie: a folder on another system")

    store_endpoint: str = Field(description="URL of the S3 server")
    store_region: str = Field("eu-central-1", description="where the store is, as the store names it")
    store_ca: Path | None = Field(None, description="CA bundle that the store's certificate is checked against")
    store_intake_access_key: SecretStr | None = Field(
        None,
        description="lists, takes notes of acceptance, puts receipts, gives each job access to the store: intake only",
    )
    store_intake_secret_key: SecretStr | None = None
    store_eraser_access_key: SecretStr | None = Field(
        None, description="lists and deletes, reads nothing: erasure only"
    )
    store_eraser_secret_key: SecretStr | None = None
    store_manager_access_key: SecretStr | None = Field(
        None, description="makes buckets and credentials: onboarding only"
    )
    store_manager_secret_key: SecretStr | None = None
    store_master_url: str | None = Field(None, description="SeaweedFS master, to free the space of deleted objects")
    store_master_certificate: Path | None = Field(None, description="certificate and key that the master asks for")

    airflow_url: str | None = Field(None, description="where the Airflow UI is; shown, never called by a stage")
    intake_seconds: float = Field(0.5, gt=0, description="pause between two looks at the buckets")
    engine_memory: str = Field("600MB", description="DuckDB's memory limit for one job")
    engine_threads: int = Field(2, ge=1, description="threads of one job: to read a long list, of DuckDB, of Spark")
    spark_memory: str = Field("1g", description="Spark's Java memory for one job, where a SOW says `engine: spark`")
    drop_limit_bytes: int = Field(2 * 1024**3, gt=0, description="the largest plaintext a drop may unfold to")


@cache
def settings() -> Settings:
    """The settings of this process, read once.

    :raises pydantic.ValidationError: a required one is missing; ``backoffice stack up`` writes them for the embedded stack.
    """
    secrets = os.environ.get("BACKOFFICE_SECRETS")
    sources: dict[str, Any] = {"_env_file": var_folder() / "backoffice.env", "_secrets_dir": secrets or None}
    return Settings(**sources)
