"""``backoffice job``: what became of a drop."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from backoffice.errors import LedgerError

if TYPE_CHECKING:
    from backoffice.deployment import Deployment
    from backoffice.ledger import Job

__all__ = ["app", "wait_for_claim", "wait_until"]

app = typer.Typer(help="Jobs: the processing of one drop each.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]
JobId = Annotated[UUID, typer.Argument(help="As in `job list`, and the id of the run in Airflow.")]

_SETTLED = ("delivered", "accepted", "erased", "certified", "held", "rejected", "waiting")


@app.command("list")
def list_jobs(
    project: Annotated[str | None, typer.Option(help="Only this project's.")] = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """The newest jobs and where they stand."""
    from backoffice.deployment import deployment

    with deployment() as opened:
        jobs = opened.ledger.jobs(project=project, limit=limit)
    if as_json:
        rows = [
            {"job": str(job.id), "project": job.project, "state": str(job.state), "reason": job.reason, "size": job.size,
             "received_at": job.received_at.isoformat()}
            for job in jobs
        ]  # fmt: skip
        print(json.dumps(rows, indent=2))
        return
    from rich.table import Table

    from backoffice.commands import terminal

    table = Table("job", "project", "state", "received", "bytes", "", box=None)
    for job in jobs:
        received = job.received_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(job.id), job.project, str(job.state), received, f"{job.size:,}", job.reason or "")
    terminal().print(table)


@app.command()
def show(job: JobId, as_json: Json = False) -> None:
    """One job: rows, checks, delivery, erasure, certificate, seconds per stage."""
    from backoffice.deployment import deployment
    from backoffice.ledger.summary import summary

    with deployment() as opened:
        found = summary(opened.ledger, opened.ledger.job(job))
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)


@app.command()
def wait(
    job: JobId,
    until: Annotated[str, typer.Option(help="delivered or certified.")] = "delivered",
    timeout: Annotated[float, typer.Option(help="Seconds.")] = 300.0,
) -> None:
    """Wait for a job. Exit code 5 where it was rejected, is held or waits for an agreement."""
    from backoffice.deployment import deployment

    with deployment() as opened:
        settled = wait_until(opened, job, timeout=timeout, until=until)
    print(f"Job {settled.id} is {settled.state}.{' ' + settled.message if settled.message else ''}")
    if settled.state in ("rejected", "held", "waiting"):
        raise typer.Exit(5)


@app.command()
def reject(
    job: JobId, reason: Annotated[str, typer.Option(help="What the client is told; no value from the data.")]
) -> None:
    """Give up a job: tell the client, erase its data."""
    from datetime import UTC, datetime

    from backoffice.deployment import deployment
    from backoffice.ledger import JobState, Stage

    if not reason.strip():
        raise typer.BadParameter("The client is told the reason: say it.", param_hint="--reason")
    with deployment() as opened:
        values = {"reason": "rejected-by-operator", "message": reason, "results_due_at": datetime.now(UTC)}
        with opened.ledger.stage(job, Stage.REJECT) as found:  # not while a task is delivering it
            if found.state is JobState.REJECTED:
                raise LedgerError(f"Job {job} is rejected already, and the client has been told why.")
            opened.ledger.move(job, JobState.REJECTED, **values)
    print(f"Job {job} is rejected; `clocks` erases it within a minute.")


def wait_for_claim(deployment: Deployment, bucket: str, version_id: str, *, timeout: float) -> UUID:
    """The job that claimed a drop. :raises LedgerError: nobody did, in time."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        found = deployment.ledger.job_of_drop(bucket, version_id)
        if found is not None:
            return found.id
        time.sleep(0.1)
    raise LedgerError(f"After {timeout:.0f} s intake has not claimed the drop.", hint="Is the DAG `intake` running?")


def wait_until(deployment: Deployment, job: UUID, *, timeout: float, until: str = "delivered") -> Job:
    """The job once it has got there, or cannot. :raises LedgerError: it did neither, in time."""
    goals = ("certified",) if until == "certified" else _SETTLED
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        found = deployment.ledger.job(job)
        if found.state in goals:
            return found
        time.sleep(0.1)
    raise LedgerError(
        f"After {timeout:.0f} s job {job} is {deployment.ledger.job(job).state}.", hint="See its run in Airflow."
    )


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table

    from backoffice.commands import terminal

    console = terminal()
    console.print(f"[bold]{found['job']}[/bold]  {found['project']}  [bold]{found['state']}[/bold]")
    if found["message"]:
        console.print(f"[red]{found['reason']}[/red]: {found['message']}", markup=True)
    table = Table(box=None, show_header=False)
    rows, checks = found["rows"], found["checks"]
    if found["last_fault"]:
        console.print(f"[red]Last attempt[/red]: {found['last_fault']['stage']}: {found['last_fault']['outcome']}")
    table.add_row("rows", f"{rows['in']:,} in, {rows['out']:,} out" if rows["in"] is not None else "")
    table.add_row("checks", f"{checks['passed']} passed, {checks['failed']} failed" if checks["results"] else "")
    if found["delivery"]:
        table.add_row("delivery", f"s3://{found['delivery']['bucket']}/{found['delivery']['key']}")
        table.add_row("sha256", found["delivery"]["sha256"])
    erasure = found["erasure"]
    table.add_row("erased", f"{erasure['objects']} versions{', verified' if erasure['verified'] else ''}")
    table.add_row("certificate", found["certificate"]["path"] if found["certificate"] else "not yet")
    for name, value in found["seconds"].items():
        if value is not None:
            table.add_row(name.replace("_", " "), f"{value:.2f} s")
    console.print(table)
