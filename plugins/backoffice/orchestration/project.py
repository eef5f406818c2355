"""A project's DAG, out of its SOW and DPA. ``project_dag("acme_contacts")`` is all that a DAG file has to say."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, TaskGroup

from backoffice.contract import load_project, step_words
from backoffice.orchestration.operators import CheckOperator, DeliverOperator, EraseOperator, PrepareOperator
from backoffice.places import root_folder

if TYPE_CHECKING:
    from backoffice.contract import Project

__all__ = ["DEFAULTS", "project_dag"]

DEFAULTS: dict[str, Any] = {
    # A minute without the store or a database passes within these retries: 2, 4, 8, 16, 32 s.
    "retries": 5,
    "retry_delay": timedelta(seconds=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=2),
    "execution_timeout": timedelta(hours=2),
    "do_xcom_push": False,
}

_MOST_RUNS = 64
"""How many drops of one project may be under way; the executor's slots decide how many of them work at a time."""


def project_dag(project_id: str) -> DAG:
    """The DAG of one project: prepare, check, approve if the SOW says so, deliver, erase the inputs.

    It returns an ordinary DAG. A file may open it with ``with`` and hang tasks of its own behind, say, ``release.deliver``.
    A run is one job; its id is the job's id, and intake starts it.

    :raises ContractError: the SOW or DPA is wrong; Airflow shows it as the file's import error.
    """
    project = load_project(project_id, root=root_folder())
    sow = project.sow
    with DAG(
        project_id,
        description=sow.title,
        schedule=None,
        catchup=False,
        max_active_runs=_MOST_RUNS,
        max_active_tasks=_MOST_RUNS,
        default_args=DEFAULTS | {"owner": sow.owner},
        tags={"project", f"client:{project.client}"},
        doc_md=_page(project),
        render_template_as_native_obj=False,
    ) as dag:
        with TaskGroup("process", tooltip="Decrypt, transform and check the drop"):
            prepare = PrepareOperator(
                task_id="prepare", project=project_id, doc_md="Decrypts the drop in memory and runs the SOW's steps."
            )
            check = CheckOperator(
                task_id="check", project=project_id, doc_md="Runs the project's expectations over the result."
            )
            prepare >> check
        with TaskGroup("release", tooltip="Hand the result to the client"):
            deliver = DeliverOperator(
                task_id="deliver",
                project=project_id,
                doc_md="Encrypts the result to the client's certificate, signs it, puts it under `out/`.",
            )
            if sow.approval:
                check >> _approval() >> deliver
            else:
                check >> deliver
        with TaskGroup("erase", tooltip="Delete originals, intermediates and the job's key"):
            erase = EraseOperator(
                task_id="inputs",
                project=project_id,
                scope="inputs",
                doc_md="Deletes the original in every version, the intermediates and the job's key; lists again.",
            )
        deliver >> erase
    return dag


def _approval() -> Any:
    from backoffice.orchestration.approval import ApproveOperator  # the provider behind it takes long to import

    return ApproveOperator(task_id="approve", doc_md="A person releases the result, here, or refuses it.")


def _page(project: Project) -> str:
    """What an operator reads beside the DAG."""
    sow, dpa = project.sow, project.dpa
    results = sow.retention.results
    steps = "\n".join(f"{number}. {step_words(step)}" for number, step in enumerate(sow.steps, 1))
    return f"""\
**{sow.title}** for {dpa.controller.name}.

{sow.description}

### Steps

{steps}

### When a run is red

Open the failed task's log: the line "Task failed with exception" is followed by what is wrong and what to do.

- `process.prepare`: the client's file was rejected, the client has been told, and the file is being deleted. Or the \
agreement ran out, or a key is missing: then the drop is untouched.
- `process.check`: the result broke a check. It is held; nothing was delivered.
- `release.deliver`, `erase.inputs`: a server was away for longer than the retries. Clear the task.

### Deleted

Originals and intermediates on delivery; the result when the client accepts it, at most {results.at_most_days} days later. \
Agreement valid until {dpa.valid_until:%d.%m.%Y}. Purpose: {dpa.purposes[sow.purpose]}
"""
