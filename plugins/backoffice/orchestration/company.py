"""The company's own DAGs: intake, erasure, clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator

from backoffice.orchestration.operators import ERASURE, INTAKE, CertifyOperator, EraseOperator, contained
from backoffice.orchestration.project import DEFAULTS

if TYPE_CHECKING:
    from airflow.sdk import Context

    from backoffice.deployment import Deployment

__all__ = [
    "CertificatesOperator",
    "ClocksOperator",
    "EscrowOperator",
    "IntakeOperator",
    "certificates_dag",
    "clocks_dag",
    "erasure_dag",
    "escrow_dag",
    "intake_dag",
]

_STRANDED = timedelta(minutes=15)
_OURS = DEFAULTS | {"owner": "backoffice"}
_FIRST = 1000
"""Before every client's tasks: a flood of drops does not keep intake or clocks from a free slot."""
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class IntakeOperator(BaseOperator):
    """Looks at every bucket for ``seconds``, several times a second; claims drops and starts their runs.

    It holds one worker slot on purpose. A deferred task would give the slot back and take two seconds for every drop.
    """

    ui_color = "#fff7e0"

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds
        self._ended = False

    def on_kill(self) -> None:
        """SIGTERM: end well. Given up only when its heartbeat is late, it would keep the next start waiting for a minute."""
        self._ended = True

    def execute(self, context: Context) -> None:
        """Airflow's entry point."""
        del context
        contained(self._watch)

    def _watch(self) -> None:
        from backoffice.deployment import deployment
        from backoffice.intake.watch import watch
        from backoffice.orchestration.runs import start_run

        with deployment() as opened:
            watch(opened, start_run, seconds=self.seconds, ended=lambda: self._ended)


class ClocksOperator(BaseOperator):
    """Starts the erasure of everything that is due, again where its run has ended without it.

    It also looks for jobs that nobody works on: an operator has deleted their run, or marked its tasks as done. And for keys
    that nobody will use. It fails, when all is done, while drops have been claimed whose run does not start: no other task is
    red then, and their clients were told that they are being processed.
    """

    ui_color = "#fff7e0"

    def execute(self, context: Context) -> None:
        """Airflow's entry point."""
        del context
        contained(self._start_due)

    def _start_due(self) -> None:
        from backoffice.deployment import deployment
        from backoffice.erasure.due import due
        from backoffice.erasure.stage import erase_abandoned_keys
        from backoffice.orchestration.runs import start_run, start_run_again

        with deployment() as opened:
            for item in due(opened):
                late = datetime.now(UTC) - item.since > timedelta(minutes=30)
                (start_run_again if late else start_run)("erasure", str(item.job.id))
                self.log.info(
                    "job %s of %s is due since %s: %s", item.job.id, item.job.project, item.since, item.reason
                )
            for job in opened.ledger.stranded(datetime.now(UTC) - _STRANDED):
                # Failed runs are left: they are red, and an operator decides.
                start_run_again(job.project, str(job.id), ended=("success",))
            if lost := erase_abandoned_keys(opened):
                self.log.info("%d keys of drops that nobody claimed destroyed", lost)
            _see_that_runs_start(opened)


def _see_that_runs_start(deployment: Deployment) -> None:
    from backoffice.errors import BackofficeError
    from backoffice.ledger import JobState

    before = datetime.now(UTC) - _STRANDED
    claimed = deployment.ledger.jobs(states=[JobState.CLAIMED], without_run=True)
    if late := [job for job in claimed if job.claimed_at < before]:
        raise BackofficeError(
            f"Jobs that were claimed and have no run: {len(late)}, the first {late[0].id} of {late[0].project}.",
            hint="The log of `intake` says why: no such DAG, or the job's key is lost. Then `backoffice job reject`.",
        )


class EscrowOperator(BaseOperator):
    """Copies the key store once a day, and destroys the copies that are too old."""

    ui_color = "#fff7e0"

    def execute(self, context: Context) -> None:
        """Airflow's entry point."""
        del context
        contained(self._turn)

    def _turn(self) -> None:
        from backoffice.deployment import deployment

        with deployment() as opened:
            escrow = opened.escrow()
            made = escrow.turn()
            self.log.info("%s; %d kept", f"made {made.id}" if made else "today's is there", len(escrow.generations()))


class CertificatesOperator(BaseOperator):
    """Fails while a certificate is near its end: a warning in the log of a green task is seen by nobody."""

    ui_color = "#fff7e0"

    def execute(self, context: Context) -> None:
        """Airflow's entry point."""
        del context
        contained(self._look)

    def _look(self) -> None:
        from backoffice.deployment import deployment
        from backoffice.ending import ending
        from backoffice.errors import BackofficeError

        with deployment() as opened:
            found = ending(opened)
        for one in found:
            (self.log.warning if one.due else self.log.info)("%s", one)
        if due := [one for one in found if one.due]:
            raise BackofficeError(
                f"{len(due)} certificate{'s are' if len(due) > 1 else ' is'} near the end. {due[0]}",
                hint="The log names each.",
            )


def intake_dag() -> DAG:
    """One run after another, each an hour of looking. Pause it, and drops wait in their buckets."""
    with DAG(
        "intake",
        description="Claims what clients drop, and starts its processing",
        schedule="@continuous",
        start_date=_LONG_AGO,
        catchup=False,
        max_active_runs=1,
        default_args=_OURS | {"retries": 3, "execution_timeout": timedelta(minutes=65)},
        tags={"company"},
        doc_md=(
            "Lists every project's `in/` against the ledger, several times a second. A running `watch` is the normal "
            "picture; a red one means that the store or the ledger has been away for two minutes. "
            "`backoffice job list` shows what was claimed and what waits for an agreement."
        ),
    ) as dag:
        IntakeOperator(task_id="watch", queue=INTAKE, seconds=3600, priority_weight=_FIRST)
    return dag


def erasure_dag() -> DAG:
    """One run per job: erase the results (and whatever else is left), look again, certify."""
    with DAG(
        "erasure",
        description="Deletes what is due, proves it, and issues the certificate",
        schedule=None,
        catchup=False,
        max_active_runs=16,
        default_args=_OURS,
        tags={"company"},
        doc_md=(
            "Started by a client's acceptance or by `clocks`. The run's id is the job's id. A red run means that "
            "something is still there: the log counts it, and `clocks` starts the run again after 30 minutes."
        ),
    ) as dag:
        erase = EraseOperator(
            task_id="erase", scope="results", doc_md="Deletes every version; lists again; frees the space."
        )
        certify = CertifyOperator(task_id="certify", doc_md="Looks everywhere once more, then signs the certificate.")
        erase >> certify
    return dag


def clocks_dag() -> DAG:
    """Every minute: what falls due."""
    with DAG(
        "clocks",
        description="Starts the erasure of everything that falls due",
        schedule=timedelta(minutes=1),
        start_date=_LONG_AGO,
        catchup=False,
        max_active_runs=1,
        default_args=_OURS | {"retries": 2, "execution_timeout": timedelta(minutes=10)},
        tags={"company"},
        doc_md=(
            "Rejected drops at once; results at acceptance or at their deadline. Each line of the log says why. A red run "
            "means that jobs were claimed a quarter of an hour ago whose run does not start: the log names the first."
        ),
    ) as dag:
        ClocksOperator(task_id="start_due", queue=ERASURE, priority_weight=_FIRST)
    return dag


def escrow_dag() -> DAG:
    """Every hour: a copy of the key store a day, and none that is older than six."""
    with DAG(
        "escrow",
        description="Copies the key store, and destroys copies before they are six days old",
        schedule=timedelta(hours=1),
        start_date=_LONG_AGO,
        catchup=False,
        max_active_runs=1,
        default_args=_OURS | {"retries": 3, "execution_timeout": timedelta(minutes=10)},
        tags={"company"},
        doc_md=(
            "If the key store's database is lost, `backoffice keys restore` brings it back without what was destroyed since. "
            "A red run means that an old copy may outlive its time, which ends a promise: mend it the same day."
        ),
    ) as dag:
        EscrowOperator(task_id="turn", queue=INTAKE, priority_weight=_FIRST)
    return dag


def certificates_dag() -> DAG:
    """Once a day: which certificates end."""
    with DAG(
        "certificates",
        description="Is red while a certificate is near its end",
        schedule=timedelta(days=1),
        start_date=_LONG_AGO,
        catchup=False,
        max_active_runs=1,
        default_args=_OURS | {"retries": 2, "execution_timeout": timedelta(minutes=10)},
        tags={"company"},
        doc_md=(
            "Those that clients encrypt to and those that clients enrolled: red from 60 days before their end. Those of the "
            "servers: 21 days. The log says of each when it ends and what to do; `backoffice keys status` does too."
        ),
    ) as dag:
        CertificatesOperator(task_id="look", queue=INTAKE)
    return dag
