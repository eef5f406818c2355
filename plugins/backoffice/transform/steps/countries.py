"""Countries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Text
from backoffice.contract.step import Example, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col


def _work(write: Literal["alpha2", "alpha3", "name"]) -> Callable[[Sequence[tuple[str, str]]], list[str | None]]:
    def work(rows: Sequence[tuple[str, str]]) -> list[str | None]:
        from backoffice.transform.values.countries import countries

        found: list[str | None] = [None] * len(rows)
        for language in sorted({row[1] for row in rows}):
            places = [place for place, row in enumerate(rows) if row[1] == language]
            answers = countries([rows[place][0] for place in places], write=write, language=language)
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer
        return found

    return work


_READ = {
    "alpha2": Function("country_alpha2", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work("alpha2")),
    "alpha3": Function("country_alpha3", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work("alpha3")),
    "name": Function("country_name", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work("name")),
}


class Countries(Step):
    """Read countries, given as codes or by their names in any language of Europe, and write them in one way.

    The names are those of the Unicode CLDR, and a few more (Holland, UK, car signs); case, accents and signs do not
    matter. A name that stands for two countries (Kongo) is unreadable.
    """

    step: Literal["countries"] = "countries"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    write: Literal["alpha2", "alpha3", "name"] = "alpha2"
    """``alpha2``: ``SI``, ``alpha3``: ``SVN`` (ISO 3166-1), or the name in ``language``."""
    language: Text = "en"
    """Of the names that are written."""
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: countries
  columns: [country]
""",
        before="""\
name,country
Ann,Österreich
Bo,DEU
Cy,Pays-Bas
Di,Atlantis
""",
        after="""\
name,country
Ann,AT
Bo,DE
Cy,NL
Di,
""",
    )

    @override
    def words(self) -> str:
        from backoffice.transform.values.countries import called

        ways = {
            "alpha2": "ISO codes of two letters",
            "alpha3": "ISO codes of three letters",
            "name": f"names in {called(self.language)}",
        }
        return f"Write the countries in {', '.join(self.columns)} as {ways[self.write]}."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        if self.write == "name":
            from backoffice.transform.values.countries import knows

            if not knows(self.language):
                yield ("language",), f"There are no names in `{self.language}`.", "Write its code, like `de`."

    @override
    def compile(self, source: Source) -> Cells:
        read = _READ[self.write]
        language = self.language if self.write == "name" else "en"
        return Cells({name: read(col(name), language) for name in self.columns}, unreadable=self.unreadable)
