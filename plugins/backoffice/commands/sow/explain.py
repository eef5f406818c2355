"""``backoffice sow explain``."""

from __future__ import annotations

import sys

from backoffice.commands.sow.arguments import SowFile

__all__ = ["explain"]


def explain(sow: SowFile) -> None:
    """Show the one SQL query that a SOW means (DuckDB's dialect, over the table `input`)."""
    from backoffice.contract import load_sow
    from backoffice.transform import explain as explain_sql

    text = explain_sql(load_sow(sow))
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.syntax import Syntax

    Console().print(Syntax(text, "sql", background_color="default"))
