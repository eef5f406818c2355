"""True and false."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.contract.model import Text
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col, sql
from backoffice.transform.values.yes_and_no import NO, YES


class Boolean(Step):
    """Read text as true or false: words of the stated languages, and what the SOW lists itself.

    Upper and lower case and white space around the word do not matter. What is neither is unreadable.
    """

    step: Literal["boolean"] = "boolean"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    languages: tuple[str, ...] = ("en",)
    """Two letters each, like ``de``. ``1`` and ``0``, ``true`` and ``false`` count in every language; none (``[]``):
    only what is listed."""
    true_words: tuple[Text, ...] = ()
    """Further words for true, like ``x``."""
    false_words: tuple[Text, ...] = ()
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    example: ClassVar[Example] = Example(
        """- step: boolean
  columns: [newsletter]
  languages: [en, de]
  true_words: [x]
""",
        before="""\
name,newsletter
Ann,Yes
Bo,nein
Cy,X
Di,maybe
Ed,
""",
        after="""\
name,newsletter
Ann,true
Bo,false
Cy,true
Di,
Ed,
""",
    )
    blanks: ClassVar[str] = "Empty cells stay empty: they are neither true nor false."

    @override
    def words(self) -> str:
        from backoffice.transform.values.countries import called

        spoken = f" in {' or '.join(map(called, self.languages))}" if self.languages else ""
        return f"Read {', '.join(self.columns)} as yes or no{spoken}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return {name: Kind.BOOLEAN if name in self.columns else kind for name, kind in columns.items()}

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for place, one in enumerate(self.languages):
            if not one or one not in YES:
                hint = did_you_mean(one, filter(None, YES)) or one_of(filter(None, YES))
                yield ("languages", place), f"Yes and no in `{one}` are not known here.", hint
        if not self.languages and not (self.true_words and self.false_words):
            yield (
                ("languages",),
                "No words for yes and no are stated.",
                "Say `languages`, or `true_words` and `false_words`.",
            )
        if all(one in YES for one in self.languages):
            yes, no = self._words()
            for word in sorted(yes & no):
                yield ("false_words",), f"`{word}` is both true and false.", "Take it out of one of them."

    def _words(self) -> tuple[frozenset[str], frozenset[str]]:
        common = ("", *self.languages) if self.languages else ()
        stated_true, stated_false = ({one.lower() for one in words} for words in (self.true_words, self.false_words))
        yes = {word for language in common for word in YES[language]} - stated_false | stated_true
        no = {word for language in common for word in NO[language]} - stated_true | stated_false
        return frozenset(yes), frozenset(no)

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        yes, no = self._words()
        before, cells = {}, {}
        for place, name in enumerate(self.columns):
            before[f"_word_{place}"] = call("lower", sql(r"trim(:cell, :white)", cell=col(name), white=" \t\n\r\u00a0"))
            word = col(f"_word_{place}")
            found = exp.Case().when(word.isin(*sorted(yes)), exp.true()).when(word.isin(*sorted(no)), exp.false())
            cells[name] = found
        return Cells(cells, unreadable=self.unreadable, before=(before,))
