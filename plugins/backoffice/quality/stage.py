"""Check: the project's expectations over the encrypted intermediate (P4). A result that breaks one is not delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.errors import CheckFailed
from backoffice.ledger import JobState, Stage
from backoffice.work import RESULT, open_result

if TYPE_CHECKING:
    from backoffice.deployment import Deployment

__all__ = ["check"]


def check(deployment: Deployment, job_id: UUID) -> None:
    """Check one prepared job and record every result.

    :raises CheckFailed: a rule was broken. The job is ``held``: the data stays until an operator has decided.
    :raises QualityBroken: a rule could not be evaluated; that is our fault, and says nothing of the data.
    """
    from backoffice.quality import check as check_table

    with deployment.ledger.stage(job_id, Stage.CHECK) as job:
        if job.state not in (JobState.PREPARED, JobState.HELD):
            return
        project = deployment.project(job.project)
        with open_result(deployment, job) as connection:
            report = check_table(connection, RESULT, project.suite)
        rows = [
            {
                "rule": result.rule,
                "column_name": result.column,
                "sentence": result.sentence,
                "passed": result.passed,
                "rows": result.rows,
                "unexpected": result.unexpected,
                "percent": result.percent,
            }
            for result in report.results
        ]
        deployment.ledger.record_checks(job.id, rows)
        broken = [result for result in report.results if not result.passed]
        if broken:
            sentences = "; ".join(_in_words(result.sentence, result.unexpected, result.percent) for result in broken)
            message = f"{len(broken)} of {len(report.results)} checks failed: {sentences}."
            hint = (
                "Nothing was delivered. Mend the SOW or agree the change with the client, then clear this run from "
                "`prepare`; or reject the drop with `backoffice job reject`."
            )
            deployment.ledger.move(job.id, JobState.HELD, reason="check-failed", message=message)
            raise CheckFailed(message, hint=hint)
        deployment.ledger.move(job.id, JobState.CHECKED, reason=None, message=None)


def _in_words(sentence: str, unexpected: int | None, percent: float | None) -> str:
    if unexpected is None:
        return sentence
    share = f", {percent:.2f} %" if percent is not None else ""
    return f"{sentence} ({unexpected} rows{share})"
