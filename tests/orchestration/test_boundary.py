"""No exception of a library leaves a task: neither its text, nor its context, nor its frames."""

from __future__ import annotations

import os
import traceback
from contextlib import contextmanager
from uuid import UUID

import pytest

os.environ.setdefault("AIRFLOW_HOME", "/nonexistent/airflow")
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////dev/null")

SECRET = "maria.musterfrau@example.org"


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch):
    import backoffice.deployment
    from backoffice.orchestration.operators import StageOperator

    @contextmanager
    def nothing():
        yield None

    monkeypatch.setattr(backoffice.deployment, "deployment", nothing)

    class Breaks(StageOperator):
        what: BaseException

        def work(self, deployment, job: UUID) -> None:
            value = SECRET
            try:
                raise ValueError(f"could not convert {value}")
            except ValueError:
                raise self.what  # noqa: B904 - the context is the point

    return Breaks(task_id="breaks")


def seen(error: BaseException) -> str:
    return (
        "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error.__context__) + repr(error.__cause__)
    )


@pytest.mark.parametrize("kind", [KeyError, ValueError, RuntimeError, UnicodeDecodeError])
def test_a_library_error_becomes_ours_with_its_class_and_our_line(operator, kind):
    from backoffice.errors import BackofficeError

    operator.what = kind("utf-8", SECRET.encode(), 0, 1, SECRET) if kind is UnicodeDecodeError else kind(SECRET)
    with pytest.raises(BackofficeError) as caught:
        operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
    assert SECRET not in seen(caught.value)
    assert kind.__name__ in str(caught.value)


def test_what_no_retry_mends_is_not_retried(operator):
    from airflow.sdk.exceptions import AirflowFailException

    from backoffice.errors import DropRejected

    operator.what = DropRejected("damaged", "The file is damaged.", hint="Send it again.")
    with pytest.raises(AirflowFailException, match=r"The file is damaged\. Send it again\.") as caught:
        operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
    assert SECRET not in seen(caught.value)


def test_a_run_that_an_operator_started_by_hand_says_what_to_do(operator):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="backoffice drop"):
        operator.execute({"run_id": "manual__2026-11-22T04:00:00+00:00"})
