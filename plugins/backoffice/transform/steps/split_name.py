"""Full names into their parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, NewColumn, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


def _split(rows: Sequence[tuple[str, str, bool]]) -> list[Any]:
    from backoffice.transform.values.names import split_names

    return [name and tuple(part or None for part in name) for name in split_names(rows)]


_PARTS: dict[str, Kind] = dict.fromkeys(("title", "given", "family", "suffix"), Kind.TEXT)
_SPLIT = Function("name_parts", (Kind.TEXT, Kind.TEXT, Kind.BOOLEAN), _PARTS, _split)


class SplitName(Step):
    """Split full names into title, given names, family name with its particles (``van der Berg``), and suffix.

    ``Huber, Anna`` is family name first, whatever ``order`` says; so is ``HUBER Anna``. One word alone is a family name.
    Two people (``Anna und Otto Huber``), companies and the like are unreadable. The column itself stays.
    """

    step: Literal["split_name"] = "split_name"
    column: TextColumn
    family_as: NewColumn
    given_as: NewColumn
    title_as: NewColumn | None = None
    """Left out: forms of address and degrees before the name are dropped."""
    suffix_as: NewColumn | None = None
    """Left out: ``Jr.``, ``PhD`` and the like behind the name are dropped."""
    order: Literal["given_first", "family_first"] = "given_first"
    double_family_names: bool = False
    """Two family names, as in Spain and Portugal: ``Ana García López``."""
    unreadable: Unreadable = "blank"
    """``keep``: the name goes to ``family_as`` as a whole."""

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: split_name
  column: name
  title_as: title
  given_as: given
  family_as: family
""",
        before="""\
name
Dr. Anna Huber
"Berg, Jan van der"
Otto und Ida Lang
""",
        after="""\
name,family,given,title
Dr. Anna Huber,Huber,Anna,Dr.
"Berg, Jan van der",van der Berg,Jan,
Otto und Ida Lang,,,
""",
    )

    @model_validator(mode="after")
    def _order_or_double(self) -> SplitName:
        if self.double_family_names and self.order == "family_first":
            raise ValueError("`double_family_names` stand behind the given names; leave `order` out")
        return self

    @override
    def words(self) -> str:
        parts = (self.title_as, self.given_as, self.family_as, self.suffix_as)
        double = ", with two family names" if self.double_family_names else ""
        return f"Split the names in {self.column} into {', '.join(filter(None, parts))}{double}."

    @override
    def compile(self, source: Source) -> Cells:
        parts = _SPLIT(col(self.column), self.order, self.double_family_names)
        made = {"family": self.family_as, "given": self.given_as, "title": self.title_as, "suffix": self.suffix_as}
        cells: dict[str, exp.Expr] = {
            name: sql(f"struct_extract(:parts, '{part}')", parts=col("_parts")) for part, name in made.items() if name
        }
        # What cannot be read is kept as a family name.
        reads = {self.family_as: self.column}
        return Cells(cells, reads=reads, unreadable=self.unreadable, before=({"_parts": parts},))
