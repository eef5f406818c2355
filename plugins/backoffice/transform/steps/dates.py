"""Dates."""

from __future__ import annotations

import re

from sqlglot import exp

from backoffice.contract.steps.dates import Dates
from backoffice.transform.compiling import Cells, Source, call, col, compile_step

_DIGITS = {"YYYY": "[0-9]{4}", "MM": "[0-9]{2}", "DD": "[0-9]{2}", "M": "[0-9]{1,2}", "D": "[0-9]{1,2}"}


@compile_step.register
def _(step: Dates, source: Source) -> Cells:  # noqa: ARG001
    return Cells({name: _iso(col(name), step.formats) for name in step.columns}, dates=True)


def _iso(cell: exp.Expr, formats: tuple[str, ...]) -> exp.Expr:
    """Strict and portable: a format is a pattern and an order of its groups; the calendar decides whether it exists.

    (``try_strptime`` with a list of formats was the slowest part of a hand-written job, and Spark has none.)
    """
    found = exp.Case()
    for one in formats:
        pattern, order = _pattern(one)
        text = call("regexp_replace", cell.copy(), f"^{pattern}$", order)
        day = exp.TryCast(this=text, to=exp.DataType.build("date"))
        found = found.when(call("regexp_full_match", cell.copy(), pattern), exp.cast(day, "varchar"))
    return found


def _pattern(written: str) -> tuple[str, str]:
    parts = re.findall(r"YYYY|MM?|DD?|.", written)
    pattern, groups = "", []
    for part in parts:
        if part in _DIGITS:
            groups.append(part[0])
            pattern += f"({_DIGITS[part]})"
        else:
            pattern += re.escape(part)
    place = {letter: index for index, letter in enumerate(groups, start=1)}
    return pattern, rf"\{place['Y']}-\{place['M']}-\{place['D']}"
