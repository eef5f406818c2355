"""Text of anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Text as Words
from backoffice.contract.step import AnyColumn, Example, Step
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.literals import as_text
from backoffice.transform.sql import call, cast, col, sql

if TYPE_CHECKING:
    from sqlglot import exp

_PARTS = {
    "YYYY": "lpad(year(:t)::varchar, 4, '0')", "YY": "lpad((year(:t) % 100)::varchar, 2, '0')",
    "MM": "lpad(month(:t)::varchar, 2, '0')", "M": "month(:t)::varchar",
    "DD": "lpad(day(:t)::varchar, 2, '0')", "D": "day(:t)::varchar",
    "hh": "lpad(hour(:t)::varchar, 2, '0')", "mm": "lpad(minute(:t)::varchar, 2, '0')",
    "ss": "lpad(second(:t)::varchar, 2, '0')",
}  # fmt: skip
_TOKENS = re.compile(r"YYYY|YY|MM?|DD?|hh|mm|ss|[^A-Za-z]+")


def _format(text: str) -> str:
    if "".join(_TOKENS.findall(text)) != text or not re.search("[A-Za-z]", text):
        raise ValueError("not a date's format; use YYYY, YY, MM, M, DD, D, hh, mm, ss and separators")
    return text


class Text(Step):
    """Write columns of any kind as text, each kind in its stated way."""

    step: Literal["text"] = "text"
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    dates: Annotated[str, AfterValidator(_format)] = "YYYY-MM-DD"
    timestamps: Annotated[str, AfterValidator(_format)] = "YYYY-MM-DD hh:mm:ss"
    places: int | None = Field(default=None, ge=0, le=6)
    """Digits after the decimal sign, rounded half away from zero. Left out: as many as there are."""
    decimal: Literal[".", ","] = "."
    group: Literal["", ".", ",", "'", " "] = ""
    """The sign between thousands."""
    true_as: Words = "true"
    false_as: Words = "false"

    example: ClassVar[Example] = Example(
        """- step: number
  columns: [price]
- step: dates
  columns: [since]
  formats: [YYYY-MM-DD]
- step: text
  columns: [price, since]
  dates: D.M.YYYY
  places: 2
  decimal: ","
  group: "."
""",
        before="""\
article,price,since
Chair,1234.5,2026-03-01
Lamp,-0.126,
""",
        after="""\
article,price,since
Chair,"1.234,50",1.3.2026
Lamp,"-0,13",
""",
    )

    @override
    def words(self) -> str:
        return f"Write {', '.join(self.columns)} as text."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind.TEXT if name in self.columns else kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        if self.group == self.decimal:
            yield ("group",), "`group` and `decimal` are the same sign.", "Choose another one."
        if re.search("hh|mm|ss", self.dates):
            yield ("dates",), "A date has no time of day.", "Say it in `timestamps`."

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: self._written(col(name), source.columns[name]) for name in self.columns}, loses=False)

    def _written(self, cell: exp.Expr, kind: Kind) -> exp.Expr:
        if kind in (Kind.INTEGER, Kind.NUMBER):
            return self._number(cell, kind)
        if kind is Kind.BOOLEAN:
            return sql(
                "case when :cell then :yes when not :cell then :no end", cell=cell, yes=self.true_as, no=self.false_as
            )
        if kind in (Kind.DATE, Kind.TIMESTAMP):
            pieces = _TOKENS.findall(self.dates if kind is Kind.DATE else self.timestamps)
            parts = [sql(_PARTS[one], t=cell) if one in _PARTS else sql(":sign", sign=one) for one in pieces]
            joined = parts[0]
            for part in parts[1:]:
                joined = sql(":left || :right", left=joined, right=part)
            return joined
        return cell

    def _number(self, cell: exp.Expr, kind: Kind) -> exp.Expr:
        if self.places is not None:
            # Rounded as a decimal: the cast carries exactly that many digits.
            text = cast(sql(f"cast(round(:cell, {self.places}) as decimal(19, {self.places}))", cell=cell), Kind.TEXT)
            if kind is Kind.INTEGER:
                text = sql(f"cast(:cell as varchar) || {_zeros(self.places)}", cell=cell)
        else:
            text = as_text(cell, kind)
        if self.decimal == ",":
            text = call("replace", text, ".", ",")
        if self.group:
            whole = sql(r"regexp_extract(:text, '^-?([0-9]+)', 1)", text=text)
            reversed_ = sql(
                r"regexp_replace(reverse(:whole), '([0-9]{3})', :each, 'g')", whole=whole, each=rf"\1{self.group}"
            )
            grouped = sql("ltrim(reverse(:reversed), :sign)", reversed=reversed_, sign=self.group)
            rest = sql("regexp_replace(:text, '^-?[0-9]+', '')", text=text)
            sign = sql("case when :cell < 0 and starts_with(:text, '-') then '-' else '' end", cell=cell, text=text)
            text = sql(":sign || :whole || :rest", sign=sign, whole=grouped, rest=rest)
        return text


def _zeros(places: int) -> str:
    return f"'.{'0' * places}'" if places else "''"
