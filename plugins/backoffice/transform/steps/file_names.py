"""File names of images."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from typing_extensions import override

from backoffice.contract.kind import Kind
from backoffice.contract.step import AnyColumn, Example, Family, NewColumn, Step, TextColumn
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.sql import cast, col, sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlglot import exp


def _names(rows: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str] | None]:
    from backoffice.transform.values.files import file_names

    return file_names(rows)


def _stems(rows: Sequence[tuple[str]]) -> Iterable[str | None]:
    from backoffice.transform.values.files import stems

    return stems(rows)


FILE = Function("file_name_parts", [Kind.TEXT, Kind.TEXT], {"stem": Kind.TEXT, "extension": Kind.TEXT}, _names)
STEM = Function("file_name_stem", [Kind.TEXT], Kind.TEXT, _stems)


def _extension(text: str) -> str:
    if not re.fullmatch("[a-z0-9]{1,8}", text):
        raise ValueError("an extension has lower-case letters and digits, and no point: `jpg`")
    return text


Extension = Annotated[str, AfterValidator(_extension)]


class FileNames(Step):
    """Make good file names of what a column holds as paths, addresses or names: ``Fotos\\Stuhl Grün (2).JPEG``.

    The new names have lower-case ASCII letters, digits, ``-``, ``_`` and ``.``; folders go; ``jpeg`` becomes ``jpg``. With
    ``name_by`` files are called after that column, an article's reference. No two are the same: the second that would be
    gets ``--2``, which no name has by itself. With ``name_by`` a row without a file, or with a
    file and no name, is counted as one that could not be read.
    """

    step: Literal["file_names"] = "file_names"
    column: TextColumn
    name_as: NewColumn
    name_by: AnyColumn | None = None
    extensions: tuple[Extension, ...] = Field(default=("jpg", "png", "webp", "gif", "tif"), min_length=1)
    """Those that are allowed; another is unreadable."""
    unreadable: Literal["blank", "reject", "stop"] = "blank"

    family: ClassVar[Family] = "products"
    example: ClassVar[Example] = Example(
        r"""- step: file_names
  column: image
  name_as: file
  name_by: sku
""",
        before=r"""sku,image
A-1,Fotos\Stuhl Grün.JPEG
A-1,https://shop.example/p/side%20view.png?w=9
A-2,lamp.exe
A-3,
B/7,b7.jpg
""",
        after=r"""sku,image,file
A-1,Fotos\Stuhl Grün.JPEG,a-1.jpg
A-1,https://shop.example/p/side%20view.png?w=9,a-1--2.png
A-2,lamp.exe,
A-3,,
B/7,b7.jpg,b-7.jpg
""",
    )

    @override
    def words(self) -> str:
        by = f" after {self.name_by}" if self.name_by else ""
        return f"Name the files in {self.column}{by}, as {self.name_as}; allowed are {', '.join(self.extensions)}."

    @override
    def compile(self, source: Source) -> Cells:
        parts = FILE(col(self.column), " ".join(self.extensions))
        stem: exp.Expr = sql(":f.stem", f=parts)
        if self.name_by:
            stem = STEM(cast(col(self.name_by), Kind.TEXT))
        # Counted per stem, not per name: `a.jpg` and `a.png` would be told apart by systems, not by people.
        text = """
        case when :f.extension is not null and :stem is not null then :stem
        || case when row_number() over (partition by :stem, :f.extension is not null order by :row) > 1
           then '--' || row_number() over (partition by :stem, :f.extension is not null order by :row) else '' end
        || '.' || :f.extension end"""
        cell = sql(text, f=parts, stem=stem, row=col(ROW))
        # Without a name a file has lost its own; without a file a name has.
        there = sql(":file is not null or :by is not null", file=col(self.column), by=col(self.name_by or self.column))
        return Cells(
            {self.name_as: cell},
            reads={self.name_as: self.name_by or self.column},
            lost={self.name_as: sql(":cell is null and (:there)", cell=cell, there=there)},
            unreadable=self.unreadable,
        )
