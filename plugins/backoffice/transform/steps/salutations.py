"""Forms of address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, NewColumn, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col


def _read(rows: Sequence[tuple[str]]) -> list[str | None]:
    from backoffice.transform.values.salutations import salutations

    return salutations(text for (text,) in rows)


_SALUTATION = Function("salutation_gender", (Kind.TEXT,), Kind.TEXT, _read)


class Salutations(Step):
    """Read forms of address (Herr, Mrs, Mme, gospa, …) as ``m``, ``f`` or ``unknown``.

    ``unknown`` stands for what says neither or both: Dr., Familie, Mr and Mrs, divers. Words that are not known are
    unreadable. Nothing is ever guessed from a given name.
    """

    step: Literal["salutations"] = "salutations"
    column: TextColumn
    into: NewColumn
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: salutations
  column: title
  into: gender
""",
        before="""\
name,title
Huber,Frau Dr.
Lang,Mr.
Novak,Fam.
Rossi,qwertz
""",
        after="""\
name,title,gender
Huber,Frau Dr.,f
Lang,Mr.,m
Novak,Fam.,unknown
Rossi,qwertz,
""",
    )

    @override
    def words(self) -> str:
        return f"Read the forms of address in {self.column} as m, f or unknown into {self.into}."

    @override
    def compile(self, source: Source) -> Cells:
        cells = {self.into: _SALUTATION(col(self.column))}
        return Cells(cells, reads={self.into: self.column}, unreadable=self.unreadable)
