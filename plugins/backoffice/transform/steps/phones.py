"""Telephone numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Country
from backoffice.contract.step import Example, NewColumn, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp

PhoneType = Literal[
    "fixed", "mobile", "fixed_or_mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal", "pager",
    "uan", "voicemail",
]  # fmt: skip


def _work(how: str) -> Any:
    def work(rows: Sequence[tuple[str, str | None]]) -> list[str | None]:
        from backoffice.transform.values.phones import phones

        return phones([(text, countries or "") for text, countries in rows], how)

    return work


_READ = {
    how: Function(f"phone_{how}", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work(how))
    for how in ("e164", "international", "national", "type", "country", "extension")
}


class Phones(Step):
    """Read telephone numbers, and write them in one way.

    A number with a country calling code (``+43…``, ``0043…``) is read as it is. Any other is taken for one of the row's
    own country (``country_column``, two letters as in ISO 3166-1), then of each of ``countries``; the first where it is
    valid counts. Valid is what fits the country's numbering plan, as Google's libphonenumber knows it; whether somebody
    answers is not known.
    """

    step: Literal["phones"] = "phones"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    countries: tuple[Country, ...] = ()
    country_column: TextColumn | None = None
    write: Literal["e164", "international", "national"] = "e164"
    """``e164``: ``+436641234567``, for machines. ``international``: ``+43 664 1234567``. ``national``: ``0664 1234567``."""
    only: tuple[PhoneType, ...] | None = Field(default=None, min_length=1)
    """The types to keep; any other is unreadable. Where a country's numbers do not show whether they are mobile, they
    are ``fixed_or_mobile``."""
    type_as: NewColumn | None = None
    country_as: NewColumn | None = None
    """The country that the number belongs to."""
    extension_as: NewColumn | None = None
    """The extension. Left out: it is dropped."""
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: phones
  columns: [phone]
  country_column: country
  countries: [AT, DE]
  type_as: type
""",
        before="""\
name,country,phone
Ann,AT,0664/123 45 67
Bo,IT,02 1234 5678
Cy,,+44 (0)20 7946 0958
Di,,12
""",
        after="""\
name,country,phone,type
Ann,AT,+436641234567,mobile
Bo,IT,+390212345678,fixed
Cy,,+442079460958,fixed
Di,,,
""",
    )

    @model_validator(mode="after")
    def _one_column(self) -> Phones:
        if len(self.columns) > 1 and (self.type_as or self.country_as or self.extension_as):
            raise ValueError("`type_as`, `country_as` and `extension_as` are about one column; use a step for each")
        return self

    @override
    def words(self) -> str:
        ways = {"e164": "in E.164 form", "international": "in international form", "national": "as in their country"}
        tried = [f"the country in {self.country_column}"] if self.country_column else []
        tried += self.countries
        without = f"; numbers without a country code are those of {', then '.join(tried)}" if tried else ""
        only = f"; keep only {', '.join(self.only).replace('_', ' ')} numbers" if self.only else ""
        return f"Write the telephone numbers in {', '.join(self.columns)} {ways[self.write]}{without}{only}."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for index, country in enumerate(self.countries):
            from backoffice.transform.values.numbering import plan

            if plan(country) is None:
                yield (
                    ("countries", index),
                    f"`{country}` has no numbering plan.",
                    "Write two capitals as in ISO 3166-1.",
                )

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        countries: exp.Expr = exp.convert(" ".join(self.countries))
        if self.country_column:
            text = "coalesce(trim(:own), '') || ' ' || :others"
            countries = sql(text, own=col(self.country_column), others=" ".join(self.countries))
        cells: dict[str, exp.Expr] = {}
        for name in self.columns:
            cells[name] = self._read(self.write, name, countries)
            for made, how in ((self.type_as, "type"), (self.country_as, "country"), (self.extension_as, "extension")):
                if made:
                    cells[made] = self._read(how, name, countries)
        return Cells(cells, unreadable=self.unreadable)

    def _read(self, how: str, name: str, countries: exp.Expr) -> exp.Expr:
        found = _READ[how](col(name), countries.copy())
        if self.only is None:
            return found
        kind = _READ["type"](col(name), countries.copy())
        return sql("case when :kind in :types then :found end", kind=kind, types=_tuple(self.only), found=found)


def _tuple(values: Sequence[str]) -> exp.Expr:
    from sqlglot import exp

    return exp.Tuple(expressions=[exp.convert(one) for one in values])
