"""Rows that a person has to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.documents import CONFIDENCE
from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model, TableId
from backoffice.contract.step import AnyColumn, Example, Family, NewColumn, NewTable, NumberColumn, Step
from backoffice.transform.conditions import Condition
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class SumCheck(Model):
    """Columns that have to add up to another, as net and tax do to gross. A row with an empty one of them is not checked."""

    sum_of: tuple[NumberColumn, ...] = Field(min_length=1)
    equals: NumberColumn
    within: Decimal = Field(default=Decimal("0.01"), ge=0, le=1_000_000)
    """How far apart they may be."""

    def words(self) -> str:
        """The check, in words."""
        return f"{' + '.join(self.sum_of)} is {self.equals}"


class NeedsReview(Step):
    """Put rows into a table of their own, with the reason, where a person has to look at them: a field is missing, was not
    read surely enough, or does not fit the others. The rest goes on.
    """

    step: Literal["needs_review"] = "needs_review"
    to: NewTable
    """The rows that need a look, all their columns, and the reason."""
    required: tuple[AnyColumn, ...] = ()
    """Columns that have to be filled."""
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """How sure the reading of each of these columns has to be at least, from 0 to 1; of those that say it, all of them."""
    sums: tuple[SumCheck, ...] = ()
    rows_meet: tuple[Condition, ...] = ()
    """What each row has to meet besides."""
    reason_as: NewColumn = "reason"
    """The column of that table which says why: ``total is missing; number was not read surely``."""

    family: ClassVar[Family] = "documents"
    example: ClassVar[Example] = Example(
        """- step: number
  columns: [net, tax, gross, number_confidence]
- step: needs_review
  to: review
  required: [number]
  confidence: 0.8
  sums:
    - {sum_of: [net, tax], equals: gross}
""",
        before="""\
number,net,tax,gross,number_confidence
A-1,10,2,12,1
,10,2,12,
A-3,10,2,13,0.95
A-4,10,,12,0.5
""",
        after="""\
number,net,tax,gross,number_confidence
A-1,10.000000,2.000000,12.000000,1.000000
""",
        made={
            "review": """\
number,net,tax,gross,number_confidence,reason
,10.000000,2.000000,12.000000,,number is missing
A-3,10.000000,2.000000,13.000000,0.950000,net + tax is not gross
A-4,10.000000,,12.000000,0.500000,number was not read surely
"""
        },
    )
    blanks: ClassVar[str] = "An empty cell is missing where it is `required`; a sum with an empty cell is not checked."

    @model_validator(mode="after")
    def _something(self) -> NeedsReview:
        if not (self.required or self.sums or self.rows_meet) and self.confidence is None:
            raise ValueError("say what needs a look: `required`, `confidence`, `sums` or `rows_meet`")
        return self

    @override
    def words(self) -> str:
        reasons = [f"{', '.join(self.required)} is missing"] if self.required else []
        reasons += (
            [f"a field was read with a confidence below {self.confidence:g}"] if self.confidence is not None else []
        )
        reasons += [f"not {check.words()}" for check in self.sums]
        reasons += [f"not {one.words()}" for one in self.rows_meet]
        return f"Put rows that a person has to look at into {self.to}: {'; '.join(reasons)}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return dict(columns)

    @override
    def tables_made(self, columns: Columns, tables: Mapping[TableId, Columns]) -> dict[str, dict[str, Kind]]:
        return {self.to: {**columns, self.reason_as: Kind.TEXT}}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for place, condition in enumerate(self.rows_meet):
            yield from condition.faults(columns, ("rows_meet", place))
        if self.confidence is not None and not self._said(columns):
            fault = "No column here says how surely another was read."
            yield ("confidence",), fault, f"Documents bring them: `total{CONFIDENCE}`. Keep them up to this step."

    def _said(self, columns: Columns) -> list[str]:
        """The columns that say how surely another was read."""
        kinds = (Kind.NUMBER, Kind.INTEGER)
        return [name for name, kind in columns.items() if name.endswith(CONFIDENCE) and kind in kinds]

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        reasons = list(self._reasons(source.columns))
        listed = exp.Array(expressions=[exp.Case().when(met, exp.convert(text)) for text, met in reasons])
        text = "array_to_string(list_filter(:all, lambda r: r is not null), '; ')"
        looked = exp.select(
            *map(col, (ROW, *source.columns)), exp.alias_(sql(text, all=listed), "_reason", quoted=True)
        )
        looked = looked.from_(table(source.table))
        seen = f"{source.name}_seen"
        every = exp.select(*map(col, (ROW, *source.columns))).from_(table(seen))
        side = every.select(exp.alias_(col("_reason"), self.reason_as, quoted=True))
        return Rows(
            ((seen, looked), (source.name, every.where(sql(":r = ''", r=col("_reason"))))),
            sides={self.to: side.where(sql(":r <> ''", r=col("_reason")))},
        )

    def _reasons(self, columns: Columns) -> Iterator[tuple[str, exp.Expr]]:
        for name in self.required:
            yield f"{name} is missing", sql(":cell is null", cell=col(name))
        if self.confidence is not None:
            least = Decimal(str(self.confidence))
            for name in self._said(columns):
                met = sql("coalesce(:sure < :least, false)", sure=col(name), least=least)
                yield f"{name.removesuffix(CONFIDENCE)} was not read surely", met
        for check in self.sums:
            total = sql("cast(:cell as decimal(38, 6))", cell=col(check.sum_of[0]))
            for name in check.sum_of[1:]:
                total = sql(":a + :b", a=total, b=col(name))
            apart = sql("abs(:total - :gross) > :within", total=total, gross=col(check.equals), within=check.within)
            yield check.words().replace(" is ", " is not "), sql("coalesce(:apart, false)", apart=apart)
        for one in self.rows_meet:
            from sqlglot import exp

            yield f"not as agreed: {one.words()}", exp.not_(one.holds(columns))
