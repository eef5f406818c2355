"""``backoffice sow``: write a Statement of Work, and try it without any server. One module a verb."""

from __future__ import annotations

import typer

from backoffice.commands.sow import check, diff, explain, new, preview, profile, run, schema, steps, suite, test
from backoffice.commands.sow.failing import Guarded

__all__ = ["app"]

app = typer.Typer(
    cls=Guarded, help="Statements of Work: write, check, try, explain.", no_args_is_help=True, rich_markup_mode=None
)
app.command()(new.new)
app.command()(check.check)
app.command()(steps.steps)
app.command()(schema.schema)
app.command()(preview.preview)
app.command()(explain.explain)
app.command()(run.run)
app.command()(test.test)
app.command()(suite.suite)
app.command()(diff.diff)
app.command()(profile.profile)
