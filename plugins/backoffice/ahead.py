"""A step ahead: the next of several things is made by another thread while this one works on the last."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(things: Iterable[T]) -> Generator[T]:
    """The same things in the same order; one more than before is held at a time.

    It gains where making them and using them both leave Python to itself, as DuckDB and Arrow do. Close it (``closing``)
    where what the things come from is closed after it: the one that is being made is waited for.

    :raises: what making them raises, where they are asked for.
    """
    end = object()
    source = iter(things)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as other:
        coming = other.submit(next, source, end)
        while (found := coming.result()) is not end:
            coming = other.submit(next, source, end)
            yield found  # pyright: ignore[reportReturnType] - it is not the end
