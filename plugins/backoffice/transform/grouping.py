"""From pairs of rows that mean the same to groups: one to one, or chained; the best pair first."""

# ruff: noqa: S608 - the names and numbers in these queries are ours

from __future__ import annotations

from typing import TYPE_CHECKING

from backoffice.contract.kind import Kind
from backoffice.transform.evidence import Pairing
from backoffice.transform.function import Function
from backoffice.transform.pairing import Pairs, scored
from backoffice.transform.sql import query, sql
from backoffice.transform.values.grouping import forests, groups

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["groups_of"]

_FOREST = Function("near_forest", (Kind.TEXT,), Kind.TEXT, forests)
_GROUPS = Function("near_groups", (Kind.TEXT, Kind.NUMBER, Kind.NUMBER, Kind.BOOLEAN), Kind.TEXT, groups)

_AT_ONCE = 100_000
"""Rows whose pairs are thinned out at once: so the list of a whole file's stays as short as the file."""
_ALL_COMPARED = 1000
"""Rows of a group up to which all its pairs are weighed, where ``weakest`` asks for them."""


def groups_of(
    pairing: Pairing, name: str, pairs: Pairs, *, weakest: float | None, one_to_one: bool
) -> list[tuple[str, exp.Query]]:
    """The tables that lead from pairs to ``…_groups``: every row of a group, and the group's smallest row.

    Most pairs stand alone; the others go through union-find, thinned out first to those that hold a group together.
    """
    rest = f"{name}_rest"
    text = "string_agg(a || ' ' || b || ' ' || points || ' ' || side_a || ' ' || side_b, ';')"
    tables = [
        (
            f"{name}_often",
            query(
                f"""select _row from (select a as _row from {pairs.same} union all select b from {pairs.same}) as ends
                group by _row having count(*) > 1"""
            ),
        ),
        (
            rest,
            query(
                f"""select p.* from {pairs.same} as p left join {name}_often as s on s._row = p.a
                left join {name}_often as t on t._row = p.b where s._row is not null or t._row is not null"""
            ),
        ),
    ]
    weighed = rest
    if not one_to_one:
        thinned = query(
            f"select {_FOREST.name}(pairs) as pairs from (select {text} as pairs from {rest} group by a // {_AT_ONCE}) as r"
        )
        tables.append((f"{name}_forest", thinned))
        weighed = f"{name}_forest"
        text = "string_agg(pairs, ';')"
    if weakest is not None:
        weighed, text = _weighed_all(pairing, name, tables, weighed, text)
    found = _GROUPS(sql("pairs"), pairing.threshold, weakest, one_to_one)
    tables.append((f"{name}_found", _read(found, f"select {text} as pairs from {weighed}")))
    alone = f"""select p.* from {pairs.same} as p anti join {name}_often as s on s._row = p.a
        anti join {name}_often as t on t._row = p.b"""
    tables.append((f"{name}_alone", query(alone)))
    tables.append(
        (
            f"{name}_groups",
            query(
                f"""select a as _row, a as leader from {name}_alone union all
                select b, a from {name}_alone union all select _row, leader from {name}_found"""
            ),
        )
    )
    return tables


def _weighed_all(
    pairing: Pairing, name: str, tables: list[tuple[str, exp.Query]], weighed: str, text: str
) -> tuple[str, str]:
    """All pairs of what chains together, weighed too: they may speak against it."""
    chains = _GROUPS(sql("pairs"), pairing.threshold, None, False)
    tables.append((f"{name}_chains", _read(chains, f"select {text} as pairs from {weighed}")))
    size = f"select leader from {name}_chains group by leader having count(*)"
    among = query(
        f"""select x._row as a, y._row as b from {name}_chains as x join {name}_chains as y
        on x.leader = y.leader and x._row < y._row where x.leader in ({size} <= {_ALL_COMPARED})"""
    )
    tables.append((f"{name}_among", scored(pairing, name, among, least=None)))
    large = f"""select r.* from {name}_rest as r join {name}_chains as c on c._row = r.a
        where c.leader in ({size} > {_ALL_COMPARED})"""
    tables.append((f"{name}_weighed", query(f"select * from {name}_among union all {large}")))
    return f"{name}_weighed", "string_agg(a || ' ' || b || ' ' || points || ' ' || side_a || ' ' || side_b, ';')"


def _read(found: exp.Expr, pairs: str) -> exp.Query:
    """The rows and leaders of an answer."""
    return query(
        f"""select split_part(one, ' ', 1)::bigint as _row, split_part(one, ' ', 2)::bigint as leader
        from (select unnest(string_split(:found, ';')) as one from ({pairs}) as p) as r""",
        found=found,
    )
