"""Categories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from backoffice.contract.model import ColumnName, Model, Regex, Text
from backoffice.contract.step import Example, Family, Found, NewColumn, Step, TableName, TextColumn
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.sql import col, query, sql, table

if TYPE_CHECKING:
    from sqlglot import exp

_EDGE = r"[^\p{L}\p{N}]"


def _word(text: str) -> str:
    if not re.search(r"\w", text) or len(text) > 100:
        raise ValueError("a word has at least one letter or digit, and at most 100 signs; `*` stands for any letters")
    return text


Word = Annotated[Text, AfterValidator(_word)]


class Rule(Model):
    """A category, and what makes a row belong to it: one of the words, or the pattern, in one of the columns."""

    category: Text
    words: tuple[Word, ...] = ()
    """Whole words, or several with blanks between. ``*`` stands for any letters or digits: ``chair*``. Case does not matter."""
    pattern: Regex | None = None
    """A regular expression that is found somewhere in the cell; case does not matter."""

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if bool(self.words) == (self.pattern is not None):
            raise ValueError("say `words` or `pattern`, one of the two")
        return self

    def expression(self) -> str:
        """The rule as a regular expression."""
        if self.pattern is not None:
            return f"(?i)(?:{self.pattern})"
        words = "|".join(_as_pattern(word) for word in self.words)
        return rf"(?i)(?:^|{_EDGE})(?:{words})(?:{_EDGE}|$)"


def _as_pattern(word: str) -> str:
    parts = re.split(r"(\*|\s+)", word)
    return "".join(
        r"[\p{L}\p{N}]*" if one == "*" else r"[\s\p{Z}-]+" if one.isspace() else _escaped(one) for one in parts
    )


def _escaped(text: str) -> str:
    return re.sub(r"([^\w])", r"\\\1", text)


LookupColumn = Annotated[ColumnName, Found(table_field="lookup")]


class Categorise(Step):
    """Give each row a category, by rules of which the first that fits counts, or by a table.

    A row that nothing fits gets ``otherwise``; if that is not said, its cells are unreadable.
    """

    step: Literal["categorise"] = "categorise"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    """Where the rules look, and what the table is looked up by: the first column that leads to a category."""
    category_as: NewColumn
    rules: tuple[Rule, ...] = ()
    lookup: TableName | None = None
    """A table of keys and their categories. The whole cell has to be the key; case does not matter."""
    key: LookupColumn | None = None
    category: LookupColumn | None = None
    otherwise: Text | None = None
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: categorise
  columns: [title]
  category_as: category
  rules:
    - {category: Tables, words: ["table*", desk]}
    - {category: Seating, words: [chair, "arm chair", stool]}
    - {category: Textiles, pattern: "(cotton|wool)$"}
""",
        before="""\
sku,title
A1,"Chair, oak"
A2,Dining tables
A3,Rug of wool
A4,Arm-chair
A5,Chairlift
A6,
""",
        after="""\
sku,title,category
A1,"Chair, oak",Seating
A2,Dining tables,Tables
A3,Rug of wool,Textiles
A4,Arm-chair,Seating
A5,Chairlift,
A6,,
""",
    )
    blanks: ClassVar[str] = "A row whose cells are all empty gets no category, nor `otherwise`."

    @model_validator(mode="after")
    def _one_way(self) -> Categorise:
        if bool(self.rules) == (self.lookup is not None):
            raise ValueError("say `rules` or `lookup`, one of the two")
        if (self.lookup is None) != (self.key is None) or (self.lookup is None) != (self.category is None):
            raise ValueError("`lookup`, `key` and `category` belong together: say which of its columns is which")
        return self

    @override
    def words(self) -> str:
        if self.lookup:
            by = f"looked up in {self.lookup}"
        else:
            by = f"by {len(self.rules)} rules, of which the first that fits counts"
        rest = f"; {self.otherwise} where nothing fits" if self.otherwise else ""
        return f"Give each row a category ({self.category_as}) from {', '.join(self.columns)}, {by}{rest}."

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        found = self._by_table(source) if self.lookup else self._by_rules()
        cells = [col(name) for name in self.columns]
        some = exp.or_(*(sql(":c is not null", c=one) for one in cells))
        if self.otherwise:
            found = sql("case when :some then coalesce(:f, :rest) end", some=some, f=found, rest=self.otherwise)
        lost = {self.category_as: sql(":f is null and (:some)", f=found, some=some)}
        return Cells({self.category_as: found}, lost=lost, unreadable=self.unreadable)

    def _by_rules(self) -> exp.Expr:
        from sqlglot import exp

        found = exp.Case()
        for rule in self.rules:
            pattern = rule.expression()
            fits = [sql("coalesce(regexp_matches(:c, :p), false)", c=col(name), p=pattern) for name in self.columns]
            found = found.when(exp.or_(*fits), exp.convert(rule.category))
        return found

    def _by_table(self, source: Source) -> exp.Expr:
        from sqlglot import exp

        assert self.lookup and self.key and self.category  # noqa: S101 - the model says so
        parts = [
            query(
                "select min_by(:category, :row) from :t where lower(trim(:key)) = lower(trim(:cell))",
                category=col(self.category, self.lookup),
                row=col(ROW, self.lookup),
                t=table(self.lookup),
                key=col(self.key, self.lookup),
                cell=col(name, source.table),
            ).subquery()
            for name in self.columns
        ]
        return exp.func("coalesce", *parts) if len(parts) > 1 else parts[0]
