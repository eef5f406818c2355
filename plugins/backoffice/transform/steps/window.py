"""Figures along the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model
from backoffice.contract.step import AnyColumn, Example, NewColumn, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.ordering import Key, ordered
from backoffice.transform.sql import cast, col, sql
from backoffice.transform.totals import micros, ratio

if TYPE_CHECKING:
    from sqlglot import exp

_OF = ("running_sum", "previous", "next", "difference", "share", "group_sum")
_NUMBERS = ("running_sum", "difference", "share", "group_sum")


class Along(Model):
    """One figure."""

    how: Literal[
        "row_number",
        "rank",
        "dense_rank",
        "running_sum",
        "previous",
        "next",
        "difference",
        "share",
        "group_sum",
        "group_size",
    ]
    """``rank``: rows equal in ``order`` share a number, the next one skips; ``dense_rank``: it does not skip.
    ``difference``: to the previous row. ``share``: of the group's sum, 1 is all. ``group_sum``, ``group_size``: the
    same in every row of the group."""
    of: AnyColumn | None = None
    by: int = Field(default=1, ge=1)
    """For ``previous``, ``next`` and ``difference``: how many rows away."""

    @model_validator(mode="after")
    def _of_what(self) -> Along:
        if (self.of is None) == (self.how in _OF):
            raise ValueError(
                f"say which column it is the {self.how} `of`" if self.of is None else f"`{self.how}` has no `of`"
            )
        return self


class Window(Step):
    """Add figures that look at other rows of the same group: numbers, ranks, running sums, the row before, shares.

    The rows stay as they stand; ``order`` is only for the figures. Rows equal in ``order`` are taken in their own order.
    """

    step: Literal["window"] = "window"
    make: dict[NewColumn, Along] = Field(min_length=1)
    by: tuple[AnyColumn, ...] = ()
    """What makes a group; left out: all rows are one."""
    order: tuple[Key, ...] = ()
    """Left out: the order in which the rows stand."""

    example: ClassVar[Example] = Example(
        """- step: number
  columns: [amount]
  to: integer
- step: window
  by: [town]
  order: [{column: day}]
  make:
    visit: {how: row_number}
    so_far: {how: running_sum, of: amount}
    before: {how: previous, of: amount}
""",
        before="""\
town,day,amount
Graz,2,5
Graz,1,10
Ulm,1,7
""",
        after="""\
town,day,amount,visit,so_far,before
Graz,2,5,2,15,10
Graz,1,10,1,10,
Ulm,1,7,1,7,
""",
    )
    blanks: ClassVar[str] = "Sums skip empty cells; rows that are empty in `by` are a group of their own."

    @override
    def words(self) -> str:
        where = f" for each {' and '.join(self.by)}" if self.by else ""
        along = f", in the order of {', then '.join(key.words() for key in self.order)}" if self.order else ""
        figures = ", ".join(
            f"{name} ({one.how.replace('_', ' ')}{f' of {one.of}' if one.of else ''})"
            for name, one in self.make.items()
        )
        return f"Add {figures}{where}{along}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        made = {}
        for name, one in self.make.items():
            kind = columns.get(one.of or "", Kind.INTEGER)
            made[name] = Kind.NUMBER if one.how == "share" else kind
        return {**columns, **made}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for name, one in self.make.items():
            if one.how in _NUMBERS and columns[one.of or ""] not in (Kind.NUMBER, Kind.INTEGER):
                fault = f"`{one.of}` holds {columns[one.of or '']}; `{one.how}` works on numbers."
                yield ("make", name, "of"), fault, "A step before it has to read the text as that: `number`."
            if one.how in ("rank", "dense_rank") and not self.order:
                yield ("make", name), f"`{one.how}` needs an `order`.", "Say `order`, or `how: row_number`."

    @override
    def compile(self, source: Source) -> Cells:
        cells = {name: self._figure(one, source) for name, one in self.make.items()}
        return Cells(cells, loses=False)

    def _figure(self, one: Along, source: Source) -> exp.Expr:
        cell = col(one.of) if one.of else None
        kind = source.columns[one.of] if one.of else Kind.INTEGER
        if one.how == "share" and cell is not None:
            part = micros(cell)
            whole = self._over(sql("sum(:part)", part=part), source, order=False)
            # In millionths of the whole: exact, and rounded once.
            return ratio(sql(":part * 1000000", part=part), whole)
        if one.how in ("group_sum", "running_sum"):
            found = self._over(sql("sum(:cell)", cell=cell), source, order=one.how == "running_sum", rows=True)
            return cast(found, kind)
        if one.how == "group_size":
            return self._over(sql("count(*)"), source, order=False)
        if one.how in ("previous", "next", "difference"):
            name = "lead" if one.how == "next" else "lag"
            found = self._over(sql(f"{name}(:cell, {one.by})", cell=cell), source)
            return sql(":cell - :found", cell=cell, found=found) if one.how == "difference" else found
        # Ranks are equal where the keys are: the rows' own order does not count there.
        return self._over(sql(f"{one.how}()"), source, ties=one.how != "row_number")

    def _over(
        self, figure: exp.Expr, source: Source, *, order: bool = True, rows: bool = False, ties: bool = False
    ) -> exp.Expr:
        from sqlglot import exp

        keys = ordered(self.order, source.columns)
        found = exp.Window(this=figure, partition_by=[col(name) for name in self.by])
        if order:
            found.set("order", exp.Order(expressions=keys[:-1] if ties else keys))
        if order and rows:
            above = {"kind": "ROWS", "start": "UNBOUNDED", "start_side": "PRECEDING", "end": "CURRENT ROW"}
            found.set("spec", exp.WindowSpec(**above))
        return found
