"""What both kinds of duplicates need: who survives, and which references were merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backoffice.transform.fragment import ROW, Source
from backoffice.transform.sql import call, col

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["SEPARATOR", "listing", "most_complete_first", "references"]

SEPARATOR = ";"


def most_complete_first(source: Source, *, but: str | None, of: str | None = None) -> list[exp.Ordered]:
    """The order of survival: the most filled cells, then the earliest row. The list of references does not count."""
    from sqlglot import exp

    cells = exp.Array(expressions=[exp.cast(col(name, of), "varchar") for name in source.columns if name != but])
    filled = exp.Anonymous(this="list_count", expressions=[cells])
    return [exp.Ordered(this=filled, desc=True, nulls_first=False), exp.Ordered(this=col(ROW, of))]


def references(source: Source, ids: str, list_as: str) -> exp.Expr:
    """The references that a row stands for: what an earlier step listed, else its own."""
    return call("coalesce", col(list_as), col(ids)) if list_as in source.columns else col(ids)


def listing(source: Source, ids: str, list_as: str) -> exp.Expr:
    """All references of a group, in the order of the file."""
    from sqlglot import exp

    ordered = exp.Order(this=references(source, ids, list_as), expressions=[exp.Ordered(this=col(ROW))])
    return exp.GroupConcat(this=ordered, separator=exp.convert(SEPARATOR))
