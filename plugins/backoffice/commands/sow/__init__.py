"""``backoffice sow``: write a Statement of Work, and try it without any server. One module a verb."""

from __future__ import annotations

import typer

from backoffice.commands.sow import check, explain, run

__all__ = ["app"]

app = typer.Typer(help="Statements of Work: check, try, explain.", no_args_is_help=True)
app.command()(check.check)
app.command()(explain.explain)
app.command()(run.run)
