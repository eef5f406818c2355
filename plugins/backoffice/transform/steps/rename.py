"""Renaming columns."""

from __future__ import annotations

from backoffice.contract.steps.rename import Rename
from backoffice.transform.compiling import Shape, Source, compile_step


@compile_step.register
def _(step: Rename, source: Source) -> Shape:
    return Shape({step.columns.get(name, name): name for name in source.columns})
