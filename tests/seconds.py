"""How much work something is, so that a busy machine makes no test fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["within"]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block takes fewer CPU seconds, those of children that have ended included."""
    begun = _cpu()
    yield
    assert _cpu() - begun < seconds


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
