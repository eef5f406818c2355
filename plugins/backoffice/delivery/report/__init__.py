"""The client's report of a job: what came in, what was done to it, what was checked, what went back. Counts and the SOW's
own words; no value of the data.
"""

from __future__ import annotations

from typing import Literal

from backoffice.delivery.report.facts import JobFacts

__all__ = ["JobFacts", "job_report"]


def job_report(facts: JobFacts, form: Literal["pdf", "html"], *, language: str = "en") -> bytes:
    """The report as one file. The same facts give the same bytes.

    :param language: of the words that are ours (``report/language.py``); the SOW's are in its own.
    """
    from backoffice.delivery.report.content import pages
    from backoffice.delivery.report.language import LANGUAGES

    document = pages(facts, LANGUAGES[language])
    if form == "html":
        from backoffice.delivery.pages.html import html

        return html(document)
    from backoffice.delivery.pages.pdf import pdf

    return pdf(document)
