"""White space."""

from __future__ import annotations

from backoffice.contract.steps.trim import Trim
from backoffice.transform.compiling import Cells, Source, call, col, compile_step

WHITE_SPACE = r"[\s\p{Z}\x{200B}\x{FEFF}]+"
"""Unicode's too: no-break spaces are common in lists that were copied from web pages."""


@compile_step.register
def _(step: Trim, source: Source) -> Cells:
    def trimmed(name: str):
        return call("nullif", call("trim", call("regexp_replace", col(name), WHITE_SPACE, " ", "g")), "")

    return Cells({name: trimmed(name) for name in step.columns or source.columns}, loses=False)
