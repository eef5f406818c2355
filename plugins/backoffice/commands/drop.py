"""``backoffice drop``: hand in a file as the client would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["drop"]


def drop(
    project: Annotated[str, typer.Argument(help="As in `project list`.")],
    file: Annotated[
        Path, typer.Argument(help="A plaintext file; it is encrypted before it leaves.", exists=True, dir_okay=False)
    ],
    wait: Annotated[bool, typer.Option("--wait", help="Until it is delivered, held or rejected.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.")] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Encrypt FILE to the project, sign it with the client's key, upload it with the client's credentials."""
    from backoffice.commands.job import wait_for_claim, wait_until
    from backoffice.deployment import deployment
    from backoffice.errors import StackError
    from backoffice.kit import Kit
    from backoffice.onboarding import kit_folder

    with deployment() as opened:
        folder = kit_folder(opened, project)
        if not (folder / "client.key.pgp").exists():
            client = project.partition("_")[0]
            raise StackError(
                f"There is no client key in the kit of {project}.",
                hint=f"Play the client: `backoffice client trial {client}`.",
            )
        dropped = Kit(folder).drop(file)
        result: dict[str, Any] = {"bucket": dropped.bucket, "key": dropped.key, "version": dropped.version_id}
        if wait:
            job = wait_until(
                opened, wait_for_claim(opened, dropped.bucket, dropped.version_id, timeout=timeout), timeout=timeout
            )
            result |= {"job": str(job.id), "state": str(job.state), "message": job.message}
    if as_json:
        print(json.dumps(result, indent=2))
    elif wait:
        print(f"Job {result['job']} is {result['state']}.{' ' + result['message'] if result['message'] else ''}")
    else:
        print(f"Dropped into {dropped.bucket} as version {dropped.version_id}.")
    if wait and result["state"] in ("rejected", "held", "waiting"):
        raise typer.Exit(5)
