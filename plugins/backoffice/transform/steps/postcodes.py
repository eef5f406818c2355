"""Postcodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import Country
from backoffice.contract.step import Example, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


def _read(rows: Sequence[tuple[str, str | None, bool]]) -> list[str | None]:
    from backoffice.transform.values.addresses import postcodes

    return postcodes([(text, country or "", zeros) for text, country, zeros in rows])


_POSTCODE = Function("postcode", (Kind.TEXT, Kind.TEXT, Kind.BOOLEAN), Kind.TEXT, _read)


class Postcodes(Step):
    """Check postcodes, and write them as their country does: ``1234 AB``, ``00-950``, ``SW1A 1AA``.

    The country's sign before it (``A-1010``, ``SI-1000``) goes. The rules are those of Google's address data: the form
    is checked, not whether the postcode was ever given. A postcode of a country without postcodes, or in a row without a
    country, is unreadable.
    """

    step: Literal["postcodes"] = "postcodes"
    column: TextColumn
    country: Country | None = None
    """Of every row; or of the rows whose ``country_column`` is empty."""
    country_column: TextColumn | None = None
    """Two letters, as in ISO 3166-1."""
    zeros: bool = False
    """Put back leading zeros that a spreadsheet took: ``1067`` Dresden, ``144`` Roma."""
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: postcodes
  column: postcode
  country_column: country
  zeros: true
""",
        before="""\
postcode,country
A-1010,AT
1234ab,NL
1067,DE
12,SI
""",
        after="""\
postcode,country
1010,AT
1234 AB,NL
01067,DE
,SI
""",
    )

    @model_validator(mode="after")
    def _some_country(self) -> Postcodes:
        if self.country is None and self.country_column is None:
            raise ValueError("say `country` or `country_column`")
        return self

    @override
    def words(self) -> str:
        whose = f"the country in {self.country_column}" if self.country_column else str(self.country)
        if self.country_column and self.country:
            whose += f", or {self.country} where it is empty,"
        zeros = ", with lost leading zeros put back" if self.zeros else ""
        return f"Keep the postcodes in {self.column} that are right for {whose}, written as usual there{zeros}."

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        country: exp.Expr = exp.convert(self.country)
        if self.country_column:
            text = "coalesce(nullif(upper(trim(:own)), ''), :other)"
            country = sql(text, own=col(self.country_column), other=self.country)
        return Cells({self.column: _POSTCODE(col(self.column), country, self.zeros)}, unreadable=self.unreadable)
