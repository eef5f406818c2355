"""Consent and opt-out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Text
from backoffice.contract.step import Example, NewTable, Step, TextColumn
from backoffice.transform.fragment import ROW, Rows, Source
from backoffice.transform.sql import col, sql, table
from backoffice.transform.values.yes_and_no import NO, YES

if TYPE_CHECKING:
    from sqlglot import exp

_LETTERS = frozenset("01jnyxtf")
"""Single signs that mean the same wherever they are used; others (``o``, ``d``, ``k``) a SOW has to list."""
_YES = ("x", "ok", "opt-in", "optin", "opt in", "subscribed", "granted", "erteilt", "\u2713", "\u2714", "\u2611")
_NO = ("opt-out", "optout", "opt out", "unsubscribed", "withdrawn", "widerrufen", "\u2717", "\u2718", "\u2610")


def _words(more: tuple[str, ...], known: Mapping[str, tuple[str, ...]], own: tuple[str, ...]) -> set[str]:
    """All words, in lower case; of single letters only those that mean one thing."""
    found = {word for words in known.values() for word in words if len(word) > 1 or word in _LETTERS}
    return found | set(more) | {word.lower() for word in own}


class Consent(Step):
    """Keep the rows of people who may be written to; drop and count the others.

    A row passes if every column of ``opt_in`` says yes and every one of ``opt_out`` says no, in any usual spelling of
    Europe's languages (yes, 1, x, ja, da, oui; no, 0, nein, ne, non; case does not matter). A row in which one of them
    cannot be read never passes (GDPR Art. 7(1): consent has to be shown).
    """

    step: Literal["consent"] = "consent"
    opt_in: tuple[TextColumn, ...] = ()
    opt_out: tuple[TextColumn, ...] = ()
    yes_words: tuple[Text, ...] = ()
    """Further words for yes."""
    no_words: tuple[Text, ...] = ()
    empty_opt_out: Literal["unreadable", "not_opted_out"] = "unreadable"
    """``not_opted_out``: in this list an empty opt-out means that the person has not."""
    others_to: NewTable | None = None
    """The table that the other rows go to. Left out: they are dropped."""

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: consent
  opt_in: [newsletter]
  opt_out: [blocked]
  empty_opt_out: not_opted_out
""",
        before="""\
name,newsletter,blocked
Ann,Ja,
Bo,1,x
Cy,vielleicht,
Di,,
""",
        after="""\
name,newsletter,blocked
Ann,Ja,
""",
    )
    blanks: ClassVar[str] = "An empty opt-in never passes; an empty opt-out does only where the SOW says so."

    @model_validator(mode="after")
    def _fits(self) -> Consent:
        if not self.opt_in and not self.opt_out:
            raise ValueError("say `opt_in`, `opt_out` or both")
        if both := sorted(self._yes & self._no):
            raise ValueError(f"`{both[0]}` cannot mean both yes and no")
        return self

    @property
    def _yes(self) -> set[str]:
        return _words(_YES, YES, self.yes_words)

    @property
    def _no(self) -> set[str]:
        return _words(_NO, NO, self.no_words)

    @override
    def words(self) -> str:
        says = [f"{one} says yes" for one in self.opt_in] + [f"{one} says no" for one in self.opt_out]
        empty = " (empty: no)" if self.opt_out and self.empty_opt_out == "not_opted_out" else ""
        others = f"put the others into {self.others_to}" if self.others_to else "drop the others"
        return f"Keep the rows in which {' and '.join(says)}{empty}; {others}, and those that cannot be read."

    @override
    def tables_made(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, dict[str, Kind]]:
        return {self.others_to: dict(columns)} if self.others_to else {}

    @override
    def compile(self, source: Source) -> Rows:
        from sqlglot import exp

        empty = {""} if self.empty_opt_out == "not_opted_out" else set()
        passes = [_is(one, self._yes) for one in self.opt_in]
        passes += [_is(one, self._no | empty) for one in self.opt_out]
        read = [_is(one, self._yes | self._no) for one in self.opt_in]
        read += [_is(one, self._yes | self._no | empty) for one in self.opt_out]
        every = exp.select(*map(col, (ROW, *source.columns))).from_(table(source.table))
        counted = exp.select(exp.Count(this=exp.Star())).from_(table(source.table)).where(exp.not_(exp.and_(*read)))
        sides = {self.others_to: every.where(exp.not_(exp.and_(*passes)))} if self.others_to else {}
        passed = every.where(exp.and_(*passes))
        return Rows(((source.name, passed),), counts={"consent cannot be read": counted}, sides=sides)


def _is(name: str, words: set[str]) -> exp.Expr:
    """Whether the cell is one of the words; never empty itself."""
    from sqlglot import exp

    cell = sql(r"lower(regexp_replace(coalesce(:cell, ''), '^[\s\p{Z}]+|[\s\p{Z}.!]+$', '', 'g'))", cell=col(name))
    return cell.isin(*map(exp.convert, sorted(words)))
