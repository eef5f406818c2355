"""Numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Text
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import col, sql, table, try_cast
from backoffice.transform.values.numerals import deciding, plain, signed, trimmed

if TYPE_CHECKING:
    from sqlglot import exp


class Number(Step):
    """Read text as exact numbers: ``1.234,56``, ``1,234.56``, ``1'234.50``, ``1 234``, ``-12.50``, ``12.50-``, ``(12.50)``.

    ``12,-`` is 12. With ``decimal: auto`` each cell shows which sign begins the fraction, and the rest of the column
    decides on cells that can be read both ways (``1.234``); where it shows neither or both, those are unreadable. A
    number has 12 digits before the point and 6 after; what has more after it is rounded (half away from zero) and counted.
    """

    step: Literal["number"] = "number"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    decimal: Literal["auto", ".", ","] = "auto"
    """The sign that begins the fraction."""
    group: Literal[".", ",", "'", " "] | None = None
    """The sign that parts thousands. Left out: any of these but ``decimal``."""
    to: Literal["number", "integer"] = "number"
    """``integer``: a cell with a fraction other than zero is unreadable."""
    currency: bool = False
    """Cut off signs and codes of currencies at both ends: ``€ 12.50``, ``12,50 EUR``."""
    cut: tuple[Text, ...] = ()
    """Units to cut off at both ends, like ``kg``; case does not matter."""
    percent: Literal["refuse", "points", "share"] = "refuse"
    """A cell with ``%``: unreadable; ``points``: 12 % is 12; ``share``: 12 % is 0.12."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    example: ClassVar[Example] = Example(
        """- step: number
  columns: [quantity]
  to: integer
- step: number
  columns: [price]
  decimal: ","
  currency: true
- step: text
  columns: [price]
""",
        before="""\
article,quantity,price
Chair,12,"1.234,50 €"
Table,(3),899 or so
Lamp,1.5,"19,9"
""",
        after="""\
article,quantity,price
Chair,12,1234.5
Table,-3,
Lamp,,19.9
""",
    )

    @model_validator(mode="after")
    def _two_signs(self) -> Number:
        if self.group == self.decimal:
            raise ValueError("`group` and `decimal` are the same sign")
        if self.group in (".", ",") and self.decimal == "auto":
            raise ValueError("say `decimal` too: with `group` it is known")
        return self

    @override
    def words(self) -> str:
        kind = "whole numbers" if self.to == "integer" else "numbers"
        sign = {"auto": "", ".": ", with a decimal point", ",": ", with a decimal comma"}[self.decimal]
        return f"Read {', '.join(self.columns)} as {kind}{sign}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind(self.to) if name in self.columns else kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        if self.percent == "share" and self.to == "integer":
            yield ("percent",), "A share of 1 is no whole number.", "Leave out `to: integer`, or say `points`."

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        whole: dict[str, exp.Expr] = {}
        parts: dict[str, exp.Expr] = {}
        digits: dict[str, exp.Expr] = {}
        cells: dict[str, exp.Expr] = {}
        counts: dict[str, exp.Expr] = {}
        cut = (*self.cut, *(("%",) if self.percent != "refuse" else ()))
        for place, name in enumerate(self.columns):
            whole[f"_whole_{place}"] = trimmed(col(name), cut=cut, currency=self.currency)
            parts[f"_bare_{place}"], minus = signed(col(f"_whole_{place}"))
            decided = exp.select(deciding(whole[f"_whole_{place}"].copy())).from_(table(source.table)).subquery()
            number = plain(
                col(f"_bare_{place}"), decimal=self.decimal, group=self.group, decided=col(f"_decided_{place}")
            )
            if self.decimal == "auto":
                parts[f"_decided_{place}"] = decided
            digits[f"_digits_{place}"] = sql(
                "case when :minus then '-' else '' end || :number", minus=minus, number=number
            )
            cells[name] = self._number(col(f"_digits_{place}"), name)
            if self.to == "number":
                longer = self._longer(col(f"_digits_{place}"), name)
                counts[f"{name} rounded"] = sql("coalesce(:longer, false)", longer=longer)
        return Cells(cells, unreadable=self.unreadable, counts=counts, before=(whole, parts, digits))

    def _longer(self, digits: exp.Expr, name: str) -> exp.Expr:
        """Whether it has more after the point than a number holds."""
        longer = sql("regexp_matches(:digits, '[.][0-9]{6}[0-9]*[1-9]')", digits=digits)
        if self.percent != "share":
            return longer
        more = "contains(:cell, '%') and regexp_matches(:digits, '[.][0-9]{4}[0-9]*[1-9]') or :longer"
        return sql(more, digits=digits, cell=col(name), longer=longer)

    def _number(self, digits: exp.Expr, name: str) -> exp.Expr:
        if self.to == "integer":
            whole = (
                "case when regexp_full_match(:d, '-?[0-9]{1,18}(?:[.]0*)?') then regexp_replace(:d, '[.].*$', '') end"
            )
            return try_cast(sql(whole, d=digits), Kind.INTEGER)
        if self.percent != "share":
            return try_cast(digits, Kind.NUMBER)
        # The point moves two places before anything is rounded.
        share = """case when contains(:cell, '%')
            then try_cast(try_cast(:d as decimal(28, 12)) * cast(0.01 as decimal(3, 2)) as decimal(18, 6))
            else try_cast(:d as decimal(18, 6)) end"""
        return sql(share, cell=col(name), d=digits)
