"""Tables below each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.step import Example, NewColumn, Step, TableName
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import SQL_TYPES, col, sql, table


class Union(Step):
    """Put the rows of other tables below these. Columns are matched by name; one that a table lacks is empty there."""

    step: Literal["union"] = "union"
    others: tuple[TableName, ...] = Field(min_length=1)
    columns: Literal["all", "own"] = "all"
    """``all``: those of every table; ``own``: those that are there before the step."""
    source_in: NewColumn | None = None
    """A column that says which table a row comes from: by its name in the SOW, ``input`` for the rows that were there."""

    example: ClassVar[Example] = Example(
        """- step: union
  others: [spring]
""",
        before="""\
name,town
Ann,Graz
""",
        after="""\
name,town,phone
Ann,Graz,
Bo,,0316 1
""",
        tables={"spring": "name,phone\nBo,0316 1\n"},
    )
    blanks: ClassVar[str] = "Empty cells stay empty; a column that a table lacks is empty in its rows."

    @override
    def words(self) -> str:
        return f"Put the rows of {', '.join(self.others)} below the others."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        after = dict(columns)
        if self.columns == "all":
            for name in self.others:
                after |= _more(after, tables.get(name, {}))
        return {**after, self.source_in: Kind.TEXT} if self.source_in else after

    @override
    def faults_between(
        self, columns: Columns, tables: Mapping[str, Columns]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        known = dict(columns)
        for place, name in enumerate(self.others):
            for column, kind in tables.get(name, {}).items():
                if column in known and known[column] != kind:
                    fault = f"`{column}` holds {kind} in `{name}`, {known[column]} before."
                    yield ("others", place), fault, "Make them the same first: `text`, `number` or `dates`."
                known.setdefault(column, kind)
        if self.source_in and self.source_in in known:
            yield ("source_in",), f"There is a column `{self.source_in}` already.", "Choose another name."

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        parts = []
        for place, name in enumerate((source.table, *self.others)):
            there = source.columns if place == 0 else source.tables[name]
            chosen: list[exp.Expr] = [exp.alias_(exp.convert(place), "_part"), exp.alias_(col(ROW), "_from")]
            for column, kind in source.after.items():
                if column == self.source_in:
                    cell: exp.Expr = exp.convert("input" if place == 0 else name)
                else:
                    cell = col(column) if column in there else exp.cast(exp.null(), SQL_TYPES[kind], dialect="duckdb")
                chosen.append(exp.alias_(cell, column, quoted=True))
            parts.append(exp.select(*chosen).from_(table(name)))
        every = exp.union(*parts, distinct=False).subquery("_all")
        number = exp.alias_(sql("row_number() over (order by _part, _from)"), ROW, quoted=True)
        return Rows(((source.name, exp.select(number, *map(col, source.after)).from_(every)),))


def _more(known: Columns, others: Columns) -> dict[str, Kind]:
    return {name: kind for name, kind in others.items() if name not in known}
