"""``backoffice sow preview``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from backoffice.commands.sow.arguments import PasswordFile, SowFile, TestFile, existing

if TYPE_CHECKING:
    from rich.console import Console

    from backoffice.authoring.walk import Change, Seen

__all__ = ["preview"]


def preview(
    sow: SowFile,
    file: TestFile,
    rows: Annotated[int, typer.Option("--rows", min=1, max=1000, help="How many rows of each step.")] = 5,
    step: Annotated[int | None, typer.Option("--step", min=1, help="One step alone, by its number.")] = None,
    table: Annotated[str, typer.Option("--table", help="The table whose steps are shown.")] = "result",
    every: Annotated[bool, typer.Option("--columns", help="All columns, not only those that change.")] = False,
    password_file: PasswordFile = None,
) -> None:
    """Show the first rows that each step changes, before and after. It shows cells: for a test file, never a client's.

    Exit code 0: done. 3: mistakes in the SOW. 5: the file has to be mended.
    """
    from backoffice.authoring.walk import walk
    from backoffice.commands import terminal
    from backoffice.commands.passwords import ask_for_trial
    from backoffice.contract import load_sow
    from backoffice.contract.mistakes import did_you_mean, one_of
    from backoffice.errors import ContractError
    from backoffice.transform import Engine

    agreed = load_sow(existing(sow))
    steps = {work.table: len(work.steps) for work in agreed.works()}
    if table not in steps:
        raise ContractError(f"No steps lead to a table `{table}`.", hint=did_you_mean(table, steps) or one_of(steps))
    if step is not None and step > steps[table]:
        raise ContractError(f"There is no step {step}.", hint=f"`{table}` has {steps[table]}.")
    console = terminal()
    with Engine(password=ask_for_trial(password_file)) as engine:
        engine.load(agreed, existing(file))
        for seen in walk(engine, agreed, table=table, rows=rows):
            if step in (None, seen.number):
                _show(console, seen, every=every)
            if seen.number == step:
                break


def _show(console: Console, seen: Seen, *, every: bool) -> None:
    from rich.markup import escape

    figures = seen.figures
    console.print(f"[bold]{seen.number}. {escape(seen.figures.step)}[/bold]  {escape(seen.words)}")
    changed, blanked = sum(figures.changed.values()), sum(figures.blanked.values())
    said = [f"{figures.rows_in:,} rows in, {figures.rows_out:,} out"]
    said += [f"{changed:,} cells changed"] if changed else []
    said += [f"{blanked:,} cells blanked"] if blanked else []
    console.print(f"   {', '.join(said)}", style="dim")
    for new, old in seen.renamed.items():
        console.print(f"   {escape(old)} → {escape(new)}")
    gone = [name for name in seen.before if name not in seen.after and name not in seen.renamed.values()]
    if gone:
        console.print(f"   [red]- {escape(', '.join(gone))}[/red]")
    if seen.first is not None:
        for title, columns, rows in zip(("before", "after"), (seen.before, seen.after), seen.first, strict=True):
            console.print(_plain(title, columns, rows), soft_wrap=False)
    elif seen.changes:
        console.print(_table(seen, every=every), soft_wrap=False)
    elif not seen.renamed and not gone:
        console.print("   no cell is different afterwards", style="dim")
    console.print()


def _table(seen: Seen, *, every: bool) -> Any:
    """One line a row: a cell that changed shows both; a row that is gone is struck through."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    old = {name: seen.renamed.get(name, name) for name in seen.after}
    places = {name: index for index, name in enumerate(seen.before)}
    touched = [
        name for name in seen.after if every or any(_differs(one, seen, name, old, places) for one in seen.changes)
    ]
    names: list[str] = list(dict.fromkeys([*([] if every else seen.after[:1]), *touched]))
    if any(one.after is None or one.before is None for one in seen.changes):
        names = list(seen.after)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in names:
        table.add_column(Text(name))
    for one in seen.changes:
        cells = []
        for name in names:
            was = one.before[places[old[name]]] if one.before and old[name] in places else ""
            now = one.after[seen.after.index(name)] if one.after else ""
            cells.append(_cell(one, was, now))
        table.add_row(*cells)
    return table


def _differs(one: Change, seen: Seen, name: str, old: dict[str, str], places: dict[str, int]) -> bool:
    was = one.before[places[old[name]]] if one.before and old[name] in places else ""
    return bool(one.after) and one.after[seen.after.index(name)] != was


def _cell(one: Change, was: str, now: str) -> Any:
    from rich.text import Text

    if one.after is None:
        return Text(_visible(was), style="red strike")
    if one.before is None:
        return Text(_visible(now), style="green")
    if was == now:
        return Text(_visible(now), style="dim")
    shown = Text(_visible(was) or "∅", style="red")
    return shown.append(" → ", style="dim").append(_visible(now) or "∅", style="green")


def _plain(title: str, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False, title=title, title_justify="left")
    for name in columns:
        table.add_column(Text(name))
    for row in rows:
        table.add_row(*(Text(_visible(cell)) for cell in row))
    return table


def _visible(cell: str) -> str:
    """White space at the ends, and what moves the cursor, as signs that can be seen; a long cell's beginning."""
    ends = cell.strip(" ")
    left, right = len(cell) - len(cell.lstrip(" ")), len(cell) - len(cell.rstrip(" "))
    shown = "␣" * len(cell) if not ends else "␣" * left + ends + "␣" * right
    shown = "".join(sign if sign.isprintable() else "·" for sign in shown)
    return shown if len(shown) <= 60 else shown[:59] + "…"
