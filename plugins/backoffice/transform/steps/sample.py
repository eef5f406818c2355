"""Some of the rows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import Text
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import call, cast, col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class Sample(Step):
    """Keep some of the rows: the first, every so-and-so-manieth, or a share. The same rows each time.

    A share is drawn by a hash: of the columns ``by``, so that the same person is drawn in every file, or of the row's
    number. Rows that share ``by`` are drawn together.
    """

    step: Literal["sample"] = "sample"
    first: int | None = Field(default=None, ge=1)
    every: int | None = Field(default=None, ge=2)
    """The first row, and every n-th after it."""
    share: float | None = Field(default=None, gt=0, lt=1)
    by: tuple[AnyColumn, ...] = ()
    seed: Text = "1"
    """Another word draws another share."""

    example: ClassVar[Example] = Example(
        """- step: sample
  every: 2
""",
        before="""\
name
Ann
Bo
Cy
""",
        after="""\
name
Ann
Cy
""",
    )
    blanks: ClassVar[str] = "Rows that are empty in all of `by` are drawn together."

    @model_validator(mode="after")
    def _one_way(self) -> Sample:
        if [self.first, self.every, self.share].count(None) != 2:
            raise ValueError("say exactly one of `first`, `every`, `share`")
        if self.by and self.share is None:
            raise ValueError("`by` belongs to `share`")
        return self

    @override
    def words(self) -> str:
        if self.first:
            return f"Keep the first {self.first:,} rows."
        if self.every:
            return f"Keep one of every {self.every:,} rows."
        return f"Keep a share of {self.share:g} of the rows, always the same."

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        every = exp.select(*map(col, (ROW, *source.columns))).from_(table(source.table))
        if self.first:
            return Rows(((source.name, every.order_by(col(ROW)).limit(self.first)),))
        if self.every:
            place = sql("row_number() over (order by :row)", row=col(ROW))
            return Rows(((source.name, every.qualify(sql(":place % :n = 1", place=place, n=self.every))),))
        return Rows(((source.name, every.where(self._drawn())),))

    def _drawn(self) -> exp.Expr:
        """The first 8 digits of the hash, below the share of their range."""
        key: exp.Expr = sql(":seed", seed=self.seed)
        for name in self.by or (ROW,):
            part = call("coalesce", cast(col(name), Kind.TEXT), "")
            # Lengths keep `a`, `bc` and `ab`, `c` apart.
            key = sql(":key || ':' || length(:part) || ':' || :part", key=key, part=part)
        border = f"{int(Decimal(str(self.share)) * 16**8):08x}"
        return sql("substr(sha256(:key), 1, 8) < :border", key=key, border=border)
