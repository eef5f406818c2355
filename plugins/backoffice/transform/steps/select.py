"""Choosing columns."""

from __future__ import annotations

from backoffice.contract.steps.select import Select
from backoffice.transform.compiling import Shape, Source, compile_step


@compile_step.register
def _(step: Select, source: Source) -> Shape:
    return Shape({name: name for name in step.columns_after(source.columns)})
