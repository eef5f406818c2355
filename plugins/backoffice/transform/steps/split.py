"""One cell into several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Regex
from backoffice.contract.step import Example, NewColumn, Step, TextColumn
from backoffice.transform.fragment import ROW, Cells, Fragment, Rows, Source
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp


class Split(Step):
    """Split a cell at a separator: into new columns, or into a row for each part.

    White space around the parts is taken off. Parts for which there is no column stay together in the last one, and the
    cells that have them are counted.
    """

    step: Literal["split"] = "split"
    column: TextColumn
    at: str | None = Field(default=None, min_length=1, max_length=100)
    """The separator, as it is written."""
    pattern: Regex | None = None
    """Or a regular expression (RE2) for it. It may not match nothing."""
    into: tuple[NewColumn, ...] = ()
    rows: bool = False
    """A row for each part instead: the part stands in ``column``, everything else is repeated."""

    example: ClassVar[Example] = Example(
        """- step: split
  column: name
  at: ","
  into: [family, given]
""",
        before="""\
id,name
1,"Lee, Ann"
2,Bo
3,"Day, Cy, Dr"
""",
        after="""\
id,name,family,given
1,"Lee, Ann",Lee,Ann
2,Bo,Bo,
3,"Day, Cy, Dr",Day,"Cy, Dr"
""",
    )
    blanks: ClassVar[str] = (
        "An empty cell gives empty cells, or one row. Empty parts are empty cells; as rows they are left out."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        if (self.at is None) == (self.pattern is None):
            raise ValueError("say `at` or `pattern`")
        if bool(self.into) == self.rows:
            raise ValueError("say `into`, or `rows: true`")
        if self.into and len(self.into) < 2:
            raise ValueError("`into` needs two columns or more")
        return self

    @override
    def words(self) -> str:
        into = "a row for each part" if self.rows else f"the columns {', '.join(self.into)}"
        return f"Split {self.column} into {into}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {**columns, **dict.fromkeys(self.into, Kind.TEXT)}

    @override
    def compile(self, source: Source) -> Fragment:
        return self._rows(source) if self.rows else self._columns()

    def _parts(self) -> exp.Expr:
        if self.at is not None:
            return sql("string_split(:cell, :at)", cell=col(self.column), at=self.at)
        return sql("regexp_split_to_array(:cell, :pattern)", cell=col(self.column), pattern=self.pattern)

    def _columns(self) -> Cells:
        parts = "_parts"
        cells: dict[str, exp.Expr] = {}
        for place, name in enumerate(self.into[:-1], start=1):
            cells[name] = sql(f"nullif(trim(:parts[{place}], :white), '')", parts=col(parts), white=_WHITE)
        last = len(self.into)
        if self.at is not None:
            rest = sql(f"array_to_string(:parts[{last}:], :at)", parts=col(parts), at=self.at)
        else:  # the cell from where that part begins: what stood between the parts stays
            skip = rf"(?s)^(?:.*?(?:{self.pattern})){{{last - 1}}}(.*)$"
            rest = sql(
                f"case when len(:parts) >= {last} then regexp_replace(:cell, :skip, :group) end",
                parts=col(parts), cell=col(self.column), skip=skip, group=rf"\{_groups(self.pattern or '') + 1}",
            )  # fmt: skip
        cells[self.into[-1]] = sql("nullif(trim(:rest, :white), '')", rest=rest, white=_WHITE)
        more = sql(f"coalesce(len(:parts) > {last}, false)", parts=col(parts))
        counts = {"cells with more parts": more}
        return Cells(cells, loses=False, counts=counts, before=({parts: self._parts()},))

    def _rows(self, source: Source) -> Rows:
        from sqlglot import exp

        trimmed = "list_transform(:parts, lambda one: trim(one, :white))"
        parts = sql(f"list_filter({trimmed}, lambda one: one <> '')", parts=self._parts(), white=_WHITE)
        # A cell without parts keeps its row.
        kept = sql("case when len(:parts) > 0 then :parts else [null] end", parts=parts)
        pieces = sql("unnest(:kept)", kept=kept)
        place = sql("unnest(range(1, 1 + greatest(1, coalesce(len(:parts), 0))))", parts=parts)
        others = [col(name) for name in source.columns if name != self.column]
        made = [exp.alias_(pieces, "_piece"), exp.alias_(place, "_place")]
        split = exp.select(exp.alias_(col(ROW), "_from"), *others, *made).from_(table(source.table))
        number = sql("row_number() over (order by _from, _place)")
        chosen: list[exp.Expr] = [exp.alias_(number, ROW, quoted=True)]
        for name in source.columns:
            chosen.append(exp.alias_(col("_piece"), name, quoted=True) if name == self.column else col(name))
        parts_table = f"{source.name}_parts"
        return Rows(((parts_table, split), (source.name, exp.select(*chosen).from_(table(parts_table)))))


_WHITE = " \t\r\n\u00a0"


def _groups(pattern: str) -> int:
    import re

    return re.compile(pattern).groups
