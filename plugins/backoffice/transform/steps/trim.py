"""White space."""

from __future__ import annotations

from typing import ClassVar, Literal

from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import Example, Step, TextColumn
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col, sql

WHITE_SPACE = r"[\s\p{Z}\x{200B}\x{FEFF}]+"
"""Unicode's too: no-break spaces are common in lists that were copied from web pages."""


_CLEAN = "[!-~]+( [!-~]+)*"
# What costs least is asked first. Of a whole row: is there any white space but blanks? Most cells of those rows have not even
# a blank, most others stand as they are, and most of the rest have blanks at their ends only.
_PLAIN = """length(:text) = strlen(:text) and not contains(:text, chr(9)) and not contains(:text, chr(10))
    and not contains(:text, chr(12)) and not contains(:text, chr(13))"""
_TRIMMED = """case when _plain and not contains(:cell, ' ') then nullif(:cell, '')
    when regexp_full_match(:cell, :clean) then :cell
    when regexp_full_match(trim(:cell), :clean) then trim(:cell)
    else nullif(trim(regexp_replace(:cell, :white, ' ', 'g')), '') end"""


class Trim(Step):
    """Take white space off both ends, and make one blank of any run within. A cell with nothing else becomes empty."""

    step: Literal["trim"] = "trim"
    columns: tuple[TextColumn, ...] | None = None
    """Left out: every column that holds text."""

    example: ClassVar[Example] = Example(
        """- step: trim
""",
        before="""\
name,town
"  Ann   Lee ",Graz
" ",Ulm
""",
        after="""\
name,town
Ann Lee,Graz
,Ulm
""",
    )
    blanks: ClassVar[str] = "A cell of nothing but white space becomes empty."

    @override
    def words(self) -> str:
        where = ", ".join(self.columns) if self.columns else "every column"
        return f"Take superfluous white space out of {where}."

    @override
    def compile(self, source: Source) -> Cells:
        texts = self.columns or [name for name, kind in source.columns.items() if kind is Kind.TEXT]
        whole = {"_whole": call("concat", *map(col, texts))}
        known = {"_plain": sql(_PLAIN, text=col("_whole"))}
        cells = {name: sql(_TRIMMED, cell=col(name), clean=_CLEAN, white=WHITE_SPACE) for name in texts}
        return Cells(cells, loses=False, before=(whole, known))
