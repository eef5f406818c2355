"""Rows that too few others are like."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import ROW, Demand, Rows, Source
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class KAnonymity(Step):
    """See to it that every row agrees with at least ``k`` - 1 others in the columns by which a person could be found.

    Put `generalise` before it: rows are dropped only where a band is still too small.
    """

    step: Literal["k_anonymity"] = "k_anonymity"
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    """What somebody could know about a person: place, birth, sex, profession, …"""
    k: int = Field(ge=2, le=1000)
    below: Literal["drop", "blank", "stop"] = "drop"
    """Rows of smaller groups: drop them; empty these columns, but drop them too where those emptied are fewer than ``k``;
    or refuse the file."""

    example: ClassVar[Example] = Example(
        """- step: k_anonymity
  columns: [born, postcode]
  k: 2
""",
        before="""\
born,postcode,illness
1980,80..,flu
1980,80..,none
1950,10..,none
""",
        after="""\
born,postcode,illness
1980,80..,flu
1980,80..,none
""",
    )
    blanks: ClassVar[str] = "Empty cells equal each other."

    @override
    def words(self) -> str:
        how = {"drop": "drop the others", "blank": "empty these in the others", "stop": "stop if there are others"}
        return f"Keep rows that at least {self.k} share {', '.join(self.columns)}; {how[self.below]}."

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        size = sql("count(*) over ()")
        size.set("partition_by", [col(name) for name in self.columns])
        sized = exp.select(*map(col, (ROW, *source.columns)), exp.alias_(size, "_size")).from_(table(source.table))
        groups = f"{source.name}_sized"
        small = sql("_size < :k", k=self.k)
        count = exp.select(sql("count_if(:small)", small=small)).from_(table(groups))
        counts = {"rows in small groups": count}
        if self.below == "blank":
            result = self._blanked(source, groups, small)
        else:
            result = (
                exp.select(*map(col, (ROW, *source.columns))).from_(table(groups)).where(exp.not_(exp.paren(small)))
            )
        tables = ((groups, sized), (source.name, result))
        if self.below == "stop":
            query = exp.select(sql(":n = 0", n=count.subquery()), count.copy().subquery())
            message = f"{{0}} rows are in groups of fewer than {self.k} by {', '.join(self.columns)}."
            return Rows(tables, demands=(Demand(query, message, "Make the columns less exact with `generalise`."),))
        return Rows(tables, counts=counts)

    def _blanked(self, source: Source, groups: str, small: exp.Expr) -> exp.Query:
        """A group that is empty already counts with those that are emptied: together they have to be enough."""
        from sqlglot import exp

        chosen: list[exp.Expr] = [col(ROW)]
        for name in source.columns:
            if name in self.columns:
                cell = sql("case when not (:small) then :cell end", small=small, cell=col(name))
                chosen.append(exp.alias_(cell, name, quoted=True))
            else:
                chosen.append(col(name))
        empty = exp.and_(*(sql(":cell is null", cell=col(name)) for name in self.columns))
        hidden = sql("(:small) or (:empty)", small=small, empty=empty)
        together = exp.select(sql("count_if(:hidden)", hidden=hidden)).from_(table(groups)).subquery()
        enough = sql("not (:hidden) or :together >= :k", hidden=hidden, together=together, k=self.k)
        return exp.select(*chosen).from_(table(groups)).where(enough)
