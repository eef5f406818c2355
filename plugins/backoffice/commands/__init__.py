"""What `backoffice` can do: one module a noun."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["terminal"]


def terminal() -> Console:
    """Where people read. Ids and paths are not wrapped, so that they can be copied; a pipe is as wide as it needs."""
    from rich.console import Console

    found = Console(highlight=False, soft_wrap=True)
    if not found.is_terminal:
        found.width = 200
    return found
