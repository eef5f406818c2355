"""``backoffice sow run``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backoffice.commands.sow.arguments import Json, PasswordFile, SowFile

if TYPE_CHECKING:
    from rich.console import Console

    from backoffice.contract import Sow
    from backoffice.delivery.writing import Written
    from backoffice.quality import QualityReport
    from backoffice.transform import InputProfile, RunFigures

__all__ = ["run"]


def run(
    sow: SowFile,
    file: Annotated[Path, typer.Argument(metavar="INPUT", help="A plain test file. Never a client's real one.")],
    out: Annotated[Path, typer.Option("--out", help="Where the result goes; made if it is not there.")],
    check_result: Annotated[
        bool, typer.Option("--check", help="Run the project's expectations over the result.")
    ] = False,
    with_report: Annotated[
        bool, typer.Option("--report", help="Write the client's report of the job too, as it would be delivered.")
    ] = False,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Carry out a SOW on a plain test file: no stack, no encryption, no agreement needed.

    Exit code 0: done. 3: mistakes in the SOW. 5: the file has to be mended. 6: the result broke an expectation.
    """
    from backoffice.commands.passwords import ask_for_trial
    from backoffice.contract import load_sow
    from backoffice.delivery.writing import write
    from backoffice.errors import BackofficeError, CheckFailed
    from backoffice.transform.choosing import engine_for
    from backoffice.transform.filing import filed

    agreed = load_sow(sow)
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}", param_hint="INPUT")
    target = out / agreed.output.filename
    if out.exists() and not out.is_dir():
        raise BackofficeError(f"{out} is not a folder.", hint="Give another one as --out.")
    if target.exists() and target.samefile(file):
        raise BackofficeError(f"The result would take the place of the input {target}.", hint="Give another --out.")
    out.mkdir(parents=True, exist_ok=True)
    reports: dict[str, QualityReport] = {}
    with engine_for(agreed, password=ask_for_trial(password_file)) as engine:
        profiles, figures = engine.process(agreed, file)
        if check_result:
            from backoffice.contract import suites_of
            from backoffice.quality import check as check_table

            suites = suites_of(agreed)
            with engine.asked(suites) as asked:
                reports = {table: check_table(asked, table, suite) for table, suite in suites.items()}
        with filed(engine.connection, agreed, file) as documents:
            originals = documents.originals if documents else ()
            counts = documents.counts if documents else {}
            written = write(engine.connection, agreed.output, target, originals=originals)
    report = _together(reports)
    broken = list(report.failed) if report else []
    if with_report:
        _write_report(out, agreed, figures, profiles, counts, report, written)
    if as_json:
        print(json.dumps(_summary(target, profiles, figures, counts, written, report), indent=2))
    else:
        from rich.console import Console

        console = Console(highlight=False)
        for name, profile in profiles.items():
            console.print(f"{name}: {profile.words()}", style="dim", soft_wrap=True)
        _show_figures(console, agreed, figures)
        if report:
            _show_checks(console, report)
        if counts:
            said = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count)
            console.print(f"Documents: {said or 'none'}.", soft_wrap=True)
        notes = f", {written.escaped} cells made safe for spreadsheets" if written.escaped else ""
        console.print(
            f"{figures.rows_in:,} rows in, {figures.rows_out:,} out: {target} ({written.bytes:,} bytes{notes})",
            soft_wrap=True,
        )
    if broken:
        total = len(report.results) if report else 0
        raise CheckFailed(
            f"{len(broken)} of {total} checks failed.", hint="The result was written all the same: look at it."
        )


def _together(reports: dict[str, QualityReport]) -> QualityReport | None:
    """The checks of every table as one report; the main table's first."""
    if not reports:
        return None
    results = tuple(result for report in reports.values() for result in report.results)
    first = next(iter(reports.values()))
    return replace(first, passed=all(report.passed for report in reports.values()), results=results)


def _write_report(
    out: Path,
    sow: Sow,
    figures: RunFigures,
    profiles: dict[str, InputProfile],
    documents: dict[str, int],
    report: QualityReport | None,
    written: Written,
) -> None:
    from backoffice.delivery.report import JobFacts, job_report

    form = "pdf" if sow.report == "none" else sow.report
    facts = JobFacts(
        sow=sow,
        figures=figures.to_dict()
        | {"inputs": {name: profile.to_dict() for name, profile in profiles.items()}, "documents": documents},
        checks=[result.to_dict() for result in report.results] if report else None,
        escaped=written.escaped,
        replaced=written.replaced,
        as_text=written.as_text,
    )
    (out / f"report.{form}").write_bytes(job_report(facts, form))


def _summary(
    target: Path,
    profiles: dict[str, InputProfile],
    figures: RunFigures,
    documents: dict[str, int],
    written: Any,
    report: QualityReport | None,
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "result": str(target),
        "bytes": written.bytes,
        "cells_made_safe": written.escaped,
        "inputs": {name: profile.to_dict() for name, profile in profiles.items()},
        "figures": figures.to_dict(),
    }
    if documents:
        summary["documents"] = documents
    if report is not None:
        summary["checks"] = [
            {
                "rule": one.rule,
                "column": one.column,
                "passed": one.passed,
                "rows": one.rows,
                "unexpected": one.unexpected,
            }
            for one in report.results
        ]
    return summary


def _show_figures(console: Console, sow: Sow, figures: RunFigures) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column("step", no_wrap=True)
    for heading in ("rows", "dropped", "cells changed", "cells blanked"):
        table.add_column(heading, justify="right")
    notes: list[str] = []
    for step in figures.steps:
        changed, blanked = sum(step.changed.values()), sum(step.blanked.values())
        numbers = [f"{count:,}" if count else "" for count in (step.dropped, changed, blanked)]
        table.add_row(str(step.number), step.step, f"{step.rows_out:,}", *numbers)
        more = [f"{column} blanked {count:,} times" for column, count in step.blanked.items()]
        more += [f"{name.replace('_', ' ')} {count:,}" for name, count in step.counts.items() if count]
        notes += [f"  {step.number}. {', '.join(more)}"] if more else []
    console.print(f"[bold]{sow.title}[/bold]")
    console.print(table)
    console.print("\n".join(notes), style="dim")


def _show_checks(console: Console, report: QualityReport) -> None:
    failed = [result for result in report.results if not result.passed]
    console.print(f"Checks: {len(report.results) - len(failed)} of {len(report.results)} passed.")
    for result in failed:
        where = f" ({result.column})" if result.column else ""
        console.print(f"  [red]failed[/red] {result.rule}{where}: {result.unexpected} of {result.rows} rows")
