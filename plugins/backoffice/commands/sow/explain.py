"""``backoffice sow explain``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from backoffice.commands.sow.arguments import SowFile

if TYPE_CHECKING:
    from backoffice.contract import Dpa, Sow

__all__ = ["explain"]


def explain(
    sow: SowFile,
    words: Annotated[bool, typer.Option("--words", help="In words, as Markdown, for the client to sign.")] = False,
    table: Annotated[str | None, typer.Option("--table", help="The SQL of another table than the main one.")] = None,
) -> None:
    """Show the one SQL query that a SOW means (DuckDB's dialect, over the table `input`); or all of it in words."""
    from backoffice.contract import load_sow

    agreed = load_sow(sow)
    if words:
        from backoffice.authoring.words import in_words

        _show(in_words(agreed, _dpa(agreed)), "markdown")
        return
    from backoffice.transform import explain as explain_sql

    if table is not None:
        _known(agreed, table)
    _show(explain_sql(agreed, table) if table else explain_sql(agreed), "sql")


def _show(text: str, language: str) -> None:
    if not sys.stdout.isatty():
        print(text)
        return
    from rich.console import Console
    from rich.syntax import Syntax

    Console().print(Syntax(text, language, background_color="default", word_wrap=True))


def _dpa(sow: Sow) -> Dpa | None:
    from backoffice.contract import load_dpa

    path = sow.path.with_name("dpa.yaml")
    return load_dpa(path) if path.exists() else None


def _known(sow: Sow, table: str) -> None:
    from backoffice.contract.mistakes import did_you_mean, one_of
    from backoffice.errors import ContractError

    known = [work.table for work in sow.works()]
    if table not in known:
        raise ContractError(f"No steps lead to a table `{table}`.", hint=did_you_mean(table, known) or one_of(known))
