"""Figures over several rows, DuckDB's in Spark's words. Every one says of itself how blanks and ties count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from backoffice.spark.plain import held
from backoffice.spark.types import Untranslatable

__all__ = ["Reader", "figure", "is_figure"]


@dataclass(frozen=True)
class Reader:
    """How the expressions that a figure looks at are read."""

    say: Callable[[exp.Expr], exp.Expr]
    """One of DuckDB's, in Spark's words."""
    kind: Callable[[exp.Expr], exp.DataType]
    """What it holds."""


Only = Callable[[exp.Expr], exp.Expr]
"""The cell, where the row counts."""

_FIGURES = frozenset(
    ("list", "first", "quantile_disc", "arg_min_null", "arg_max_null", "bool_or", "bool_and", "count_if")
)
"""Those that the parser knows by their name only."""


def is_figure(node: exp.Expr) -> bool:
    """Whether it looks at several rows."""
    if isinstance(node, exp.Filter | exp.WithinGroup | exp.IgnoreNulls):
        return is_figure(node.this)
    return isinstance(node, exp.AggFunc) or (isinstance(node, exp.Anonymous) and node.name.lower() in _FIGURES)


def figure(node: exp.Expr, read: Reader) -> exp.Expr:
    """The same in Spark's words.

    :raises Untranslatable: it has none that are sure to mean the same.
    """
    where: exp.Expr | None = None
    if isinstance(node, exp.Filter):
        where, node = read.say(node.expression.this), node.this

    def only(cell: exp.Expr) -> exp.Expr:
        return cell if where is None else exp.Case().when(where.copy(), cell)

    if isinstance(node, exp.Count):
        return _count(node, read, only)
    if isinstance(node, exp.CountIf):
        return _call("count_if", only(read.say(node.this)))
    if isinstance(node, exp.Sum):
        return _call("sum", only(_exact(node.this, read)))
    if isinstance(node, exp.Min | exp.Max) and not node.expressions:
        return _call("min" if isinstance(node, exp.Min) else "max", only(read.say(node.this)))
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if isinstance(node, exp.LogicalOr | exp.LogicalAnd):
        return _call("bool_or" if isinstance(node, exp.LogicalOr) else "bool_and", only(read.say(node.this)))
    if isinstance(node, exp.ArgMin | exp.ArgMax) and not node.args.get("count"):
        cell, by = read.say(node.this), read.say(node.expression)
        by = exp.Case().when(exp.not_(exp.paren(cell.copy()).is_(exp.null())), by)  # empty cells are no candidates
        return _call("min_by" if isinstance(node, exp.ArgMin) else "max_by", cell, only(by))
    if name in ("arg_min_null", "arg_max_null"):
        cell, by = map(read.say, node.expressions)
        return _call("min_by" if name == "arg_min_null" else "max_by", cell, only(by))
    if isinstance(node, exp.First) or name == "first":
        return _first(node.this if isinstance(node, exp.First) else node.expressions[0], read, only)
    if isinstance(node, exp.ArrayAgg) or name == "list":
        return _listed(node.this if isinstance(node, exp.ArrayAgg) else node.expressions[0], read, where)
    if isinstance(node, exp.GroupConcat):
        return _text(node, read, where)
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileDisc):
        return _within_group(node, read, only)
    if isinstance(node, exp.PercentileDisc | exp.Quantile) or name == "quantile_disc":
        return _quantile(node, read, only)
    raise Untranslatable(type(node).__name__)


def _count(node: exp.Count, read: Reader, only: Only) -> exp.Expr:
    if isinstance(node.this, exp.Star) or node.this is None:
        return _call("count", only(exp.Literal.number(1)))
    if isinstance(node.this, exp.Distinct):
        if len(node.this.expressions) != 1:
            raise Untranslatable("count")
        cell = only(read.say(node.this.expressions[0]))
        return exp.Count(this=exp.Distinct(expressions=[cell]))
    if node.expressions:
        raise Untranslatable("count")
    return _call("count", only(read.say(node.this)))


def _exact(cell: exp.Expr, read: Reader) -> exp.Expr:
    """A sum has room for every digit, as DuckDB's has."""
    if isinstance(cell, exp.Distinct):
        raise Untranslatable("sum")
    kind = read.kind(cell)
    if held(kind) in ("whole", "huge"):
        scale = "0"
    elif held(kind) == "exact":
        scale = kind.expressions[1].name if len(kind.expressions) > 1 else "3"
    else:
        raise Untranslatable("sum")
    return exp.cast(read.say(cell), f"decimal(38, {scale})")


def _keys(order: list[exp.Expr], read: Reader) -> list[exp.Expr]:
    """What sorts as the keys do, from least to greatest."""
    found: list[exp.Expr] = []
    for one in order:
        first = bool(one.args.get("nulls_first"))
        key = read.say(one.this)
        empty = exp.paren(key.copy()).is_(exp.null())
        found.append(exp.paren(exp.not_(empty) if first else empty))
        found.append(_downwards(key, read.kind(one.this)) if one.args.get("desc") else key)
    return found


def _downwards(key: exp.Expr, kind: exp.DataType) -> exp.Expr:
    """What sorts from the greatest to the least."""
    if held(kind) in ("whole", "huge", "exact"):
        return exp.Neg(this=exp.paren(key))
    if held(kind) == "truth":
        return exp.not_(exp.paren(key))
    if held(kind) == "date":
        return exp.Neg(this=_call("unix_date", key))
    raise Untranslatable("descending")


def _first(cell: exp.Expr, read: Reader, only: Only) -> exp.Expr:
    if not isinstance(cell, exp.Order):
        raise Untranslatable("first")
    by = _call("struct", *_keys(cell.expressions, read))
    return _call("min_by", read.say(cell.this), only(by))


def _in_order(cell: exp.Expr, read: Reader, where: exp.Expr | None, *, filled: bool) -> tuple[exp.Expr, exp.Expr]:
    """The cells of the rows in their order, as a list; and the list before it was sorted."""
    keys: list[exp.Expr] = []
    if isinstance(cell, exp.Order):
        keys, cell = _keys(cell.expressions, read), cell.this
    if isinstance(cell, exp.Distinct):
        raise Untranslatable("list")
    said = read.say(cell)
    named: list[exp.Expr] = []
    for number, key in enumerate([*keys, said]):
        named += [exp.Literal.string(f"k{number}"), key]
    one: exp.Expr = _call("named_struct", *named)
    conditions = [where.copy()] if where is not None else []
    if filled:
        conditions.append(exp.not_(exp.paren(said.copy()).is_(exp.null())))
    if conditions:
        one = exp.Case().when(exp.and_(*conditions), one)
    every = _call("collect_list", one)
    lambda_ = exp.Lambda(
        this=exp.Dot(this=exp.to_identifier("s"), expression=exp.to_identifier(f"k{len(keys)}")),
        expressions=[exp.to_identifier("s")],
    )
    return _call("transform", _call("array_sort", every) if keys else every, lambda_), every


def _listed(cell: exp.Expr, read: Reader, where: exp.Expr | None) -> exp.Expr:
    cells, every = _in_order(cell, read, where, filled=False)
    return exp.Case().when(exp.GT(this=_call("size", every.copy()), expression=exp.Literal.number(0)), cells)


def _text(node: exp.GroupConcat, read: Reader, where: exp.Expr | None) -> exp.Expr:
    cell, separator = node.this, node.args.get("separator")
    if isinstance(cell, exp.Order) and not isinstance(separator, exp.Literal | None):
        raise Untranslatable("string_agg")
    cells, every = _in_order(cell, read, where, filled=True)
    joined = _call("array_join", cells, separator.copy() if separator is not None else exp.Literal.string(","))
    return exp.Case().when(exp.GT(this=_call("size", every.copy()), expression=exp.Literal.number(0)), joined)


def _quantile(node: exp.Expr, read: Reader, only: Only) -> exp.Expr:
    if isinstance(node, exp.Anonymous):
        cell, share = node.expressions
    else:
        cell, share = node.this, node.args.get("quantile") or node.expression
    return _smallest_of_share(share, cell, read, only)


def _within_group(node: exp.WithinGroup, read: Reader, only: Only) -> exp.Expr:
    order = node.expression.expressions
    if len(order) != 1 or order[0].args.get("desc"):
        raise Untranslatable("percentile_disc")
    return _smallest_of_share(node.this.this, order[0].this, read, only)


def _smallest_of_share(share: exp.Expr, cell: exp.Expr, read: Reader, only: Only) -> exp.Expr:
    if not isinstance(share, exp.Literal) or share.is_string:
        raise Untranslatable("quantile_disc")
    within = exp.Order(expressions=[exp.Ordered(this=only(read.say(cell)), nulls_first=False)])
    return exp.WithinGroup(this=_call("percentile_disc", share.copy()), expression=within)


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(arguments))
