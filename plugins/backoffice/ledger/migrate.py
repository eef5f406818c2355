"""Bring the ledger's schema to the newest revision. Alembic does the work; nothing else may change the schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

__all__ = ["migrate"]

_LOCK = 0x6C656467  # one migration at a time, whoever starts it


def migrate(engine: Engine) -> None:
    """Upgrade to the head revision. Safe to call twice, and from two processes at once."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
