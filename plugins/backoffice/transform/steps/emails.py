"""E-mail addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import Example, Made, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col

if TYPE_CHECKING:
    from sqlglot import exp


def _read(rows: Sequence[tuple[str, str, bool, bool]]) -> list[str | None]:
    from backoffice.transform.values.emails import read_email

    return [
        read_email(text, domains="unicode" if how == "unicode" else "ascii", mend=mend, lower=lower)
        for text, how, mend, lower in rows
    ]


def _roles(rows: Sequence[tuple[str]]) -> list[bool]:
    from backoffice.transform.values.emails import is_role

    return [is_role(text) for (text,) in rows]


_EMAIL = Function("email_address", (Kind.TEXT, Kind.TEXT, Kind.BOOLEAN, Kind.BOOLEAN), Kind.TEXT, _read)
_ROLE = Function("email_is_role", (Kind.TEXT,), Kind.BOOLEAN, _roles)


class Emails(Step):
    """Check e-mail addresses, and write them in one way.

    An address is read as people paste it: after ``mailto:``, in angle brackets behind a name, with a full stop at its
    end. Its domain is written in lower case. Syntax as in RFC 5322 (without quoted names), sizes as in RFC 5321, domains
    in other alphabets as in IDNA 2008; whether there is a mailbox is not asked.
    """

    step: Literal["emails"] = "emails"
    columns: tuple[TextColumn, ...] = Field(min_length=1)
    domains: Literal["ascii", "unicode"] = "ascii"
    """A domain with other letters: as ``xn--mnchen-3ya.de``, which every program takes, or as ``münchen.de``."""
    mend: bool = False
    """Put right a list of frequent slips in the domains of large providers (``gmial.com``), blanks around the @ and the
    dots, commas for dots. Nothing else is guessed."""
    lower: bool = False
    """The part before the @ in lower case too."""
    role_as: Annotated[ColumnName, Made(Kind.BOOLEAN)] | None = None
    """Whether it is an office's address (``info@``, ``billing@``) rather than a person's."""
    unreadable: Unreadable = "blank"

    family: ClassVar = "contacts"
    example: ClassVar[Example] = Example(
        """- step: emails
  columns: [email]
  mend: true
  role_as: office
""",
        before="""\
name,email
Ann,Ann.Lee@Example.COM
Bo,bo@gmial.com
Cy,mailto:info@example.org
Di,di at example.org
""",
        after="""\
name,email,office
Ann,Ann.Lee@example.com,false
Bo,bo@gmail.com,false
Cy,info@example.org,true
Di,,
""",
    )

    @model_validator(mode="after")
    def _one_column(self) -> Emails:
        if len(self.columns) > 1 and self.role_as:
            raise ValueError("`role_as` is about one column; use a step for each")
        return self

    @override
    def words(self) -> str:
        mended = ", with frequent slips in the domains of large providers mended" if self.mend else ""
        role = f"; say in {self.role_as} whether an address is an office's" if self.role_as else ""
        return f"Keep the valid e-mail addresses in {', '.join(self.columns)}{mended}{role}."

    @override
    def compile(self, source: Source) -> Cells:
        read = {name: _EMAIL(col(name), self.domains, self.mend, self.lower) for name in self.columns}
        if not self.role_as:
            return Cells(read, unreadable=self.unreadable)
        (name,) = self.columns
        cells: dict[str, exp.Expr] = {name: col("_address"), self.role_as: _ROLE(col("_address"))}
        return Cells(cells, unreadable=self.unreadable, before=({"_address": read[name]},))
