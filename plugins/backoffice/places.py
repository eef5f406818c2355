"""Where this deployment's folders are. Light: every command asks, and few of them need more settings than these."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["ROOT", "root_folder", "spill_folder", "spill_limit", "var_folder"]

ROOT = Path(__file__).resolve().parents[2]
"""The checkout: where ``sow/``, ``dags/`` and ``expectations/`` are, unless ``BACKOFFICE_ROOT`` says otherwise."""


def var_folder() -> Path:
    """Where this deployment keeps its state: ``BACKOFFICE_VAR``, else ``var/`` in the checkout."""
    return Path(os.environ.get("BACKOFFICE_VAR", ROOT / "var")).resolve()


def root_folder() -> Path:
    """Where ``sow/`` and ``expectations/`` are: ``BACKOFFICE_ROOT``, else the checkout. Needs no settings file."""
    return Path(os.environ.get("BACKOFFICE_ROOT", ROOT)).resolve()


def spill_folder() -> Path:
    """Where what outgrows memory lies, encrypted: ``BACKOFFICE_SPILL``, else the system's temporary folder."""
    return Path(os.environ.get("BACKOFFICE_SPILL") or tempfile.gettempdir())


def spill_limit() -> str | None:
    """How much of it one connection of DuckDB may fill, as DuckDB writes it: ``BACKOFFICE_SPILL_LIMIT``, else what is free."""
    return os.environ.get("BACKOFFICE_SPILL_LIMIT") or None
