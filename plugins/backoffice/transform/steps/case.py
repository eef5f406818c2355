"""Upper and lower case."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col, sql
from backoffice.transform.values.name_lists import LOWER, MAC_NAMES

if TYPE_CHECKING:
    from sqlglot import exp

# Words are what stands between blanks; in names also what stands between hyphens and apostrophes, but for a last
# single letter (Maria's). The engine's regular expressions cannot change case, so the pieces are cut out and joined.
_TITLE = r"""
    array_to_string(list_transform(string_split(lower(:cell), ' '), lambda w: upper(w[1]) || w[2:]), ' ')
"""
_WORD = r"""
    case when length(:w) <= :longest and :particle then :w
         when length(:w) <= 4 and :numeral then upper(:w)
         when starts_with(:w, 'mc') and length(:w) > 3 then 'Mc' || upper(:w[3]) || :w[4:]
         when starts_with(:w, 'mac') and :mac_name then 'Mac' || upper(:w[4]) || :w[5:]
         else upper(:w[1]) || :w[2:] end
"""
# Most names are one word: that needs no list of its pieces.
_NAME = r"""
    case when :cell <> :lower and :cell <> upper(:cell) then :cell
         when regexp_full_match(:lower, '[\p{L}\p{M}]+') then :word
         else array_to_string(list_transform(
            regexp_extract_all(:lower, '[''\x{2019}]\p{L}(?:[^\p{L}]|$)|[\p{L}\p{M}]+|[^\p{L}\p{M}]'),
            lambda w: :piece), '') end
"""
_NUMERALS = ("ii", "iii", "iv", "vii", "viii")
"""Of kings, popes and grandsons; ``vi`` is a name as well."""


class Case(Step):
    """Set upper and lower case.

    ``title`` begins every word with a capital. ``name`` knows names: O'Brien, D'Angelo, McDonald, MacDonald (but Machado),
    Smith-Jones, van der Berg, de la Cruz, John III; a name that has both cases already was written with care and stays as
    it is.
    """

    step: Literal["case"] = "case"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    to: Literal["lower", "upper", "title", "name"]

    example: ClassVar[Example] = Example(
        """- step: case
  columns: [name]
  to: name
""",
        before="""\
name
ANN O'BRIEN-MCDONALD
JAN VAN DER BERG
Maria De la Cruz
""",
        after="""\
name
Ann O'Brien-McDonald
Jan van der Berg
Maria De la Cruz
""",
    )

    @override
    def words(self) -> str:
        how = {"lower": "in lower case", "upper": "in capitals", "title": "with capital initials", "name": "as names"}
        return f"Write {', '.join(self.columns)} {how[self.to]}."

    @override
    def compile(self, source: Source) -> Cells:
        if self.to != "name":
            return Cells({name: self._cased(col(name)) for name in self.columns})
        lower = {name: f"_lower_{place}" for place, name in enumerate(self.columns)}
        before = {hidden: call("lower", col(name)) for name, hidden in lower.items()}
        return Cells({name: _named(col(name), col(hidden)) for name, hidden in lower.items()}, before=(before,))

    def _cased(self, cell: exp.Expr) -> exp.Expr:
        if self.to in ("lower", "upper"):
            return call(self.to, cell)
        return sql(_TITLE, cell=cell)


def _named(cell: exp.Expr, lower: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return sql(
        _NAME, cell=cell, lower=lower, word=_word(lower), piece=_word(exp.to_identifier("w"))
    )  # no column: the lambda's own


def _word(word: exp.Expr) -> exp.Expr:
    lists = {"particle": LOWER, "numeral": _NUMERALS, "mac_name": MAC_NAMES}
    longest = max(map(len, LOWER))
    return sql(_WORD, w=word, longest=longest, **{name: word.isin(*sorted(words)) for name, words in lists.items()})
