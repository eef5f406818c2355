"""What both kinds of duplicates need: who survives, and which references were merged."""

from __future__ import annotations

from sqlglot import exp

from backoffice.transform.compiling import ROW, Source, call, col, complete

__all__ = ["SEPARATOR", "listing", "most_complete_first", "references"]

SEPARATOR = ";"


def most_complete_first(source: Source, *, but: str | None, of: str | None = None) -> list[exp.Ordered]:
    """The order of survival: the most filled cells, then the earliest row. The list of references does not count."""
    counted = tuple(name for name in source.columns if name != but)
    filled = complete(counted)
    if of is not None:
        filled = filled.transform(lambda node: col(node.name, of) if isinstance(node, exp.Column) else node)
    return [exp.Ordered(this=filled, desc=True, nulls_first=False), exp.Ordered(this=col(ROW, of))]


def references(source: Source, ids: str, list_as: str) -> exp.Expr:
    """The references that a row stands for: what an earlier step listed, else its own."""
    return call("coalesce", col(list_as), col(ids)) if list_as in source.columns else col(ids)


def listing(source: Source, ids: str, list_as: str) -> exp.Expr:
    """All references of a group, in the order of the file."""
    ordered = exp.Order(this=references(source, ids, list_as), expressions=[exp.Ordered(this=col(ROW))])
    return exp.GroupConcat(this=ordered, separator=exp.convert(SEPARATOR))
