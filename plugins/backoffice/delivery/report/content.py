"""The report, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backoffice.contract import RESULT, DocumentsInput
from backoffice.contract.documents import LANGUAGES
from backoffice.contract.sow import INPUT
from backoffice.delivery.pages.blocks import (
    Block,
    Cell,
    Column,
    Drawing,
    Figure,
    Figures,
    Heading,
    Pages,
    Table,
    Words,
)
from backoffice.delivery.pages.drawing import bars, squares, waterfall
from backoffice.delivery.report.facts import JobFacts
from backoffice.delivery.report.language import Language

__all__ = ["pages"]

_DUPLICATES = ("drop_duplicates", "near_duplicates")
_FORMATS = {"documents": "Documents", "csv": "CSV", "jsonl": "JSON lines", "parquet": "Parquet"}
_ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}


def pages(facts: JobFacts, say: Language) -> Pages:
    """The whole report."""
    about = {
        "controller": facts.controller,
        "processor": facts.processor,
        "job": facts.job,
        "received": say.day(facts.received) if facts.received else "",
        "delivered": facts.sow.output.filename,
    }
    blocks: list[Block] = [_first(facts, say)]
    for section in (_input, _rows, _cells, _duplicates, _rejects, _checks, _output, _next):
        blocks += section(facts, say)
    return Pages(
        title=facts.sow.title,
        subtitle=say("subtitle"),
        facts=[(say(key), value) for key, value in about.items() if value],
        blocks=blocks,
        foot=say("foot"),
        language=say.code,
        page_words=(say("page"), say("page_of")),
    )


def _first(facts: JobFacts, say: Language) -> Figures:
    figures = facts.figures
    shown = [
        Figure(say.number(figures["rows_in"]), say("rows_in")),
        Figure(say.number(figures["rows_out"]), say("rows_out")),
    ]
    merged = _merged(facts)
    others = sum(max(0, one["rows_in"] - one["rows_out"]) for one in facts.steps(RESULT)) - merged
    if merged:
        shown.append(Figure(say.number(merged), say("merged")))
    if others > 0:
        shown.append(Figure(say.number(others), say("dropped_rows")))
    for count, label in ((facts.changed, "changed_cells"), (facts.blanked, "blanked_cells")):
        if count:
            shown.append(Figure(say.number(sum(count.values())), say(label)))
    if facts.checks:
        passed = sum(bool(one["passed"]) for one in facts.checks)
        tone = "green" if passed == len(facts.checks) else "red"
        value = say("of", passed=say.number(passed), all=say.number(len(facts.checks)))
        shown.append(Figure(value, say("checks_passed"), tone))
    return Figures(shown)


def _merged(facts: JobFacts) -> int:
    steps = [one for one in facts.steps(RESULT) if one["step"] in _DUPLICATES]
    return sum(one["rows_in"] - one["rows_out"] for one in steps)


def _input(facts: JobFacts, say: Language) -> Iterator[Block]:
    if not facts.profiles:
        return
    yield Heading(say("in_heading"))
    rows = [
        [say("in_main") if name == INPUT else name, _found(profile, say, _spoken(facts, name))]
        for name, profile in facts.profiles.items()
    ]
    yield Table([Column(say("in_table")), Column(say("in_found"), width=1)], rows)


def _spoken(facts: JobFacts, name: str) -> str:
    """The languages in which pictures of pages were read, as people call them."""
    spec = facts.sow.all_inputs.get(name)
    return ", ".join(LANGUAGES[code] for code in spec.languages) if isinstance(spec, DocumentsInput) else ""


def _found(profile: Mapping[str, Any], say: Language, spoken: str) -> str:
    """One input in a line: what kind of file it was, and what was left out of it."""
    form = str(profile.get("format", "csv"))
    found = [_FORMATS.get(form, form.upper()) + (" in a ZIP" if profile.get("from_zip") else "")]
    if profile.get("sheet"):
        found.append(f"sheet {profile['sheet']} of {profile.get('sheets', 1)}")
    if profile.get("encoding"):
        found.append(_ENCODINGS.get(profile["encoding"], str(profile["encoding"])))
    if profile.get("delimiter"):
        found.append("separated by " + {"\t": "tabs"}.get(profile["delimiter"], f"“{profile['delimiter']}”"))
    if profile.get("mixed_line_ends"):
        found.append("mixed line ends")
    if "pages" in profile:
        found.append(f"{say.number(profile['rows'])} documents, {say.number(profile['pages'])} pages")
    else:
        found.append(f"{say.number(profile['rows'])} rows, {say.number(profile['columns'])} columns")
    counted = {
        "recognised_pages": f"of them pictures, recognised in {spoken}",
        "blank_pages": "blank",
        "table_rows": "rows of tables in them",
        "dropped_columns": "columns left out unread",
        "missing_columns": "optional columns not there",
        "blank_rows": "empty rows left out",
        "merged_cells": "groups of merged cells",
    }
    found += [f"{say.number(profile[key])} {words}" for key, words in counted.items() if profile.get(key)]
    return ", ".join(found)


def _rows(facts: JobFacts, say: Language) -> Iterator[Block]:
    tables = list(dict.fromkeys(one.get("table", RESULT) for one in facts.steps()))
    for table in tables:
        steps = facts.steps(table)
        yield Heading(say("rows_heading") if table == RESULT else say("other_table", table=table))
        if any(one["rows_in"] != one["rows_out"] for one in steps):
            labelled = [(f"{one['number']}  {one['step'].replace('_', ' ')}", one) for one in steps]
            drawn = [(label, one["rows_in"], one["rows_out"]) for label, one in labelled]
            listed = ", ".join(f"{label} {say.number(one['rows_out'])}" for label, one in labelled)
            if table == RESULT:
                yield Words(say("rows_lead"), quiet=True)
            yield Drawing(waterfall(drawn, say.number), say("rows_drawing", list=listed))
        else:
            yield Words(say("rows_same", rows=say.number(steps[0]["rows_in"])), quiet=True)
        yield Table(
            [Column(""), Column(say("step"), width=3), Column(say("rows"), right=True), Column(say("out"), right=True),
             Column(say("why"), width=1.5)],
            [_step(one, say) for one in steps],
        )  # fmt: skip


def _step(one: Mapping[str, Any], say: Language) -> list[str | Cell]:
    gone = one["rows_in"] - one["rows_out"]
    rejected = one.get("unreadable") == "reject" and bool(one.get("blanked"))
    why = say.why(one["step"], rejected=rejected) if gone > 0 else say("made") if gone < 0 else ""
    out = f"\u2212{say.number(gone)}" if gone > 0 else f"+{say.number(-gone)}" if gone < 0 else ""
    return [str(one["number"]), one["words"], say.number(one["rows_out"]), out, why]


def _cells(facts: JobFacts, say: Language) -> Iterator[Block]:
    changed, blanked, kept = facts.changed, facts.blanked, facts.kept
    columns = sorted(
        {*changed, *blanked, *kept}, key=lambda name: (-(changed.get(name, 0) + blanked.get(name, 0)), name)
    )
    yield Heading(say("cells_heading"))
    if not columns:
        yield Words(say("cells_none"), quiet=True)
        return
    yield Words(say("cells_lead"), quiet=True)
    drawn = [(name, (changed.get(name, 0), blanked.get(name, 0))) for name in columns[:30]]
    listed = ", ".join(f"{name} {say.number(one)} and {say.number(other)}" for name, (one, other) in drawn)
    picture = bars(drawn, (say("changed"), say("blanked")), say.number)
    yield Drawing(picture, say("cells_drawing", list=listed))
    if kept:
        rows = [[name, say.number(count)] for name, count in kept.items()]
        yield Table([Column(say("column"), width=1), Column(say("Kept"), right=True)], rows)


def _duplicates(facts: JobFacts, say: Language) -> Iterator[Block]:
    steps = [one for one in facts.steps() if one["step"] in _DUPLICATES]
    if not steps:
        return
    yield Heading(say("merged_heading"))
    merged = sum(one["rows_in"] - one["rows_out"] for one in steps)
    yield Words(say("merged_lead", merged=say.number(merged)) if merged else say("merged_none"))
    rows = []
    for one in steps:
        rows.append([f"{one['number']}", one["words"], say.number(one["rows_in"] - one["rows_out"])])
        rows += [
            ["", name.replace("_", " "), say.number(count)] for name, count in one.get("counts", {}).items() if count
        ]
    yield Table([Column(""), Column(say("figure"), width=1), Column(say("count"), right=True)], rows)


def _rejects(facts: JobFacts, say: Language) -> Iterator[Block]:
    steps = [one for one in facts.steps() if one.get("unreadable") == "reject" and one.get("blanked")]
    if not steps:
        return
    yield Heading(say("rejects_heading"))
    yield Words(say("rejects_lead"), quiet=True)
    rows = [[one["words"], column, say.number(count)] for one in steps for column, count in one["blanked"].items()]
    yield Table([Column(say("step"), width=2), Column(say("column")), Column(say("rows"), right=True)], rows)


def _checks(facts: JobFacts, say: Language) -> Iterator[Block]:
    if not facts.checks:
        return
    passed = [bool(one["passed"]) for one in facts.checks]
    counts = {"passed": say.number(sum(passed)), "all": say.number(len(passed))}
    yield Heading(say("checks_heading"))
    yield Words(say("checks_lead", **counts))
    yield Drawing(squares(passed), say("checks_drawing", **counts))
    rows = [[_sentence(str(one["sentence"])), _outcome(one, say)] for one in facts.checks]
    yield Table([Column(say("check"), width=1.5), Column(say("result"), width=1)], rows)


def _sentence(text: str) -> str:
    """Without the marks around names; a sentence that begins with a name begins as the name does."""
    return text.replace("`", "") if text.startswith("`") else text[:1].upper() + text[1:].replace("`", "")


def _outcome(one: Mapping[str, Any], say: Language) -> Cell:
    count, good = one.get("unexpected"), bool(one["passed"])
    if not count:
        return Cell(say("passed" if good else "failed"), "green" if good else "red")
    values = {"count": say.number(count), "rows": say.number(one["rows"]), "share": say.share(one["percent"] or 0.0)}
    more = say("rows_do_not", **values)
    return Cell(say("passed"), "green", more) if good else Cell(say("failed"), "red", more)


def _output(facts: JobFacts, say: Language) -> Iterator[Block]:
    yield Heading(say("out_heading"))
    yield Words(say("out_lead" if facts.job else "out_local", filename=facts.sow.output.filename))
    counts = facts.figures.get("tables") or {facts.sow.output.main.table: facts.figures["rows_out"]}
    rows = [
        [table, say.number(counts.get(table, 0)), ", ".join(columns)] for table, columns in facts.sow.delivered.items()
    ]
    yield Table(
        [Column(say("table")), Column(say("rows"), right=True), Column(say("columns"), width=1)],
        rows,
    )
    for key, count in (facts.figures.get("documents") or {}).items():
        if count or key == "filed":
            yield Words(say(f"documents_{key}", count=say.number(count)), quiet=True)
    for key in ("escaped", "replaced", "as_text"):
        if count := getattr(facts, key):
            yield Words(say(key, count=say.number(count)), quiet=True)


def _next(facts: JobFacts, say: Language) -> Iterator[Block]:
    if facts.job:
        yield Heading(say("next_heading"))
        yield Words(say("next", days=facts.sow.retention.results.at_most_days))
