"""Quality: a project's Great Expectations suite over the job's result, and a report without a single value (P4).

``check`` runs a suite over one table of a live DuckDB connection, or of Spark asked like one, and gives a
``QualityReport``: rules, columns, counts and percentages. What the library computes is never handed on as it is; an
allow-list copies out what a report holds.

``preload`` does the expensive import (about 2 CPU seconds), so that a parent process can pay it once before it forks.
Importing this package alone costs nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .report import QualityReport, Result

if TYPE_CHECKING:
    from .dialect import Connection

__all__ = ["QualityReport", "Result", "check", "preload"]


def check(connection: Connection, table: str, suite: Path) -> QualityReport:
    """Check ``table`` against the suite in the file ``suite``.

    ``connection`` is used as it is and left open; nothing is created on it, committed or rolled back. Raises:

    - ``ContractError``: the file is missing, not a suite, holds a rule that we do not support, or names a column that
      the table does not have. Every problem is listed with its file, line and column.
    - ``QualityBroken``: a rule could not be evaluated. That is our fault, never read as bad data; the message names
      rule, column and the class of the error, and no value.
    """
    from .checking import check as run

    return run(connection, table, suite)


def preload() -> None:
    """Import and warm all that ``check`` needs. Safe before ``os.fork``: no thread of ours, no DuckDB connection."""
    from .checking import warm

    warm()
