"""Which rows are compared: those of one block. Of those, the pairs that have the points.

Two steps ask it: one within a list, one between two lists.
"""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backoffice.transform.evidence import Pairing, Start, double, name_of, total, words_of
from backoffice.transform.fragment import ROW
from backoffice.transform.sql import col, query, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["SIDE", "Pairs", "cells_of", "pairs_among", "scored"]

SIDE = "_side"
"""The list that a row stands in; rows are compared between lists only. One list: it is nothing."""

_PASSES = 3
"""Orders in which a crowded block is gone through, by the columns that say most."""


@dataclass(frozen=True)
class Pairs:
    """The pairs that were found, and the tables that lead to them."""

    tables: tuple[tuple[str, exp.Query], ...]
    same: str
    """The table of pairs that have the points: ``a`` (the smaller row), ``b``, ``points``, ``side_a``, ``side_b``."""
    cells: str
    """The table of all rows that were compared."""
    compared: exp.Query
    crowded: exp.Query


def cells_of(
    pairing: Pairing, of: exp.Table, row: exp.Expr, side: exp.Expr, cell: Callable[[str], exp.Expr]
) -> exp.Select:
    """The rows to compare, of one table: what :func:`pairs_among` takes.

    :param row: a number that no other row has.
    :param side: the list that the row stands in, as a whole number.
    :param cell: the cell of a column.
    """
    from sqlglot import exp

    chosen = [exp.alias_(row, ROW, quoted=True), exp.alias_(side, SIDE, quoted=True)]
    chosen += [
        exp.alias_(exp.cast(cell(name), "varchar"), _at(number), quoted=True)
        for number, name in enumerate(pairing.compared())
    ]
    return exp.select(*chosen).from_(of)


def pairs_among(pairing: Pairing, name: str, rows: exp.Query, *, sides: bool) -> Pairs:
    """The pairs that mean the same among ``rows`` (of :func:`cells_of`).

    Hashes find the blocks, which keeps memory small; cells themselves decide. A pair that several lines find is weighed
    once.

    :param name: further tables begin with it.
    :param sides: whether rows are compared between sides only.
    """
    lines = range(1, len(pairing.compare_if_equal) + 1)
    tables: list[tuple[str, exp.Query]] = [(f"{name}_keys", _keys(pairing, rows))]
    tables += [(f"{name}_sizes_{line}", _sizes(name, line, sides=sides)) for line in lines]
    tables += [(f"{name}_blocks", _blocks(pairing, name)), (f"{name}_cells", _cells(pairing, name, rows))]
    tables += [(f"{name}_pairs_{line}", _within(pairing, name, line, sides=sides)) for line in lines]
    tables.append((f"{name}_places", _places(pairing, name)))
    tables.append((f"{name}_next", _next(pairing, name, sides=sides)))
    known = "".join(f" and not coalesce(x._b{line} = y._b{line}, false)" for line in lines)
    tables.append(
        (
            f"{name}_beside",
            scored(pairing, name, query(f"select a, b from {name}_next"), f"true{known}", least=pairing.threshold),
        )
    )
    found = " union all ".join(f"select * from {name}_pairs_{line}" for line in lines)
    tables.append((f"{name}_same", query(f"{found} union all select * from {name}_beside")))
    small = f"<= {pairing.largest_block}"
    compared = [f"(select coalesce(sum(pairs), 0) from {name}_sizes_{line} where size {small})" for line in lines]
    compared.append(f"(select count(*) from {name}_next)")
    crowded = [f"(select count(*) from {name}_sizes_{line} where not size {small})" for line in lines]
    return Pairs(
        tuple(tables),
        f"{name}_same",
        f"{name}_cells",
        compared=query(f"select ({' + '.join(compared)})::bigint"),
        crowded=query(f"select ({' + '.join(crowded)})::bigint"),
    )


def _at(number: int) -> str:
    return f"_c{number}"


def _places_of(pairing: Pairing) -> dict[str, str]:
    return {name: _at(number) for number, name in enumerate(pairing.compared())}


def _part(one: str | Start, at: dict[str, str], of: str | None = None) -> exp.Expr:
    cell = col(at[name_of(one)], of)
    return cell if isinstance(one, str) else sql("lower(left(:cell, :n))", cell=cell, n=one.first)


def _keys(pairing: Pairing, rows: exp.Query) -> exp.Query:
    """Each row's block in each line, as a hash; none where a cell is empty."""
    from sqlglot import exp

    at = _places_of(pairing)
    chosen: list[exp.Expr] = [col(ROW), col(SIDE)]
    for number, line in enumerate(pairing.compare_if_equal, start=1):
        key = exp.Anonymous(this="hash", expressions=[_part(one, at) for one in line])
        there = exp.and_(*(sql(":cell is not null", cell=col(at[name_of(one)])) for one in line))
        chosen.append(exp.alias_(exp.Case().when(there, key), f"_b{number}", quoted=True))
    return exp.select(*chosen).from_(rows.subquery("r"))  # pyright: ignore[reportReturnType]


def _sizes(name: str, line: int, *, sides: bool) -> exp.Query:
    """The blocks of one line that hold a pair: how many rows, how many pairs."""
    if not sides:
        text = f"""select _b{line} as block, count(*) as size, count(*) * (count(*) - 1) // 2 as pairs
            from {name}_keys where _b{line} is not null group by _b{line} having count(*) > 1"""
        return query(text)
    return query(
        f"""select block, sum(size)::bigint as size, ((sum(size) * sum(size) - sum(size * size)) // 2)::bigint as pairs
        from (select _b{line} as block, _side, count(*) as size from {name}_keys
              where _b{line} is not null group by _b{line}, _side) as each_side
        group by block having count(*) > 1"""
    )


def _blocks(pairing: Pairing, name: str) -> exp.Query:
    """Rows that share a block, with its hash: ``_b1`` where all are compared, ``_n1`` where only neighbours are."""
    lines = range(1, len(pairing.compare_if_equal) + 1)
    chosen = [
        f"case when s{line}.size <= {pairing.largest_block} then k._b{line} end as _b{line}, "
        f"case when s{line}.size > {pairing.largest_block} then k._b{line} end as _n{line}"
        for line in lines
    ]
    joins = [f"left join {name}_sizes_{line} as s{line} on k._b{line} = s{line}.block" for line in lines]
    some = " or ".join(f"s{line}.block is not null" for line in lines)
    return query(f"select k._row, {', '.join(chosen)} from {name}_keys as k {' '.join(joins)} where {some}")


def _cells(pairing: Pairing, name: str, rows: exp.Query) -> exp.Query:
    """Rows that share a block, with what is compared of them, and the words of the columns where words are."""
    from sqlglot import exp

    lines = range(1, len(pairing.compare_if_equal) + 1)
    keys = ", ".join(f"b._b{line}, b._n{line}" for line in lines)
    at = _places_of(pairing)
    words = [
        exp.alias_(words_of(col(at[column], "r")), f"_w{at[column]}")
        for column, points in pairing.points.items()
        if points.words
    ]
    chosen = exp.select("r.*", *words)
    chosen = chosen.select(*query(f"select {keys}").expressions)
    return chosen.from_(rows.subquery("r")).join(  # pyright: ignore[reportReturnType]
        exp.to_table(f"{name}_blocks").as_("b"), on="b._row = r._row"
    )


def _within(pairing: Pairing, name: str, line: int, *, sides: bool) -> exp.Query:
    """The pairs of one line's blocks that have the points, but for those that an earlier line has compared."""
    at = _places_of(pairing)
    earlier = "".join(f" and not coalesce(x._b{one} = y._b{one}, false)" for one in range(1, line))
    apart = " and x._side <> y._side" if sides else ""
    pairs = query(
        f"select x._row as a, y._row as b from {name}_cells as x join {name}_cells as y on x._b{line} = y._b{line}"
        f" and x._row < y._row{apart}{earlier}"
    )
    equal = [sql(":x = :y", x=_part(one, at, "x"), y=_part(one, at, "y")) for one in pairing.compare_if_equal[line - 1]]
    return _with_points(pairing, pairs.where(*equal), least=pairing.threshold)  # pyright: ignore[reportAttributeAccessIssue]


def _places(pairing: Pairing, name: str) -> exp.Query:
    """The rows of crowded blocks, in the orders in which they are gone through. An empty cell has no place."""
    at = _places_of(pairing)
    most = sorted(pairing.points, key=lambda one: -pairing.points[one].equal)
    parts = []
    for number, line in enumerate(pairing.compare_if_equal, start=1):
        in_line = {one for one in line if isinstance(one, str)}
        keys = [at[one] for one in most if one not in in_line] or [at[most[0]]]
        for turn in range(min(_PASSES, len(keys))):
            order = ", ".join([keys[turn], *keys[:turn], *keys[turn + 1 :], ROW])
            parts.append(
                f"select _row, _side, _n{number} as block, {10 * number + turn} as turn, "
                f"row_number() over (partition by _n{number} order by {order}) as place "
                f"from {name}_cells where _n{number} is not null and {keys[turn]} is not null"
            )
    return query(" union all ".join(parts))


def _next(pairing: Pairing, name: str, *, sides: bool) -> exp.Query:
    """The pairs of neighbours. Places are counted up before they are joined: blocks alone would be joined first."""
    apart = " and x._side <> y._side" if sides else ""
    return query(
        f"""select distinct least(x._row, y._row) as a, greatest(x._row, y._row) as b
        from (select _row, _side, block, turn, place + unnest(range(1, {pairing.neighbours + 1})) as place
              from {name}_places) as x
        join {name}_places as y on y.block = x.block and y.turn = x.turn and y.place = x.place{apart}"""
    )


def scored(pairing: Pairing, name: str, pairs: exp.Query, where: str = "true", *, least: float | None) -> exp.Query:
    """The pairs ``a``, ``b`` of rows of ``name``'s, with their points.

    :param least: those with fewer points are left out.
    """
    from sqlglot import exp

    joined = exp.select("p.a", "p.b").from_(pairs.subquery("p"))
    joined = joined.join(exp.to_table(f"{name}_cells").as_("x"), on="x._row = p.a")
    joined = joined.join(exp.to_table(f"{name}_cells").as_("y"), on="y._row = p.b").where(where)
    return _with_points(pairing, joined, least=least)


def _with_points(pairing: Pairing, pairs: exp.Query, *, least: float | None) -> exp.Select:
    """``pairs`` with points and sides; its tables ``x`` and ``y`` hold the cells."""
    from sqlglot import exp

    chosen = [
        exp.alias_(total(pairing, _places_of(pairing)), "points"),
        exp.column("_side", "x").as_("side_a"),
        exp.column("_side", "y").as_("side_b"),
    ]
    weighed = exp.select("*").from_(pairs.select(*chosen, copy=False).subquery("w", copy=False), copy=False)  # pyright: ignore[reportAttributeAccessIssue]
    return weighed if least is None else weighed.where(exp.GTE(this=exp.column("points"), expression=double(least)))
