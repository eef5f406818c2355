"""Upper and lower case."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col, sql

if TYPE_CHECKING:
    from sqlglot import exp

# Words are what stands between blanks; in names also what stands between hyphens and apostrophes, but for a last
# single letter (Maria's). The engine's regular expressions cannot change case, so the pieces are cut out and joined.
_TITLE = r"""
    array_to_string(list_transform(string_split(lower(:cell), ' '), lambda w: upper(w[1]) || w[2:]), ' ')
"""
_NAME = r"""
    case when :cell = lower(:cell) or :cell = upper(:cell) then array_to_string(list_transform(
        regexp_extract_all(lower(:cell), '[''\x{2019}]\p{L}(?:[^\p{L}]|$)|[\p{L}\p{M}]+|[^\p{L}\p{M}]'),
        lambda w: case when starts_with(w, 'mc') and length(w) > 3 then 'Mc' || upper(w[3]) || w[4:]
                       else upper(w[1]) || w[2:] end), '') else :cell end
"""


class Case(Step):
    """Set upper and lower case.

    ``title`` begins every word with a capital. ``name`` knows names: O'Brien, McDonald, Smith-Jones; a name that has
    both cases already was written with care and stays as it is.
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
Maria de la Cruz
""",
        after="""\
name
Ann O'Brien-McDonald
Maria de la Cruz
""",
    )

    @override
    def words(self) -> str:
        how = {"lower": "in lower case", "upper": "in capitals", "title": "with capital initials", "name": "as names"}
        return f"Write {', '.join(self.columns)} {how[self.to]}."

    @override
    def compile(self, source: Source) -> Cells:
        return Cells({name: self._cased(col(name)) for name in self.columns})

    def _cased(self, cell: exp.Expr) -> exp.Expr:
        if self.to in ("lower", "upper"):
            return call(self.to, cell)
        return sql(_TITLE if self.to == "title" else _NAME, cell=cell)
