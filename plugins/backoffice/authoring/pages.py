"""The catalogue as a page of docs/."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from backoffice.authoring.catalogue import Entry, Key, families
from backoffice.authoring.notes import text_below
from backoffice.contract.step import Example, Step

__all__ = ["as_markdown", "markdown_table", "tables_of", "unreadable_words"]

_INTRODUCTION = """\
# The steps

Made from the code by `make steps`; do not edit. Each step is one file in
[`transform/steps/`](../plugins/backoffice/transform/steps); [add a step](add-a-step.md) shows how to make another.
`backoffice sow steps NAME` shows the same in a terminal.

Steps run from top to bottom, each on what the one before it left. A key without a default has to be said. What a step
cannot read is counted, by column, and `unreadable` says what becomes of it: {unreadable}
"""

_ABOUT = {
    "tables": "Tables: rows and columns of anything",
    "contacts": "Contacts: people and organisations",
    "products": "Products: articles and prices",
    "transactions": "Transactions: amounts and days",
    "documents": "Documents: fields from text",
}


def as_markdown(entries: Iterable[Entry]) -> str:
    """The page."""
    listed = list(entries)
    parts = [_INTRODUCTION.format(unreadable=unreadable_words())]
    for family in families():
        here = [one for one in listed if one.family == family]
        if here:
            rows = [[f"[`{one.name}`](#{one.name})", one.first_sentence] for one in here]
            parts.append(f"**{_ABOUT.get(family, family)}**\n\n" + markdown_table(["step", "does"], rows))
    for family in families():
        here = [one for one in listed if one.family == family]
        if here:
            parts.append(f"## {_ABOUT.get(family, family)}\n")
            parts += map(_section, here)
    return "\n".join(parts)


def unreadable_words() -> str:
    """What `unreadable` means; many steps have it."""
    found = text_below(Step.__module__, "Unreadable")
    return found[found.index("`blank`") :]


def tables_of(example: Example) -> dict[str, list[list[str]]]:
    """The example's tables by what they are called, each as rows with the header first."""
    further = {f"before, {name}": text for name, text in example.tables.items()}
    made = {f"after, {name}": text for name, text in example.made.items()}
    texts: Mapping[str, str] = {"before": example.before, **further, "after": example.after, **made}
    return {name: list(csv.reader(io.StringIO(text))) for name, text in texts.items()}


def markdown_table(header: list[str], rows: Iterable[list[str]]) -> str:
    """A table in Markdown. Cells are shown as they are: signs of Markdown's own are escaped where they would break it."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>").replace("\t", "⇥")


def _section(entry: Entry) -> str:
    text = f"### {entry.name}\n\n{entry.text}\n\n"
    keys = [row for key in entry.keys for row in _rows(key)]
    if keys:
        text += markdown_table(["key", "takes", "default", ""], keys) + "\n"
    text += f"{entry.blanks}\n\n```yaml\n{entry.example.steps.strip()}\n```\n\n"
    for name, code in getattr(entry.example, "files", {}).items():
        text += f"`{name}`:\n\n```{name.rpartition('.')[2]}\n{code.strip()}\n```\n\n"
    for name, rows in tables_of(entry.example).items():
        if not rows:
            continue
        shown = [[_literal(cell) for cell in row] for row in rows[1:]]
        text += f"{name[0].upper()}{name[1:]}:\n\n{markdown_table(rows[0], shown)}\n"
    return text


def _rows(key: Key) -> Iterable[list[str]]:
    for name, one in key.flat():
        default = "" if one.default in (None, "") else f"`{one.default}`"
        yield [f"`{name}`", one.takes, default if one.default is not None else "has to be said", one.note]


def _literal(cell: str) -> str:
    """A cell that white space matters in, or that Markdown would take for something else, as code."""
    tricky = cell != cell.strip() or "  " in cell or any(sign in cell for sign in "*_`<>[]\\~&")
    return f"`{cell}`" if cell and tricky and "`" not in cell else cell
