"""Street lines into their parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, NewColumn, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp


def _split(rows: Sequence[tuple[str]]) -> list[Any]:
    from backoffice.transform.values.addresses import split_streets

    return [street and tuple(part or None for part in street) for street in split_streets(text for (text,) in rows)]


_SPLIT = Function(
    "street_parts", (Kind.TEXT,), {"street": Kind.TEXT, "number": Kind.TEXT, "addition": Kind.TEXT}, _split
)


class SplitStreet(Step):
    """Split street lines into street, house number, and addition (staircase, floor, door, flat).

    The number may stand behind (``Hauptstr. 12a``, ``Via Roma 3/B``, ``Calle Mayor 5, 2º 1ª``) or before (``12 rue de la
    Paix``). Without a number, as in a hamlet or a PO box, all of it is the street. A cell without a letter is unreadable.
    The column itself stays.
    """

    step: Literal["split_street"] = "split_street"
    column: TextColumn
    street_as: NewColumn
    number_as: NewColumn
    addition_as: NewColumn
    unreadable: Unreadable = "blank"
    """``keep``: the cell goes to ``street_as`` as it is."""

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: split_street
  column: address
  street_as: street
  number_as: number
  addition_as: door
""",
        before="""\
address
Hauptstr. 12a
12 rue de la Paix
"Calle Mayor 5, 2º 1ª"
Straße des 17. Juni 135
Postfach 200
""",
        after="""\
address,street,number,door
Hauptstr. 12a,Hauptstr.,12a,
12 rue de la Paix,rue de la Paix,12,
"Calle Mayor 5, 2º 1ª",Calle Mayor,5,2º 1ª
Straße des 17. Juni 135,Straße des 17. Juni,135,
Postfach 200,Postfach 200,,
""",
    )

    @override
    def words(self) -> str:
        return f"Split {self.column} into {self.street_as}, {self.number_as} and {self.addition_as}."

    @override
    def compile(self, source: Source) -> Cells:
        parts = _SPLIT(col(self.column))
        made = {"street": self.street_as, "number": self.number_as, "addition": self.addition_as}
        cells: dict[str, exp.Expr] = {
            name: sql(f"struct_extract(:parts, '{part}')", parts=col("_parts")) for part, name in made.items()
        }
        # What cannot be read is kept as a street.
        reads = {self.street_as: self.column}
        return Cells(cells, reads=reads, unreadable=self.unreadable, before=({"_parts": parts},))
