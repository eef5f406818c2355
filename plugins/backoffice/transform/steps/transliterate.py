"""Any script to plain letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col


def _write(rows: Sequence[tuple[str, bool]]) -> list[str | None]:
    from backoffice.transform.values.transliteration import to_ascii

    plain = iter(to_ascii([text for text, german in rows if not german], german=False))
    german = iter(to_ascii([text for text, german in rows if german], german=True))
    return [next(german if by_german else plain) for _, by_german in rows]


_ASCII = Function("ascii_letters", (Kind.TEXT, Kind.BOOLEAN), Kind.TEXT, _write)


class Transliterate(Step):
    """Write text in any script with the plain letters of ASCII, for labels and systems that take nothing else.

    What cannot be written that way is left out; a cell of which nothing remains becomes empty, and is counted.
    """

    step: Literal["transliterate"] = "transliterate"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    german: bool = False
    """ä as ae, ö as oe, ü as ue, as on passports and bank cards; else a, o, u."""

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: transliterate
  columns: [name]
  german: true
""",
        before="""\
name
Jürgen Groß
Đorđe Žižek
Ελένη
""",
        after="""\
name
Juergen Gross
Dorde Zizek
Eleni
""",
    )

    @override
    def words(self) -> str:
        german = ", ä as ae, ö as oe, ü as ue" if self.german else ""
        return f"Write {', '.join(self.columns)} with plain letters{german}."

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: _ASCII(col(name), self.german) for name in self.columns})
