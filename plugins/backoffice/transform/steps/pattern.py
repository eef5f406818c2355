"""Patterns."""

from __future__ import annotations

from sqlglot import exp

from backoffice.contract.steps.pattern import Pattern
from backoffice.transform.compiling import Cells, Source, call, col, compile_step


@compile_step.register
def _(step: Pattern, source: Source) -> Cells:  # noqa: ARG001
    cells: dict[str, exp.Expr] = {}
    for name, pattern in step.columns.items():
        cell = call("regexp_replace", col(name), "[^0-9]", "", "g") if step.digits_only else col(name)
        cells[name] = exp.Case().when(call("regexp_full_match", cell, pattern), cell.copy())
    return Cells(cells)
