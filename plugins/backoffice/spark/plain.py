"""Which expressions mean the same in DuckDB and in Spark, so that Spark works them out itself.

An allow-list, by what the operands hold: what is not known to be the same is left to DuckDB (``cells.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

__all__ = ["Held", "held", "plain"]

Held = str
"""``text``, ``whole``, ``huge`` (whole, beyond 64 bits), ``exact``, ``date``, ``moment``, ``truth``, ``nothing``, ``other``."""

_TYPES: dict[Any, Held] = {
    exp.DataType.Type.TEXT: "text",
    exp.DataType.Type.VARCHAR: "text",
    exp.DataType.Type.BIGINT: "whole",
    exp.DataType.Type.INT: "whole",
    exp.DataType.Type.SMALLINT: "whole",
    exp.DataType.Type.TINYINT: "whole",
    exp.DataType.Type.INT128: "huge",
    exp.DataType.Type.DECIMAL: "exact",
    exp.DataType.Type.DATE: "date",
    exp.DataType.Type.TIMESTAMP: "moment",
    exp.DataType.Type.TIMESTAMPNTZ: "moment",
    exp.DataType.Type.BOOLEAN: "truth",
}
_COMPARED = frozenset(("text", "whole", "huge", "exact", "date", "moment", "truth"))
_NUMBERS = frozenset(("whole", "huge", "exact"))
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])")

Leaf = Callable[[exp.Expr], str | None]


def held(kind: exp.DataType) -> Held:
    """What a type of DuckDB's stands for."""
    return _TYPES.get(kind.this, "other")


def plain(node: exp.Expr, leaf: Leaf) -> Held | None:
    """What an expression holds, if it means the same in both engines.

    :param leaf: what a column, a figure over several rows or a query in brackets holds; ``None`` for anything else.
    """
    known = leaf(node)
    if known is not None:
        return known
    for kinds, answer in _ANSWERS:
        if isinstance(node, kinds):
            return answer(node, lambda one: plain(one, leaf))
    return None


Ask = Callable[[exp.Expr], str | None]


def _literal(node: exp.Expr, _: Ask) -> Held | None:
    if node.args.get("is_string"):
        return "text"
    return "whole" if node.name.isdecimal() and int(node.name) < 2**31 else None


def _same(node: exp.Expr, ask: Ask) -> Held | None:
    return ask(node.this)


def _truth(node: exp.Expr, ask: Ask) -> Held | None:
    parts = [node.this, *([node.expression] if isinstance(node, exp.Binary) else [])]
    return "truth" if all(ask(one) in ("truth", "nothing") for one in parts) else None


def _is(node: exp.Expr, ask: Ask) -> Held | None:
    return "truth" if isinstance(node.expression, exp.Null) and ask(node.this) else None


def _together(parts: Iterable[exp.Expr], ask: Ask) -> Held | None:
    """What they have in common."""
    found = {ask(one) for one in parts} - {"nothing"}
    if not found:
        return "nothing"
    if None in found or not found <= _COMPARED:
        return None
    if len(found) == 1:
        return found.pop()
    return ("huge" if "huge" in found and "exact" not in found else "exact") if found <= _NUMBERS else None


def _compared(node: exp.Expr, ask: Ask) -> Held | None:
    return "truth" if _together([node.this, node.expression], ask) else None


def _between(node: exp.Expr, ask: Ask) -> Held | None:
    if node.args.get("symmetric"):
        return None
    return "truth" if _together([node.this, node.args["low"], node.args["high"]], ask) else None


def _in(node: exp.Expr, ask: Ask) -> Held | None:
    if node.args.get("query") or node.args.get("unnest") or node.args.get("field") or not node.expressions:
        return None
    return "truth" if _together([node.this, *node.expressions], ask) else None


def _case(node: exp.Expr, ask: Ask) -> Held | None:
    ifs = node.args["ifs"]
    if node.this is not None or any(ask(one.this) not in ("truth", "nothing") for one in ifs):
        return None
    return _together(
        [one.args["true"] for one in ifs] + ([node.args["default"]] if node.args.get("default") else []), ask
    )


def _coalesce(node: exp.Expr, ask: Ask) -> Held | None:
    return _together([node.this, *node.expressions], ask)


def _nullif(node: exp.Expr, ask: Ask) -> Held | None:
    return ask(node.this) if _together([node.this, node.expression], ask) else None


def _cast(node: exp.Expr, ask: Ask) -> Held | None:
    of, to = ask(node.this), held(node.args["to"])
    if of is None or to in ("other", "huge") or node.args.get("format"):
        return None
    if of == "nothing" or (of == to and of != "whole"):
        return to
    if to == "date" and isinstance(node.this, exp.Literal) and node.this.is_string and _DAY.fullmatch(node.this.name):
        return "date"
    fits = {("whole", "text"), ("whole", "whole"), ("huge", "whole"), ("whole", "exact"), ("huge", "exact")}
    return to if (of, to) in fits else None


def _whole(node: exp.Expr, ask: Ask) -> Held | None:
    return "whole" if all(ask(one) == "whole" for one in (node.this, node.expression)) else None


def _joined(node: exp.Expr, ask: Ask) -> Held | None:
    return "text" if all(ask(one) in ("text", "nothing") for one in (node.this, node.expression)) else None


def _length(node: exp.Expr, ask: Ask) -> Held | None:
    return "whole" if ask(node.this) == "text" and not node.args.get("binary") else None


def _begins(node: exp.Expr, ask: Ask) -> Held | None:
    return "truth" if ask(node.this) == "text" and ask(node.expression) == "text" else None


_ANSWERS: tuple[tuple[type | tuple[type, ...], Callable[[exp.Expr, Ask], Held | None]], ...] = (
    (exp.Literal, _literal),
    (exp.Null, lambda *_: "nothing"),
    (exp.Boolean, lambda *_: "truth"),
    ((exp.Paren, exp.Alias), _same),
    ((exp.And, exp.Or, exp.Not), _truth),
    (exp.Is, _is),
    (_COMPARISONS, _compared),
    (exp.Between, _between),
    (exp.In, _in),
    (exp.Case, _case),
    (exp.Coalesce, _coalesce),
    (exp.Nullif, _nullif),
    ((exp.Cast, exp.TryCast), _cast),
    ((exp.Add, exp.Sub, exp.Mul, exp.BitwiseAnd, exp.BitwiseOr), _whole),
    (exp.DPipe, _joined),
    (exp.Length, _length),
    (exp.StartsWith, _begins),
)
