"""The ``backoffice`` command. Exit codes: 0 done, 2 wrong usage, 3 and up as in :mod:`backoffice.errors`."""

from __future__ import annotations

import os
import sys

import typer

from backoffice.child import undumpable
from backoffice.commands import certificate, client, demo, drop, job, keys, project, sow, stack
from backoffice.discretion import bare, quiet_hooks, without_text
from backoffice.errors import BackofficeError

__all__ = ["app", "main"]

app = typer.Typer(
    name="backoffice",
    help="Client data in, checked and encrypted results out, everything deleted and proven deleted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local variables would show a client's values
    rich_markup_mode=None,
)
app.add_typer(stack.app, name="stack")
app.add_typer(project.app, name="project")
app.add_typer(client.app, name="client")
app.add_typer(job.app, name="job")
app.add_typer(sow.app, name="sow")
app.add_typer(certificate.app, name="certificate")
app.add_typer(keys.app, name="keys")
app.command("drop")(drop.drop)
app.command("setup")(project.setup)
app.command("demo")(demo.demo)


def main() -> None:
    """Run the command; an error of ours is two lines on standard error and an exit code that means something.

    Whatever it or a server that it starts writes is for its user's eyes alone, and nothing of it is dumped to disk. An
    error that nobody expected is named by its class, never quoted.
    """
    os.umask(0o077)
    undumpable()
    quiet_hooks()
    failure: BackofficeError | None = None
    try:
        app()
    except BackofficeError as error:
        bare(error)
        failure = error
    except Exception as error:  # noqa: BLE001 (the boundary: whatever it is, its text stays here)
        failure = without_text(error)
    if failure is not None:
        print(f"backoffice: {failure.message}", file=sys.stderr)
        if failure.hint:
            print(failure.hint, file=sys.stderr)
        sys.exit(failure.exit_code)


if __name__ == "__main__":
    main()
