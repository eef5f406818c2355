"""Languages."""

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


def _work(write: Literal["alpha2", "name"]) -> Callable[[Sequence[tuple[str, str]]], list[str | None]]:
    def work(rows: Sequence[tuple[str, str]]) -> list[str | None]:
        from backoffice.transform.values.countries import languages

        found: list[str | None] = [None] * len(rows)
        for language in sorted({row[1] for row in rows}):
            places = [place for place, row in enumerate(rows) if row[1] == language]
            answers = languages([rows[place][0] for place in places], write=write, language=language)
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer
        return found

    return work


_READ = {
    "alpha2": Function("language_alpha2", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work("alpha2")),
    "name": Function("language_name", (Kind.TEXT, Kind.TEXT), Kind.TEXT, _work("name")),
}


class Languages(Step):
    """Read languages, given as codes or by their names in any language of Europe, and write them in one way.

    Codes are those of ISO 639-1 and, of three letters, ISO 639-2; of a tag like ``de-AT`` the language counts. The names
    are those of the Unicode CLDR. Languages without a code of two letters are unreadable.
    """

    step: Literal["languages"] = "languages"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    write: Literal["alpha2", "name"] = "alpha2"
    """``alpha2``: ``sl`` (ISO 639-1), or the name in ``language``."""
    language: Text = "en"
    """Of the names that are written."""
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: languages
  columns: [language]
""",
        before="""\
name,language
Ann,Deutsch
Bo,slv
Cy,en-GB
Di,Klingon
""",
        after="""\
name,language
Ann,de
Bo,sl
Cy,en
Di,
""",
    )

    @override
    def words(self) -> str:
        from backoffice.transform.values.countries import called

        ways = {"alpha2": "ISO codes of two letters", "name": f"names in {called(self.language)}"}
        return f"Write the languages in {', '.join(self.columns)} as {ways[self.write]}."

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
