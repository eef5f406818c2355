"""Lists of allowed values."""

from __future__ import annotations

from sqlglot import exp

from backoffice.contract.steps.allowed import Allowed
from backoffice.transform.compiling import Cells, Source, call, col, compile_step


@compile_step.register
def _(step: Allowed, source: Source) -> Cells:  # noqa: ARG001
    spellings = {value.lower(): value for value in step.values}
    for wrong, right in step.fixes.items():
        spellings.setdefault(wrong.lower(), right)
    by_value: dict[str, list[str]] = {}
    for spelling, value in spellings.items():
        by_value.setdefault(value, []).append(spelling)
    found = exp.Case()
    for value, known in by_value.items():
        found = found.when(call("lower", col(step.column)).isin(*known), exp.convert(value))
    return Cells({step.column: found})
