"""A query of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import Example, Step, TableName
from backoffice.errors import EngineError
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import SQL_TYPES, cast, col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp

_HERE = "input"


class Sql(Step):
    """Carry out one SELECT (DuckDB's SQL) over the table that the step finds, called ``input`` there, and other tables.

    For what no step says. It is checked before it runs: one SELECT, WITH allowed; tables of the SOW only; only functions
    that work on cells: none that opens a file, looks at a setting or the clock, or draws by chance. Each table has the
    column ``_row``, which keeps its order.
    """

    step: Literal["sql"] = "sql"
    query: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    columns: dict[ColumnName, Kind] = Field(min_length=1)
    """The columns that it leaves, in this order, and what they hold. Whole numbers and decimals become ``number``."""
    tables: tuple[TableName, ...] = ()
    """Other tables that it reads."""
    order_by: tuple[ColumnName, ...] = ()
    """In which order the rows stand then: columns that the query leaves. Left out: the query leaves ``_row`` too."""

    example: ClassVar[Example] = Example(
        """- step: sql
  query: |
    select _row, name, town, count(*) over (partition by town) as neighbours
    from input
    where town is not null
  columns: {name: text, town: text, neighbours: integer}
""",
        before="""\
name,town
Ann,Graz
Bo,
Cy,Graz
""",
        after="""\
name,town,neighbours
Ann,Graz,2
Cy,Graz,2
""",
    )
    blanks: ClassVar[str] = "As in SQL: an empty cell is NULL, and equals nothing."

    @model_validator(mode="after")
    def _ordered_by_its_own(self) -> Sql:
        for name in self.order_by:
            if name not in self.columns:
                raise ValueError(f"`order_by` names `{name}`, which is not in `columns`")
        if _HERE in self.tables:
            raise ValueError(
                "`input` is the step's own table in the query: give the SOW's a step in `tables` of its own"
            )
        return self

    @override
    def words(self) -> str:
        also = f", with {', '.join(self.tables)}" if self.tables else ""
        return f"Carry out the agreed query{also}; it leaves {', '.join(self.columns)}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return dict(self.columns)

    @override
    def proof(
        self, columns: Columns, tables: Mapping[str, Columns]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        from backoffice.transform.guarding import faults_of, placed, same_kind, types_of

        known = self._known(columns, tables)
        faults = [(("query",), fault, hint) for fault, hint in faults_of(self.query, known)]
        yield from faults
        if faults:
            return
        found = types_of(placed(self.query, known, {}), known)
        if isinstance(found, tuple):
            yield (("query",), *found)
            return
        for name, kind in self.columns.items():
            if name not in found:
                left = ", ".join(one for one in found if one != ROW)
                yield ("columns", name), f"The query leaves no column `{name}`.", f"It leaves: {left}."
            elif not same_kind(found[name], kind):
                hint = f"Write `cast(… as {SQL_TYPES[kind].lower().replace(', ', ',')})` in the query."
                yield ("columns", name), f"The query leaves `{name}` as {found[name].lower()}, not as {kind}.", hint
        for name in found:
            if name not in self.columns and name != ROW:
                yield (
                    ("query",),
                    f"The query leaves `{name}`, which is not in `columns`.",
                    "Add it there, or take it out here.",
                )
        if ROW not in found and not self.order_by:
            yield ("query",), "The order of the rows would not be known.", "Select `_row` too, or say `order_by`."

    def _known(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Columns]:
        return {_HERE: columns} | {name: tables[name] for name in self.tables if name in tables}

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        from backoffice.transform.guarding import placed

        if next(self.proof(source.columns, source.tables), None):  # a file that nobody has checked
            raise EngineError("A query of the SOW does not do as agreed.", hint="`backoffice sow check` tells what.")
        query = placed(self.query, self._known(source.columns, source.tables), {_HERE: source.table})
        whole = f"{source.name}_found"
        keys = self.order_by or (ROW,)
        # Rows equal in those are told apart by all else, so there is one order only.
        order: list[exp.Expr] = [exp.Ordered(this=col(name), nulls_first=False) for name in (*keys, *self.columns)]
        number = exp.Window(this=sql("row_number()"), order=exp.Order(expressions=order))
        chosen: list[exp.Expr] = [exp.alias_(number, ROW, quoted=True)]
        for name, kind in self.columns.items():
            chosen.append(exp.alias_(cast(col(name), kind), name, quoted=True))
        return Rows(((whole, query), (source.name, exp.select(*chosen).from_(table(whole)))))
