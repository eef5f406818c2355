"""What has to hold before the work goes on."""
# ruff: noqa: N999 - the module is called like the step

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns
from backoffice.contract.model import Model, Text
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.conditions import Condition
from backoffice.transform.fragment import Cells, Demand, Source
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class RowCount(Model):
    """How many rows there may be."""

    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> RowCount:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("`at_most` is less than `at_least`")
        return self

    def words(self) -> str:
        """The bounds, in words."""
        most = f" and at most {self.at_most:,}" if self.at_most is not None else ""
        return f"at least {self.at_least:,}{most} rows"


class Assert(Step):
    """Refuse the file unless this holds. Nothing is changed; the client hears how many rows break it, and no value.

    Unlike an expectation, which looks at the result, it stops in the middle: before work is done on what is no good.
    """

    step: Literal["assert"] = "assert"
    rows_meet: tuple[Condition, ...] = ()
    """What each row has to meet."""
    at_least: float = Field(default=1.0, gt=0, le=1)
    """The share of the rows that have to; 1 is all."""
    rows: RowCount | None = None
    unique: tuple[AnyColumn, ...] = ()
    """Columns that no two rows share; rows with an empty one of them do not count."""
    message: Text | None = None
    """What the client is told besides: what it means, what to do."""

    example: ClassVar[Example] = Example(
        """- step: assert
  rows_meet:
    - {column: town, filled: true}
  at_least: 0.5
  rows: {at_least: 2}
  unique: [name]
""",
        before="""\
name,town
Ann,Graz
Bo,
""",
        after="""\
name,town
Ann,Graz
Bo,
""",
    )
    blanks: ClassVar[str] = "An empty cell meets `filled: false` and any `none_of`, and no other test."

    @model_validator(mode="after")
    def _something(self) -> Assert:
        if not (self.rows_meet or self.rows or self.unique):
            raise ValueError("say what has to hold: `rows_meet`, `rows` or `unique`")
        return self

    @override
    def words(self) -> str:
        demands = []
        if self.rows_meet:
            share = "in every row" if self.at_least == 1 else f"in a share of at least {self.at_least:g} of the rows"
            demands.append(f"{share} {' and '.join(one.words() for one in self.rows_meet)}")
        if self.rows:
            demands.append(f"there are {self.rows.words()}")
        if self.unique:
            demands.append(f"no two rows share {' and '.join(self.unique)}")
        return f"Go on only if {', and '.join(demands)}."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for place, condition in enumerate(self.rows_meet):
            yield from condition.faults(columns, ("rows_meet", place))

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({}, demands=tuple(self._demands(source)))

    def _demands(self, source: Source) -> Iterator[Demand]:
        from sqlglot import exp

        hint = self.message or "Mend the file, and send it again."
        every = table(source.name)
        if self.rows:
            most = self.rows.at_most
            met = sql("count(*) between :low and :high", low=self.rows.at_least, high=2**62 if most is None else most)
            query = exp.select(met, sql("count(*)")).from_(every)
            yield Demand(query, f"The table has {{0}} rows; agreed are {self.rows.words()}.", hint)
        if self.rows_meet:
            meets = exp.and_(*(one.holds(source.columns) for one in self.rows_meet))
            broken = sql("count_if(not (:meets))", meets=meets)
            # In whole numbers: a share is never compared as a binary fraction.
            allowed = sql("count(*) * :allowed", allowed=_millionths(1 - self.at_least))
            met = sql(":broken * 1000000 <= :allowed", broken=broken, allowed=allowed)
            query = exp.select(met, broken, sql("count(*)")).from_(every)
            what = " and ".join(one.words() for one in self.rows_meet)
            share = "every row" if self.at_least == 1 else f"a share of {self.at_least:g} of the rows"
            yield Demand(query, f"{{0}} of {{1}} rows break what is agreed for {share}: {what}.", hint)
        if self.unique:
            yield Demand(self._repeated(source), f"{{0}} rows share {' and '.join(self.unique)} with another.", hint)

    def _repeated(self, source: Source) -> exp.Query:
        from sqlglot import exp

        keys = [col(one) for one in self.unique]
        whole = exp.and_(*(sql(":key is not null", key=key) for key in keys))
        groups = exp.select(exp.alias_(sql("count(*)"), "_rows")).from_(table(source.name)).where(whole).group_by(*keys)
        again = groups.having(sql("count(*) > 1")).subquery("_again")
        return exp.select(sql("count(*) = 0"), sql("cast(coalesce(sum(_rows), 0) as bigint)")).from_(again)


def _millionths(share: float) -> int:
    return round(share * 1_000_000)
