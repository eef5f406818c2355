"""What another table knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import AnyColumn, Example, Found, Step, TableName
from backoffice.transform.fragment import ROW, Demand, Rows, Source
from backoffice.transform.sql import col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp

_Other = Annotated[ColumnName, Found(table_field="other")]


class Join(Step):
    """Add columns of another table to the rows whose keys are equal; or keep rows by whether they are there at all.

    ``left`` keeps every row, ``inner`` those that are found; ``semi`` and ``anti`` keep those that are, or are not,
    found, and add nothing. Keys are compared as they are: put `case` or `trim` before it where they are written unevenly.
    """

    step: Literal["join"] = "join"
    other: TableName
    """An input, a look-up or a table of the SOW."""
    keys: dict[AnyColumn, _Other] = Field(min_length=1)
    """Columns that have to be equal: here to there."""
    how: Literal["left", "inner", "semi", "anti"] = "left"
    take: dict[_Other, ColumnName] | tuple[_Other, ...] = ()
    """Columns to take over: names, or names there to new names here."""
    prefix: str = Field(default="", max_length=40)
    """What the names of columns taken over begin with."""
    matches: Literal["one", "first", "all"] = "one"
    """Where several rows of the other table match: ``one``: refuse, none may; ``first``: its first; ``all``: a row each."""

    example: ClassVar[Example] = Example(
        """- step: join
  other: towns
  keys: {town: name}
  take: {postcode: postcode, country: land}
""",
        before="""\
name,town
Ann,Graz
Bo,Rome
Cy,
""",
        after="""\
name,town,postcode,land
Ann,Graz,8010,AT
Bo,Rome,,
Cy,,,
""",
        tables={"towns": "name,postcode,country\nGraz,8010,AT\nUlm,89073,DE\n"},
    )
    blanks: ClassVar[str] = "A row with an empty key is found in no table."

    @model_validator(mode="after")
    def _takes_something(self) -> Join:
        if self.how in ("semi", "anti") and (self.take or self.prefix or self.matches != "one"):
            raise ValueError(f"`{self.how}` adds no columns: leave out `take`, `prefix` and `matches`")
        if self.how in ("left", "inner") and not self.take:
            raise ValueError("say which columns to `take`, or `how: semi` to keep rows only")
        return self

    @property
    def _taken(self) -> dict[str, str]:
        pairs = self.take.items() if isinstance(self.take, dict) else ((one, one) for one in self.take)
        return {old: self.prefix + new for old, new in pairs}

    @override
    def words(self) -> str:
        equal = " and ".join(f"{here} is its {there}" for here, there in self.keys.items())
        if self.how in ("semi", "anti"):
            return f"Keep the rows that are {'' if self.how == 'semi' else 'not '}in {self.other}: where {equal}."
        lost = ", and drop rows that are not there" if self.how == "inner" else ""
        return f"Look up {', '.join(self._taken.values())} in {self.other}, where {equal}{lost}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        there = tables.get(self.other, {})
        return {**columns, **{new: there.get(old, Kind.TEXT) for old, new in self._taken.items()}}

    @override
    def faults_between(
        self, columns: Columns, tables: Mapping[str, Columns]
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        there = tables.get(self.other, {})
        for left, right in self.keys.items():
            kinds = {columns[left], there.get(right, columns[left])}
            if len(kinds) > 1 and kinds != {Kind.NUMBER, Kind.INTEGER}:
                fault = f"`{left}` holds {columns[left]}, `{right}` in `{self.other}` holds {there[right]}."
                yield ("keys", left), fault, "Make them the same first: `text`, `number` or `dates`."
        for place, (old, new) in enumerate(self._taken.items()):
            if new.casefold() in {one.casefold() for one in columns}:
                where = ("take", old if isinstance(self.take, dict) else place)
                yield where, f"There is a column `{new}` already.", "Give it another name, or say `prefix`."

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        same = exp.and_(
            *(exp.EQ(this=col(left, "_t"), expression=col(right, "_o")) for left, right in self.keys.items())
        )
        here = [col(name, "_t") for name in (ROW, *source.columns)]
        if self.how in ("semi", "anti"):
            query = exp.select(*here).from_(table(source.table, "_t"))
            return Rows(((source.name, query.join(table(self.other, "_o"), on=same, join_type=self.how)),))
        made = [exp.alias_(col(old, "_o"), new, quoted=True) for old, new in self._taken.items()]
        if self.matches == "all":
            return self._every_match(source, same, here[1:], made)
        if self.matches == "one":
            query = exp.select(*here, *made).from_(table(source.table, "_t"))
            query = query.join(table(self.other, "_o"), on=same, join_type=self.how)
            return Rows(((source.name, query),), demands=(self._alone(source),))
        first = exp.select("*").from_(table(self.other)).qualify(self._first()).subquery("_o")
        query = exp.select(*here, *made).from_(table(source.table, "_t")).join(first, on=same, join_type=self.how)
        return Rows(((source.name, query),))

    def _first(self) -> exp.Expr:
        number = sql("row_number() over (order by :row)", row=col(ROW))
        number.set("partition_by", [col(one) for one in self.keys.values()])
        return sql(":number = 1", number=number)

    def _every_match(self, source: Source, same: exp.Expr, here: list[exp.Column], made: list[exp.Expr]) -> Rows:
        from sqlglot import exp

        number = sql("row_number() over (order by :left, :right)", left=col(ROW, "_t"), right=col(ROW, "_o"))
        query = exp.select(exp.alias_(number, ROW, quoted=True), *here, *made).from_(table(source.table, "_t"))
        return Rows(((source.name, query.join(table(self.other, "_o"), on=same, join_type=self.how)),))

    def _alone(self, source: Source) -> Demand:
        """No row is found twice."""
        from sqlglot import exp

        rows = exp.select(sql("count(*) - count(distinct :row)", row=col(ROW))).from_(table(source.name)).subquery()
        query = exp.select(sql(":more = 0", more=rows), rows.copy())
        there = " and ".join(self.keys.values())
        return Demand(query, f"Rows match {{0}} more times than once in `{self.other}` by {there}.",
                      "Mend the table, or say `matches: first` or `matches: all` in the SOW.")  # fmt: skip
