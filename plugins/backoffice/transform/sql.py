"""Building SQL, in DuckDB's dialect, without ever putting a name or a value of the client's into text by hand.

``sqlglot`` is imported on first use only: steps are imported at DAG parse, and it would cost 0.1 s there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from backoffice.contract.kind import Kind

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["SQL_TYPES", "call", "cast", "col", "duckdb_text", "filled", "query", "sql", "table", "try_cast"]

SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DECIMAL(18, 6)",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.BOOLEAN: "BOOLEAN",
}

_MOST_IN = 4
_MOST_LISTED = 200
"""Every cell is compared with one after the other: more are quicker found in a table."""


def col(name: str, of: str | None = None) -> exp.Column:
    """A column, quoted: its name is the client's."""
    from sqlglot import exp

    return exp.column(name, table=of, quoted=True)


def table(name: str, alias: str | None = None) -> exp.Table:
    """A table."""
    from sqlglot import exp

    known_as = exp.TableAlias(this=exp.to_identifier(alias)) if alias else None
    return exp.Table(this=exp.to_identifier(name, quoted=True), alias=known_as)


def sql(text: str, /, **values: Any) -> exp.Expr:
    """An expression: ``sql("upper(:cell)", cell=col("name"))``. Text and numbers in ``values`` become literals."""
    from sqlglot import exp

    return _placed(_parsed(text), values, exp.Expr)


def query(text: str, /, **values: Any) -> exp.Query:
    """A whole query, as :func:`sql`; a table stands in it as ``:name`` too."""
    from sqlglot import exp

    return _placed(_parsed(text), values, exp.Query)


def call(name: str, *arguments: exp.Expr | str | float | int) -> exp.Expr:
    """A call of one of DuckDB's functions; text and numbers become literals."""
    from sqlglot import exp

    return exp.func(
        name, *(exp.convert(one) if not isinstance(one, exp.Expr) else one for one in arguments), dialect="duckdb"
    )


def filled(name: str, of: str | None = None) -> exp.Expr:
    """Whether a cell is."""
    return sql(":cell is not null", cell=col(name, of))


def cast(what: exp.Expr, kind: Kind) -> exp.Expr:
    """``what`` as a kind of column."""
    from sqlglot import exp

    return exp.cast(what, exp.DataType.build(SQL_TYPES[kind], dialect="duckdb"))


def try_cast(what: exp.Expr, kind: Kind) -> exp.Expr:
    """``what`` as a kind of column, empty where it is not one."""
    from sqlglot import exp

    return exp.TryCast(this=what, to=exp.DataType.build(SQL_TYPES[kind], dialect="duckdb"))


def duckdb_text(what: exp.Expr) -> str:
    """It as DuckDB carries it out best: of a longer list after ``IN`` it would make a join, and lose the rows' order."""
    from sqlglot import exp

    def listed(node: exp.Expr) -> exp.Expr:
        choices = node.expressions if isinstance(node, exp.In) else []
        if not _MOST_IN < len(choices) <= _MOST_LISTED or not all(_is_literal(one) for one in choices):
            return node
        return exp.Anonymous(this="list_contains", expressions=[exp.Array(expressions=choices), node.this])

    return what.transform(listed).sql(dialect="duckdb")


def _is_literal(what: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(what, exp.Literal)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> exp.Expr:
    from sqlglot import parse_one

    return parse_one(text, dialect="duckdb")


def _placed(parsed: exp.Expr, values: dict[str, Any], kind: type[Any]) -> Any:
    from sqlglot import exp

    ready = {name: value if isinstance(value, exp.Expr) else exp.convert(value) for name, value in values.items()}

    def place(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Placeholder) and node.name in ready:
            return ready[node.name].copy()
        return node

    placed = parsed.transform(place)
    if not isinstance(placed, kind):
        raise TypeError(f"not a {kind.__name__}")
    return placed
