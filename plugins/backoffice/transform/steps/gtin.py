"""Article numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, Family, NewColumn, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import col, sql
from backoffice.transform.values.gtins import Gtin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _gtins(rows: Sequence[tuple[str, str, str, bool, bool]]) -> Iterable[object]:
    from backoffice.transform.values.gtins import gtins

    return gtins(rows)


GTIN = Function(
    "article_number",
    [Kind.TEXT, Kind.TEXT, Kind.TEXT, Kind.BOOLEAN, Kind.BOOLEAN],
    {"number": Kind.TEXT, "kind": Kind.TEXT},
    _gtins,
)

_NAMES = {
    "ean13": "EAN-13", "ean8": "EAN-8", "upca": "UPC-A", "upce": "UPC-E", "gtin14": "GTIN-14",
    "isbn13": "ISBN-13", "isbn10": "ISBN-10",
}  # fmt: skip


class GtinNumber(Step):
    """Check article numbers by their check digit (GS1 General Specifications; ISO 2108 for ISBN), and write them uniformly.

    Blanks and hyphens within are taken out. A number of 13 or 14 digits in the result is the same article: shorter ones
    get zeros in front, UPC-E its own zeros back, ISBN-10 the prefix 978. A GTIN-14 of a case has no 13 digits.
    """

    step: Literal["gtin"] = "gtin"
    column: TextColumn
    kinds: tuple[Gtin, ...] = Field(default=("ean13", "ean8", "upca", "gtin14"), min_length=1)
    """What the column may hold. Eight digits do not say whether they are EAN-8 or UPC-E: name one of the two."""
    write: Literal["as_is", "13", "14"] = "as_is"
    """As many digits as the number has by itself, or 13 or 14 always."""
    lost_zeros: bool = False
    """Whether zeros in front may be missing, as spreadsheets lose them: they are put back where the check digit fits."""
    in_store: bool = True
    """Whether numbers count that a shop gives itself (GS1 prefixes 02, 04 and 20 to 29)."""
    kind_as: NewColumn | None = None
    """The column that says which kind it is: ``ean13``, ``upca``, …"""
    unreadable: Unreadable = "blank"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        """- step: gtin
  column: ean
  write: "14"
  kind_as: kind
""",
        before="""\
sku,ean
A1,4006381333931
A2,0 36000 29145 2
A3,4006381333932
A4,
""",
        after="""\
sku,ean,kind
A1,04006381333931,ean13
A2,00036000291452,upca
A3,,
A4,,
""",
    )

    @model_validator(mode="after")
    def _told_apart(self) -> GtinNumber:
        if {"ean8", "upce"} <= set(self.kinds):
            raise ValueError(
                "eight digits do not say whether they are `ean8` or `upce`; name one of the two in `kinds`"
            )
        if self.unreadable == "keep" and self.kind_as:
            raise ValueError("`kind_as` has nothing to say of a number that is kept unread; leave one of the two out")
        return self

    @override
    def words(self) -> str:
        kinds = ", ".join(_NAMES[kind] for kind in self.kinds)
        written = "" if self.write == "as_is" else f", written with {self.write} digits"
        return f"Check the article numbers in {self.column} by their check digit ({kinds}){written}."

    @override
    def compile(self, source: Source) -> Cells:
        found = GTIN(col(self.column), " ".join(self.kinds), self.write, self.lost_zeros, self.in_store)
        cells = {self.column: sql(":f.number", f=found)}
        if self.kind_as:
            cells[self.kind_as] = sql(":f.kind", f=found)
        return Cells(cells, unreadable=self.unreadable)
