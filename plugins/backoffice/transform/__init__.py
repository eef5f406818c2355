"""Reading files, the steps, and the engine that runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backoffice.transform.engine import Engine, explain
    from backoffice.transform.figures import InputProfile, RunFigures, StepFigures

__all__ = ["Engine", "InputProfile", "RunFigures", "StepFigures", "explain"]


def __getattr__(name: str) -> Any:
    # On first use: this room's stage is imported where DAGs are parsed, and sqlglot would cost 0.1 s there.
    if name not in __all__:
        raise AttributeError(name)
    from backoffice.transform import engine, figures

    return getattr(engine, name, None) or getattr(figures, name)
