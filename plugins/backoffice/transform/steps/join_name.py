"""Names from their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from typing_extensions import override

from backoffice.contract.step import Example, NewColumn, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col, sql

if TYPE_CHECKING:
    from sqlglot import exp


class JoinName(Step):
    """Write a full name from its parts: ``Dr. Anna Huber PhD``, or ``Huber, Dr. Anna, PhD``."""

    step: Literal["join_name"] = "join_name"
    family_name: TextColumn
    given: TextColumn | None = None
    title: TextColumn | None = None
    suffix: TextColumn | None = None
    into: NewColumn
    order: Literal["given_first", "family_first"] = "given_first"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: join_name
  family_name: family
  given: given
  title: title
  into: name
""",
        before="""\
family,given,title
Huber,Anna,Dr.
Lang,Otto,
,,
""",
        after="""\
family,given,title,name
Huber,Anna,Dr.,Dr. Anna Huber
Lang,Otto,,Otto Lang
,,,
""",
    )
    blanks: ClassVar[str] = "A part that is empty is left out; where all are, the name is empty."

    @override
    def words(self) -> str:
        parts = [self.title, self.given, self.family_name, self.suffix]
        if self.order == "family_first":
            parts = [self.family_name, self.title, self.given, self.suffix]
        return f"Write {self.into} from {', '.join(part for part in parts if part)}."

    @override
    def compile(self, source: Source) -> Cells:
        def joined(sign: str, *parts: exp.Expr) -> exp.Expr:
            return sql("nullif(:joined, '')", joined=call("concat_ws", sign, *parts))

        before = [self._part(one) for one in (self.title, self.given) if one]
        family, after = self._part(self.family_name), [self._part(self.suffix)] if self.suffix else []
        if self.order == "given_first":
            return Cells({self.into: joined(" ", *before, family, *after)}, loses=False)
        given = [joined(" ", *before)] if before else []
        return Cells({self.into: joined(", ", family, *given, *after)}, loses=False)

    @staticmethod
    def _part(name: str) -> exp.Expr:
        return sql("nullif(trim(:cell), '')", cell=col(name))
