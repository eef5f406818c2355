"""No exception of a library leaves a task: neither its text, nor its context, nor its frames."""

from __future__ import annotations

import ctypes
import io
import logging
import os
import resource
import sys
import threading
import traceback
import warnings
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from uuid import UUID

import pytest

os.environ.setdefault("AIRFLOW_HOME", "/nonexistent/airflow")
os.environ.setdefault("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////dev/null")

SECRET = "maria.musterfrau@example.org"


@pytest.fixture(autouse=True)
def hooks(monkeypatch: pytest.MonkeyPatch):
    """What a task changes in its process stays within the test."""
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))


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


@pytest.mark.parametrize("signal", ["AirflowTaskTimeout", "KeyboardInterrupt", "SystemExit"])
def test_what_stops_a_task_does_not_take_along_what_it_interrupted(operator, signal):
    from airflow.sdk.exceptions import AirflowTaskTimeout

    kind = {"AirflowTaskTimeout": AirflowTaskTimeout, "KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit}
    operator.what = kind[signal]()
    with pytest.raises(kind[signal]) as caught:
        operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
    assert SECRET not in seen(caught.value)


class PanicException(BaseException):  # what libraries in Rust raise: it passes by `except Exception`
    pass


@pytest.mark.parametrize("kind", [PanicException, SystemExit, KeyboardInterrupt])
def test_what_is_no_exception_and_says_something_is_held_back_too(operator, kind):
    from backoffice.errors import BackofficeError

    operator.what = kind(f"byte index 3 is not a char boundary; it is inside `{SECRET}`")
    with pytest.raises(BackofficeError) as caught:
        operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
    assert SECRET not in seen(caught.value)
    assert kind.__name__ in str(caught.value)


@pytest.mark.parametrize("name", ["IntakeOperator", "ClocksOperator", "CertificatesOperator"])
def test_the_companys_own_tasks_let_no_library_error_out_either(name, monkeypatch):
    import backoffice.deployment
    from backoffice.errors import BackofficeError
    from backoffice.orchestration import company

    @contextmanager
    def broken():
        raise RuntimeError(SECRET)
        yield

    monkeypatch.setattr(backoffice.deployment, "deployment", broken)
    task = getattr(company, name)(task_id="broken", **({"seconds": 1} if name == "IntakeOperator" else {}))
    with pytest.raises(BackofficeError) as caught:
        task.execute({})
    assert SECRET not in seen(caught.value)


def test_a_task_that_crashes_leaves_no_picture_of_its_memory_on_disk(operator):
    """In a process of its own: neither can be taken back."""
    operator.what = RuntimeError()
    reading, writing = os.pipe()
    task = os.fork()
    if task == 0:
        try:
            with suppress(Exception):
                operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
            dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
            os.write(writing, repr((resource.getrlimit(resource.RLIMIT_CORE), dumpable)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        assert said.read() in (b"((1, 1), 0)", b"((0, 0), 0)")  # see backoffice.child.NO_CORE
    os.waitpid(task, 0)


def test_a_dag_does_not_run_another_projects_job(operator, monkeypatch):
    """Started by hand under the id of a job that waits for approval, it would deliver without."""
    from airflow.sdk.exceptions import AirflowFailException

    import backoffice.deployment

    @contextmanager
    def ledger():
        yield SimpleNamespace(ledger=SimpleNamespace(job=lambda _: SimpleNamespace(project="other_list")))

    monkeypatch.setattr(backoffice.deployment, "deployment", ledger)
    stranger = type(operator)(task_id="stranger", project="acme_contacts")
    stranger.what = RuntimeError("it was run")
    with pytest.raises(AirflowFailException, match="not one of acme_contacts"):
        stranger.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})


def test_what_a_library_logs_warns_of_or_prints_is_not_in_the_tasks_log(operator, capfd, monkeypatch):
    """Airflow puts all of it there: the root logger's records, and both standard streams."""
    out = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(out)])
    monkeypatch.setattr(logging.getLogger(), "level", logging.INFO)

    def talks(*_):
        logging.getLogger("some_library.reading").warning("cannot parse %s", SECRET, extra={"cell": SECRET})
        logging.getLogger("some_library").error("broken", exc_info=ValueError(SECRET))
        logging.getLogger("some_library").info(SECRET)
        logging.warning("a row of %s", SECRET)  # as libraries do: it is the root's
        logging.getLogger("backoffice.transform").info("20 rows in")
        warnings.warn(f"a column holds {SECRET}", stacklevel=1)
        print(SECRET)
        os.write(2, SECRET.encode())
        ctypes.CDLL(None).puts(SECRET.encode())

    monkeypatch.setattr(type(operator), "work", talks)
    operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
    ctypes.CDLL(None).fflush(None)
    logging.getLogger("some_library").warning("after it")
    assert out.getvalue().splitlines() == ["(message left out)"] * 3 + ["20 rows in", "after it"]
    assert SECRET not in "".join(capfd.readouterr())


def test_what_a_task_leaves_behind_is_not_quoted_either(operator, capfd, monkeypatch):
    """A thread that goes on, an object that is cleared away: both print to the standard error, which is the task's log."""
    after, left = threading.Event(), []

    class Loud:
        def __del__(self):
            raise ValueError(SECRET)

    def goes_on():
        after.wait()
        int(SECRET)

    def leaves(*_):
        left.append(Loud())
        left.append(threading.Thread(target=goes_on))
        left[1].start()

    monkeypatch.setattr(type(operator), "work", leaves)
    operator.execute({"run_id": "01a2017a-5d0b-7c97-83d9-be653c717c12"})
    after.set()
    left[1].join()
    left.clear()
    said = capfd.readouterr().err
    assert SECRET not in said
    assert said.count("ValueError") == 2
