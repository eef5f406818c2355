"""Check: the project's expectations over the encrypted intermediates (P4). A result that breaks one is not delivered.

Each table that is delivered is held against its own suite: ``contract.suites`` says where they lie.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from backoffice.contract import suites_of
from backoffice.errors import CheckFailed
from backoffice.ledger import JobState, Stage
from backoffice.work import ask_tables

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
        suites = suites_of(project.sow)
        with ask_tables(deployment, job, suites, engine=project.sow.engine) as connection:
            reports = {table: check_table(connection, table, suite) for table, suite in suites.items()}
        main = project.sow.output.main.table
        results = [
            result if table == main else replace(result, sentence=f"{table}: {result.sentence}")
            for table, report in reports.items()
            for result in report.results
        ]
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
            for result in results
        ]
        deployment.ledger.record_checks(job.id, rows)
        broken = [result for result in results if not result.passed]
        if broken:
            sentences = "; ".join(_in_words(result.sentence, result.unexpected, result.percent) for result in broken)
            message = f"{len(broken)} of {len(results)} checks failed: {sentences}."
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
