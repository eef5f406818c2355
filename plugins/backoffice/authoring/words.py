"""A SOW in words, as Markdown: for the client to read, and to sign."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from backoffice.authoring.notes import about
from backoffice.authoring.pages import markdown_table
from backoffice.contract import (
    INPUT,
    RESULT,
    DocumentsInput,
    Dpa,
    Incoming,
    Input,
    Output,
    Sow,
    SpreadsheetInput,
    password_refusal,
    step_words,
    suites_of,
)
from backoffice.contract.documents import LANGUAGES, DocumentField
from backoffice.quality.rules import SUPPORTED, sentence

__all__ = ["in_words"]

_UNREADABLE = {
    "blank": "is emptied",
    "keep": "is left as it is",
    "reject": "takes its row out, into the table `rejects`",
    "stop": "stops the work: the file is sent back",
}


def in_words(sow: Sow, dpa: Dpa | None) -> str:
    """The whole SOW. ``dpa`` adds the parties and the purpose as it is agreed."""
    parts = [f"# {sow.title}\n", f"{sow.description}\n"]
    if dpa is not None:
        parts.append(f"{_agreed(sow, dpa)}\n")
    parts += ["## What comes in\n", *_incoming(sow), *_passwords(sow, dpa)]
    parts += ["## What is done\n", *_done(sow)]
    if rules := list(_rules(sow)):
        parts += ["## What has to hold\n", "If one of these does not, nothing is delivered before we have talked.\n"]
        parts.append("".join(f"- {_literal(rule[0].upper() + rule[1:])}.\n" for rule in rules))
    parts += ["## What goes back\n", *_outgoing(sow)]
    parts += ["## When it is deleted\n", f"{_retention(sow)}\n"]
    parts.append(_signatures(sow))
    return "\n".join(parts)


def _agreed(sow: Sow, dpa: Dpa) -> str:
    purpose = dpa.purposes.get(sow.purpose, sow.purpose)
    return (
        f"Between {dpa.controller.name} (controller) and {dpa.processor.name} (processor), under their Data Processing "
        f"Agreement, valid from {dpa.valid_from} to {dpa.valid_until}. Stored and processed in {dpa.region}.\n\n"
        f"Purpose: {purpose}"
    )


def _incoming(sow: Sow) -> Iterator[str]:
    several = len(sow.all_inputs) > 1
    for name, one in sow.all_inputs.items():
        if several:
            yield f"### {'The main file' if name == INPUT else f'`{name}`'}\n"
        yield f"{_file(one)}\n"
        if isinstance(one, DocumentsInput):
            yield from _documents(one)
            continue
        rows = [
            [f"`{column}`", getattr(said, "header", None) or column, _need(said)]
            for column, said in one.columns.items()
        ]
        yield markdown_table(["column", "called in the file", "has to be there"], rows)
        extra = "is refused" if one.extra_columns == "refuse" else "has them dropped unread"
        yield f"A file with other columns {extra}.\n"
    for name, lookup in sow.lookups.items():
        yield f"Besides, a table of ours is used: `{name}` ({', '.join(lookup.columns)}).\n"
    yield f"Files are accepted if they are signed by: {', '.join(sow.signers)}.\n"


def _passwords(sow: Sow, dpa: Dpa | None) -> Iterator[str]:
    """What becomes of a protected workbook, where one could come."""
    formats = {one.format for one in sow.all_inputs.values() if isinstance(one, SpreadsheetInput)}
    if dpa is None or not formats:
        return
    if password_refusal(dpa) is not None or not formats & {"xlsx", "xlsb"}:
        yield "A workbook that is protected with a password is refused.\n"
        return
    yield (
        "A workbook (XLSX, XLSB) may be protected with the password that was agreed on apart. It is kept encrypted, and "
        "deleted with the keys of the project.\n"
    )


def _documents(one: DocumentsInput) -> Iterator[str]:
    yield markdown_table(
        ["field", "where it stands"], [[f"`{name}`", _place(said)] for name, said in one.columns.items()]
    )
    for name, said in one.tables.items():
        yield f"And the rows of a table in them, `{name}`:\n"
        rows = [[f"`{column}`", _any_of(labels)] for column, labels in said.columns.items()]
        yield markdown_table(["column", "what stands above it"], rows)
    yield "Nothing else of a document is kept.\n"


def _place(said: DocumentField) -> str:
    if said.take:
        return {"file_name": "the name of its file", "text": "all of its text"}[said.take]
    places = [f"right of {_any_of(said.right_of)}"] if said.right_of else []
    places += [f"below {_any_of(said.below)}"] if said.below else []
    form = f"`{said.pattern}`" if said.pattern else ""
    text = (
        " or ".join(places) + (f", in the form {form}" if places and form else "") if places else f"by its form, {form}"
    )
    pages = "" if said.pages == "all" else f", on the {said.pages} page"
    return text + pages


def _any_of(labels: tuple[str, ...]) -> str:
    return " or ".join(f"`{label}`" for label in labels)


def _file(one: Incoming) -> str:
    if isinstance(one, DocumentsInput):
        text = f"PDFs and pictures of pages, alone or in a ZIP, of at most {_size(one.max_bytes)} together."
        text += f" At most {one.max_documents:,} documents of at most {one.max_pages:,} pages each."
        named = ", ".join(LANGUAGES[code] for code in one.languages)
        text += f" Scans are recognised in {named}." if named else " Scans are not read."
        return text + (f" In the ZIP they are called `{one.member}`." if one.member else "")
    text = f"A file of the format {getattr(one, 'format').upper()}, of at most {_size(one.max_bytes)}."  # noqa: B009
    if one.member:
        text += f" In a ZIP it is the file `{one.member}`."
    if isinstance(one, Input) and one.null_markers:
        text += f" These stand for an empty cell: {', '.join(f'`{marker}`' for marker in one.null_markers)}."
    return text


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"


def _need(said: Any) -> str:
    need = getattr(said, "need", said)
    return {"required": "yes", "optional": "no"}.get(str(need), str(need))


def _done(sow: Sow) -> Iterator[str]:
    several = bool(sow.tables)
    for work in sow.works():
        if several:
            table = "The result" if work.table == RESULT else f"The table `{work.table}`"
            yield f"### {table}, from {'the main file' if work.of == INPUT else f'`{work.of}`'}\n"
        lines = []
        for number, step in enumerate(work.steps, start=1):
            unreadable = getattr(step, "unreadable", None)
            more = f" A cell that cannot be read {_UNREADABLE[unreadable]}." if unreadable in _UNREADABLE else ""
            lines.append(f"{number}. {step_words(step)}{more}\n")
        yield "".join(lines)
    yield "Every cell that is changed and every row that is dropped is counted, by step and column, in the report.\n"


def _rules(sow: Sow) -> Iterator[str]:
    """The expectations of every table, in words. A suite with mistakes has none here: ``sow check`` tells them."""
    for table, suite in suites_of(sow).items():
        of = "" if table == sow.output.main.table else f"`{table}`: "
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            for one in json.loads(suite.read_text(encoding="utf-8"))["expectations"]:
                if one["type"] in SUPPORTED:
                    yield of + sentence(one["type"], one.get("kwargs", {}))


def _literal(text: str) -> str:
    """Signs that Markdown would take for its own, outside of what stands as code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\*_<\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _outgoing(sow: Sow) -> Iterator[str]:
    output: Output = sow.output
    yield f"The file `{output.filename}`. {about(type(output)).split('. As it stands')[0].rstrip('.')}.\n"
    for table, columns in sow.delivered.items():
        if len(sow.delivered) > 1:
            yield f"From {'the result' if table == RESULT else f'`{table}`'}:\n"
        yield markdown_table(["column", "holds"], [[f"`{name}`", str(kind)] for name, kind in columns.items()])
    if (filed := sow.filed) is not None:
        others = f"go into the folder `{filed.others}`" if filed.others else "are not delivered"
        yield (
            f"The documents go back as they came in, in the folder `{filed.folder}`, each under the path that `{filed.path}` "
            f"says. Those that no row names {others}.\n"
        )
    if sow.approval:
        yield "One of us looks at the result before it is delivered.\n"


def _retention(sow: Sow) -> str:
    days = sow.retention.results.at_most_days
    return (
        "What was handed in, and everything in between, is deleted as soon as the result is delivered. The result is "
        f"deleted when it is accepted, and at the latest {days} {'day' if days == 1 else 'days'} after its delivery. "
        "A certificate says so."
    )


def _signatures(sow: Sow) -> str:
    line = "_" * 30
    return (
        f"---\n\nThis is the Statement of Work `{sow.name}`, version {sow.digest[:12]}.\n\n"
        f"For the controller: {line}\n\nFor the processor: {line}\n"
    )
