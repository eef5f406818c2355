"""Start a run of another DAG, under a chosen id, from within a task.

Airflow keeps (dag id, run id) unique, so starting a run twice is starting it once. A task has no database and no
password: it asks its supervisor, as TriggerDagRunOperator does, which raises to do so and could start but one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import DagRunStateResult, ErrorResponse, GetDagRunState, TriggerDagRun

__all__ = ["start_run", "start_run_again"]

log = logging.getLogger(__name__)


def start_run(dag_id: str, run_id: str) -> bool:
    """Start it, or find it started. ``False`` where Airflow has no such DAG (yet), or does not answer."""
    return _send(TriggerDagRun(dag_id=dag_id, run_id=run_id))


def start_run_again(dag_id: str, run_id: str, *, ended: Collection[str] = ("failed", "success")) -> bool:
    """Start it; where a run of that id stands and has ended so, clear it so that it goes again.

    A run whose work is not done may have ended as a success: an operator has marked it.
    """
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    if not start_run(dag_id, run_id):
        return False
    answer = SUPERVISOR_COMMS.send(GetDagRunState(dag_id=dag_id, run_id=run_id))
    if isinstance(answer, DagRunStateResult) and answer.state in ended:
        return _send(TriggerDagRun(dag_id=dag_id, run_id=run_id, reset_dag_run=True))
    return True


def _send(message: TriggerDagRun) -> bool:
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    try:
        answer = SUPERVISOR_COMMS.send(message)
    except AirflowRuntimeError as error:
        log.warning("the run %s of %s could not be started: %s", message.run_id, message.dag_id, error.error.error)
        return False
    return not isinstance(answer, ErrorResponse) or answer.error == ErrorType.DAGRUN_ALREADY_EXISTS
