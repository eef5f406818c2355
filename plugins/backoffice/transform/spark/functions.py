"""Our own functions in other processes: Spark's Python processes are sent names, and import what they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from sqlglot import exp

from backoffice.transform.function import FUNCTIONS, provide

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["OwnFunctions", "every_function", "functions_in"]


@dataclass(frozen=True)
class OwnFunctions:
    """Some of them."""

    named: tuple[tuple[str, str], ...]
    """Each: the module that defines it, and its name in SQL."""
    secret: bytes | None = None
    """The project's key, if one of them takes it."""

    def __repr__(self) -> str:
        """Without the project's key."""
        return "OwnFunctions()"

    def give(self, connection: DuckDBPyConnection, given: set[str]) -> None:
        """Give them to a connection, but for those that it was given; their names are added to these."""
        for module, name in self.named:
            if name not in given:
                import_module(module)
                provide(connection, [FUNCTIONS[name].bound(self.secret)])
                given.add(name)


def every_function() -> OwnFunctions:
    """All that are defined by now; pseudonyms are those of a trial."""
    return _named(FUNCTIONS)


def functions_in(node: exp.Expr, secret: bytes | None) -> OwnFunctions:
    """Those that an expression asks.

    :param secret: the project's key for pseudonyms.
    """
    names = sorted({one.name for one in node.find_all(exp.Anonymous) if one.name in FUNCTIONS})
    return _named(names, secret if any(FUNCTIONS[name].keyed for name in names) else None)


def _named(names: Iterable[str], secret: bytes | None = None) -> OwnFunctions:
    return OwnFunctions(tuple((FUNCTIONS[name].defined_in, name) for name in names), secret)
