"""Descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, Family, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _cleaned(rows: Sequence[tuple[str, bool, bool, bool, int, str]]) -> Iterable[str | None]:
    from backoffice.transform.values.texts import cleaned_many

    return cleaned_many(rows)


CLEANED = Function(
    "clean_text",
    [Kind.TEXT, Kind.BOOLEAN, Kind.BOOLEAN, Kind.BOOLEAN, Kind.INTEGER, Kind.TEXT],
    Kind.TEXT,
    _cleaned,
)


class CleanText(Step):
    """Clean descriptions: tags and entities of HTML, superfluous white space, signs that nobody sees, length.

    Nothing in the text is run or fetched: scripts and styles go with what is in them, of other elements the text stays.
    Text that is HTML within HTML, as shops' feeds send it, is unpacked as well. Letters with accents are written as one
    sign (Unicode NFC). Control signs, soft hyphens and signs that turn the direction of writing go.
    """

    step: Literal["clean_text"] = "clean_text"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    html: bool = True
    lines: Literal["join", "keep"] = "join"
    """Whether lines, paragraphs and list items become one line, or stay lines of their own."""
    quotes: Literal["keep", "straight"] = "keep"
    max_length: int | None = Field(default=None, ge=1, le=100_000)
    """In signs; longer text is cut, at a word where it can be."""
    ending: str = Field(default="…", max_length=10)
    """What stands where text was cut; it counts as length."""

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: clean_text
  columns: [text]
  quotes: straight
  max_length: 40
""",
        before="""\
sku,text
A1,"<p>Solid&nbsp;oak,<br>oiled &amp; <b>waxed</b></p><script>alert(1)</script>"
A2,"“Classic” chair with armrests, stackable, for indoors and outdoors"
A3,<br/>
""",
        after="""\
sku,text
A1,"Solid oak, oiled & waxed"
A2,"\"\"Classic\"\" chair with armrests…"
A3,
""",
    )
    blanks: ClassVar[str] = "A cell of nothing but tags and white space becomes empty."

    @model_validator(mode="after")
    def _room(self) -> CleanText:
        if self.max_length is not None and len(self.ending) >= self.max_length:
            raise ValueError("`ending` leaves no room for text: take a shorter one or a larger `max_length`")
        return self

    @override
    def words(self) -> str:
        what = "HTML, white space and unseen signs" if self.html else "white space and unseen signs"
        cut = f"; cut it after at most {self.max_length} signs, at a word where possible" if self.max_length else ""
        return f"Clean the text in {', '.join(self.columns)} of {what}{cut}."

    @override
    def compile(self, source: Source) -> Cells:
        told = (self.html, self.lines == "keep", self.quotes == "straight")
        cells = {name: CLEANED(col(name), *told, self.max_length or 0, self.ending) for name in self.columns}
        return Cells(cells, loses=False)
