"""One operator: a stage of one job. The run's id is the job's id; nothing else travels through Airflow.

Stages are imported inside ``execute``: a DAG file is parsed often and must not load DuckDB for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from backoffice.child import undumpable
from backoffice.discretion import bare, only_ours_speak, quiet_hooks, without_text
from backoffice.errors import BackofficeError, CheckFailed, ContractError, DropRejected, NotAgreed, QualityBroken

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.deployment import Deployment

__all__ = [
    "ERASURE",
    "INTAKE",
    "CertifyOperator",
    "CheckOperator",
    "DeliverOperator",
    "EraseOperator",
    "PrepareOperator",
    "StageOperator",
    "contained",
    "job_of",
]

log = logging.getLogger(__name__)

ERASURE = "erasure"
"""The queue of tasks that destroy: where there are several workers, one of its own, which has no key to open anything with."""

INTAKE = "intake"
"""The queue of tasks that receive, and sign what the client is told: where there are several workers, one of its own, which
gives each job its access to the store. What works on clients' data has that access alone.
"""

_FINAL = (DropRejected, NotAgreed, CheckFailed, QualityBroken, ContractError)
"""Errors that no retry mends."""


def contained(work: Callable[[], None]) -> None:
    """Do the work of a task, and let nothing of a client's out of its process, whatever goes wrong.

    An exception of pandas, DuckDB or pyarrow may hold a client's value. It is replaced, after its ``except`` block has
    closed, by one that names its class and our line; so is a panic of native code, which is no ``Exception``. Airflow's
    own signals to stop pass, without what they interrupted.
    Meanwhile nothing that a library logs, warns of or prints gets into the task's log. What it leaves behind (a thread, an
    object with a last word) may speak up later: until the process ends it is named, not quoted.
    A process that is killed leaves no core dump, which would be its memory on a disk (P7).
    """
    undumpable()
    quiet_hooks()
    failure: BaseException | None = None
    try:
        with only_ours_speak():
            work()
    except _FINAL as error:
        failure = AirflowFailException(str(error))
    except (BackofficeError, AirflowFailException) as error:
        failure = error
    except BaseException as error:  # noqa: BLE001 (the boundary: whatever it is, its text stays here)
        failure = error if _stops(error) else without_text(error)
    if failure is not None:
        bare(failure)
        raise failure


class StageOperator(BaseOperator):
    """Runs :meth:`work` for the job whose id is the run's id, :func:`contained`.

    :param project: the one project whose jobs it takes; ``None``: every project's. Without it a run of another DAG that
        is started by hand under a job's id would lead that job past its own project's approval.
    """

    def __init__(self, *, project: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project = project

    def execute(self, context: Context) -> None:
        """Airflow's entry point."""
        contained(lambda: self._execute(context))

    def _execute(self, context: Context) -> None:
        from backoffice.deployment import deployment

        job = job_of(context)
        with deployment() as opened:
            if self.project is not None and opened.ledger.job(job).project != self.project:
                raise AirflowFailException(f"Job {job} is not one of {self.project}: only its own DAG may run it.")
            self.work(opened, job)

    def work(self, deployment: Deployment, job: UUID) -> None:
        """One stage."""
        raise NotImplementedError


class PrepareOperator(StageOperator):
    """Decrypt, verify, read, transform, store encrypted."""

    ui_color = "#e8f1fa"

    def work(self, deployment: Deployment, job: UUID) -> None:
        """See :func:`backoffice.transform.stage.prepare`."""
        from backoffice.transform.stage import prepare

        prepare(deployment, job)


class CheckOperator(StageOperator):
    """The project's expectations."""

    ui_color = "#e8f1fa"

    def work(self, deployment: Deployment, job: UUID) -> None:
        """See :func:`backoffice.quality.stage.check`."""
        from backoffice.quality.stage import check

        check(deployment, job)


class DeliverOperator(StageOperator):
    """Write, encrypt to the client, sign, hand over once."""

    ui_color = "#e9f7ec"

    def work(self, deployment: Deployment, job: UUID) -> None:
        """See :func:`backoffice.delivery.stage.deliver`."""
        from backoffice.delivery.stage import deliver

        deliver(deployment, job)


class EraseOperator(StageOperator):
    """Erase one scope and prove it.

    :param scope: ``inputs`` or ``results``.
    """

    ui_color = "#fbeeea"

    def __init__(self, *, scope: str, **kwargs: Any) -> None:
        super().__init__(queue=ERASURE, **kwargs)
        self.scope = scope

    def work(self, deployment: Deployment, job: UUID) -> None:
        """See :func:`backoffice.erasure.stage.erase`."""
        from backoffice.erasure.stage import Scope, erase

        erase(deployment, job, Scope(self.scope))


class CertifyOperator(StageOperator):
    """Look once more, then issue the certificate."""

    ui_color = "#fbeeea"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queue=INTAKE, **kwargs)

    def work(self, deployment: Deployment, job: UUID) -> None:
        """See :func:`backoffice.erasure.stage.certify`."""
        from backoffice.erasure.stage import certify

        certify(deployment, job)


def job_of(context: Context) -> UUID:
    """The job that a run is about: its id is the run's.

    :raises AirflowFailException: somebody started the run by hand.
    """
    run_id = str(context.get("run_id"))
    try:
        return UUID(run_id)
    except ValueError:
        pass
    raise AirflowFailException(
        "This run's id is not a job's. Intake starts the runs: put a file into the bucket, or use `backoffice drop`."
    )


def _stops(error: BaseException) -> bool:
    """Whether it is a time limit or the end of the process, and has no words but its sender's."""
    if isinstance(error, SystemExit):
        return error.code is None or isinstance(error.code, int)
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return not error.args
    return not isinstance(error, Exception) and type(error).__module__.startswith("airflow.")
