"""A person releases a result in the Airflow UI, or refuses it; then the job is held, and nothing was delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.exceptions import HITLRejectException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowFailException

from backoffice.orchestration.operators import job_of

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ApproveOperator"]


class ApproveOperator(ApprovalOperator):
    """Asks with the job's counts, waits without holding a worker, for as long as it takes."""

    ui_color = "#fff7e0"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Release this result to the client?", body="", fail_on_reject=True, execution_timeout=None, **kwargs
        )

    def execute(self, context: Context) -> Any:
        """Ask."""
        from backoffice.deployment import deployment
        from backoffice.ledger.summary import summary

        with deployment() as opened:
            found = summary(opened.ledger, opened.ledger.job(job_of(context)))
        rows, checks = found["rows"], found["checks"]
        self.body = (
            f"{rows['in']:,} rows in, {rows['out']:,} out; {checks['passed']} checks passed, {checks['failed']} failed."
        )
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on, or hold the job and say what can be done."""
        try:
            return super().execute_complete(context, event)
        except HITLRejectException:
            pass
        from backoffice.deployment import deployment
        from backoffice.ledger import JobState

        message = "The result was not released."
        with deployment() as opened:
            opened.ledger.move(job_of(context), JobState.HELD, reason="not-released", message=message)
        raise AirflowFailException(
            f"{message} Nothing was delivered. Mend the SOW and clear this run from `prepare`, or give the drop up with "
            "`backoffice job reject`."
        )
