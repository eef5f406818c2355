"""Bring Airflow's own database up to date and make its first user: one process, because importing Airflow is slow.

``python -m backoffice.orchestration.bootstrap USER PASSWORD_FILE``; the password is read from the file, never from a
command line that everyone can list.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["main"]


def main(user: str, password_file: Path) -> None:
    """Migrate, then create ``user`` as an administrator, or set its password anew."""
    from airflow.utils.db import upgradedb

    upgradedb()
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    password = password_file.read_text(encoding="utf-8").strip()
    with get_application_builder() as builder:
        manager = builder.sm
        found = manager.find_user(username=user)
        if found is None:
            email, role = f"{user}@localhost", manager.find_role("Admin")
            manager.add_user(user, "First", "Administrator", email, role, password=password)
        else:
            manager.reset_password(found.id, password)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
