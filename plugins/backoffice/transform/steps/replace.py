"""Other words for what stands in a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName, Regex
from backoffice.contract.step import Example, Found, Step, TableName, TextColumn, Unreadable
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.literals import Value
from backoffice.transform.sql import call, col, sql, table

if TYPE_CHECKING:
    from sqlglot import exp

_InTable = Annotated[ColumnName, Found(frozenset({Kind.TEXT}), table_field="lookup")]


class Replace(Step):
    """Replace whole cells (``values``, ``lookup``) or what is found within them (``parts``, ``pattern``).

    Whole cells that are not listed are unreadable: they stay as they are, or what ``unreadable`` says and then are counted.
    """

    step: Literal["replace"] = "replace"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    values: dict[Value, Value] = Field(default_factory=dict)
    """Old to new, for whole cells."""
    lookup: TableName | None = None
    """A look-up that holds old and new values."""
    old: _InTable | None = None
    """The look-up's column with the old values. Where one is there several times, the first row counts."""
    new: _InTable | None = None
    parts: dict[Value, str] = Field(default_factory=dict)
    """Old to new, for every place in a cell, one after the other in this order; new may be nothing (``""``)."""
    pattern: Regex | None = None
    """A regular expression (RE2) for what is replaced, at every place; ``^`` and ``$`` stand for the cell's ends."""
    by: str | None = Field(default=None, max_length=1000)
    r"""What ``pattern`` is replaced by; ``\1`` is what its first group found."""
    ignore_case: bool = False
    unreadable: Unreadable = "keep"
    """With ``values`` or ``lookup``: what becomes of a filled cell that is not among the old ones. Left out: it stays, and
    is not counted; ``keep``: it stays, and is."""

    example: ClassVar[Example] = Example(
        """- step: replace
  columns: [country]
  lookup: countries
  old: name
  new: code
  ignore_case: true
  unreadable: blank
- step: replace
  columns: [phone]
  pattern: "^00([1-9])"
  by: '+\\1'
""",
        before="""\
name,country,phone
Ann,austria,00431
Bo,Atlantis,0316
""",
        after="""\
name,country,phone
Ann,AT,+431
Bo,,0316
""",
        tables={"countries": "name,code\nAustria,AT\nGermany,DE\n"},
    )
    blanks: ClassVar[str] = "Empty cells stay empty. A cell of which nothing is left becomes empty."

    @model_validator(mode="after")
    def _one_way(self) -> Replace:
        if sum((bool(self.values), self.lookup is not None, bool(self.parts), self.pattern is not None)) != 1:
            raise ValueError("say exactly one of `values`, `lookup`, `parts`, `pattern`")
        if (self.lookup is None) != (self.old is None) or (self.lookup is None) != (self.new is None):
            raise ValueError("`lookup`, `old` and `new` belong together")
        if (self.pattern is None) != (self.by is None):
            raise ValueError("`pattern` and `by` belong together")
        if (self.parts or self.pattern) and self.unreadable != "keep":
            raise ValueError("`unreadable` belongs to `values` and `lookup`")
        if self.ignore_case and len({one.lower() for one in self.values}) < len(self.values):
            raise ValueError("`values` lists one old value twice (upper and lower case do not matter)")
        return self

    @override
    def words(self) -> str:
        if self.lookup:
            how = f"by the table {self.lookup} ({self.old} to {self.new})"
        elif self.values:
            how = f"by a list of {len(self.values)} values"
        else:
            how = "where it holds the agreed parts"
        lost = {"keep": "", "blank": ", empty what is not listed", "reject": ", put rows aside that are not listed"}
        return f"Replace {', '.join(self.columns)} {how}{lost.get(self.unreadable, ', stop at what is not listed')}."

    @override
    def compile(self, source: Source) -> Cells:
        cells = {name: self._replaced(name, source) for name in self.columns}
        whole = bool(self.values or self.lookup)
        return Cells(cells, loses=whole and self._counted, unreadable=self.unreadable)

    @property
    def _counted(self) -> bool:
        return "unreadable" in self.model_fields_set

    def _replaced(self, name: str, source: Source) -> exp.Expr:

        cell = col(name, source.table)
        if self.pattern is not None:
            flags = "gi" if self.ignore_case else "g"
            text = "nullif(regexp_replace(:cell, :pattern, :by, :flags), '')"
            return sql(text, cell=cell, pattern=self.pattern, by=self.by, flags=flags)
        if self.parts:
            for old, new in self.parts.items():
                text = (
                    "regexp_replace(:cell, regexp_escape(:old), :new, 'gi')"
                    if self.ignore_case
                    else "replace(:cell, :old, :new)"
                )
                cell = sql(text, cell=cell, old=old, new=new.replace("\\", "\\\\") if self.ignore_case else new)
            return sql("nullif(:cell, '')", cell=cell)
        found = self._in_table(cell) if self.lookup else self._listed(cell)
        return found if self._counted else call("coalesce", found, cell)

    def _folded(self, text: exp.Expr) -> exp.Expr:
        return call("lower", text) if self.ignore_case else text

    def _listed(self, cell: exp.Expr) -> exp.Expr:
        from sqlglot import exp

        found = exp.Case()
        by_new: dict[str, list[str]] = {}
        for old, new in self.values.items():
            by_new.setdefault(new, []).append(old.lower() if self.ignore_case else old)
        for new, known in by_new.items():
            found = found.when(self._folded(cell.copy()).isin(*known), exp.convert(new))
        return found

    def _in_table(self, cell: exp.Expr) -> exp.Expr:
        from sqlglot import exp

        new = call("arg_min", col(self.new or "", "_known"), col(ROW, "_known"))
        same = exp.EQ(this=self._folded(col(self.old or "", "_known")), expression=self._folded(cell))
        return exp.select(new).from_(table(self.lookup or "", "_known")).where(same).subquery()
