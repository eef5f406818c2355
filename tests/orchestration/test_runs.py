"""Starting a run again: only one that has ended, and only as it was asked for."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("AIRFLOW_HOME", "/nonexistent/airflow")
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////dev/null")


class Supervisor:
    """Answers as Airflow does for a run that stands, in one state."""

    def __init__(self, state: str) -> None:
        self.state, self.cleared = state, 0

    def send(self, message: object) -> object:
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time.comms import DagRunStateResult, ErrorResponse, GetDagRunState, OKResponse

        if isinstance(message, GetDagRunState):
            return DagRunStateResult(state=self.state)  # pyright: ignore[reportArgumentType]
        if getattr(message, "reset_dag_run", False):
            self.cleared += 1
            return OKResponse(ok=True)
        return ErrorResponse(error=ErrorType.DAGRUN_ALREADY_EXISTS)


@pytest.mark.parametrize(
    ("state", "ended", "cleared"),
    [
        ("failed", ("failed", "success"), 1),
        ("success", ("failed", "success"), 1),
        ("running", ("failed", "success"), 0),
        ("queued", ("failed", "success"), 0),
        ("failed", ("success",), 0),
        ("success", ("success",), 1),
    ],
)
def test_a_run_goes_again_only_if_it_has_ended_so(monkeypatch: pytest.MonkeyPatch, state, ended, cleared):
    from airflow.sdk.execution_time import task_runner

    from backoffice.orchestration.runs import start_run_again

    supervisor = Supervisor(state)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    assert start_run_again("erasure", "01a2017a-5d0b-7c97-83d9-be653c717c12", ended=ended)
    assert supervisor.cleared == cleared
