"""IBAN, BIC, VAT and national identity numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Country
from backoffice.contract.step import Example, Made, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp

_KINDS = {
    "iban": "IBANs (ISO 13616)",
    "bic": "BICs (ISO 9362)",
    "vat": "VAT numbers",
    "national_id": "national identity numbers",
}


def _work(kind: str) -> Callable[[Sequence[tuple[str, str | None]]], list[str | None]]:
    def work(rows: Sequence[tuple[str, str | None]]) -> list[str | None]:
        from backoffice.transform.values.identifiers import identifiers

        return identifiers([(text, country or "") for text, country in rows], kind)

    return work


_READ = {kind: Function(f"identifier_{kind}", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work(kind)) for kind in _KINDS}


class Identifiers(Step):
    """Check numbers that carry their own check, and write them in their compact form: no blanks, capitals.

    Valid means well formed with the right check digits, not that the number was given to anybody. ``vat`` knows the EU,
    Northern Ireland (XI), Great Britain, Switzerland, Norway and Iceland; a prefix may be missing if the country is
    said. ``national_id`` needs the country: AT (Sozialversicherungsnummer), BE, BG, CH, CZ, DE (Steuer-ID), DK, EE, ES
    (DNI or NIE), FI, FR, GB (NHS), GR (AMKA), HR (OIB), IE, IS, IT, LT, LV, NL, NO, PL (PESEL), PT, RO, SE, SI (EMŠO),
    SK.
    """

    step: Literal["identifiers"] = "identifiers"
    column: TextColumn
    kind: Literal["iban", "bic", "vat", "national_id"]
    country: Country | None = None
    """Of every row; or of the rows whose ``country_column`` is empty."""
    country_column: TextColumn | None = None
    """Two letters, as in ISO 3166-1."""
    valid_as: Annotated[ColumnName, Made(Kind.BOOLEAN)] | None = None
    """A column that says whether it is valid; the number itself then stays as it was."""
    drop: bool = False
    """With ``valid_as``: take the number itself out, if nothing but its validity is needed."""
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: identifiers
  column: iban
  kind: iban
- step: identifiers
  column: tax
  kind: vat
  country_column: country
  valid_as: tax_valid
  drop: true
""",
        before="""\
iban,tax,country
DE89 3704 0044 0532 0130 00,ATU13585627,AT
DE88 3704 0044 0532 0130 00,U13585628,AT
""",
        after="""\
iban,country,tax_valid
DE89370400440532013000,AT,true
,AT,false
""",
    )
    blanks: ClassVar[str] = "Empty cells stay empty, and are neither valid nor invalid."

    @model_validator(mode="after")
    def _fits(self) -> Identifiers:
        given = self.country is not None or self.country_column is not None
        if self.kind == "national_id" and not given:
            raise ValueError("say `country` or `country_column`: national numbers look alike")
        if self.kind in ("iban", "bic") and given:
            raise ValueError(f"a {self.kind.upper()} says its country itself; leave `country` and `country_column` out")
        if self.drop and not self.valid_as:
            raise ValueError("`drop` needs `valid_as`")
        if self.valid_as and self.unreadable != "blank":
            raise ValueError("with `valid_as` no number is lost; leave `unreadable` out, and `filter` by what it says")
        return self

    @override
    def words(self) -> str:
        if self.valid_as:
            drop = f", and take {self.column} out" if self.drop else ""
            return f"Say in {self.valid_as} whether {self.column} holds valid {_KINDS[self.kind]}{drop}."
        return f"Keep the valid {_KINDS[self.kind]} in {self.column}, in compact form."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        if self.country is not None:
            from backoffice.transform.values.identifiers import COUNTRIES

            known = COUNTRIES[self.kind]
            if self.country not in known:
                yield (
                    ("country",),
                    f"Numbers of `{self.country}` cannot be checked.",
                    f"Known: {', '.join(sorted(known))}.",
                )

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        after = super().columns_after(columns, tables)
        if self.drop:
            after.pop(self.column, None)
        return after

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        country: exp.Expr = exp.convert(self.country or "")
        if self.country_column:
            text = "coalesce(nullif(trim(:own), ''), :other)"
            country = sql(text, own=col(self.country_column), other=self.country or "")
        found = _READ[self.kind](col(self.column), country)
        if self.valid_as is None:
            return Cells({self.column: found}, unreadable=self.unreadable)
        valid = sql("case when :cell is not null then :found is not null end", cell=col(self.column), found=found)
        return Cells({self.valid_as: valid})
