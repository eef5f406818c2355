"""Where each document is filed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.mistakes import did_you_mean, one_of
from backoffice.contract.step import Example, Family, NewColumn, Step, TextColumn
from backoffice.transform.fragment import ROW, Cells, Source
from backoffice.transform.function import Function
from backoffice.transform.literals import as_text
from backoffice.transform.sql import col, sql

if TYPE_CHECKING:
    from sqlglot import exp

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_DAY = {"YYYY": "%Y", "MM": "%m", "DD": "%d"}


def _parts(rows: Sequence[tuple[str]]) -> Iterable[str | None]:
    from backoffice.transform.values.filing import parts

    return parts(rows)


PART = Function("file_path_part", [Kind.TEXT], Kind.TEXT, _parts)


def _template(text: str) -> str:
    bare = _FIELD.sub("x", text)
    if re.search("[^A-Za-z0-9 ._/-]", bare):
        raise ValueError(
            "between `{column}`, a name has letters without accents, digits, blanks, `-`, `_`, `.` and `/`"
        )
    if any(part.strip(" .") == "" for part in bare.split("/")):
        raise ValueError("a folder in the name is empty, or only points")
    for _, form in _FIELD.findall(text):
        if form and re.search("[^ ._-]", re.sub("YYYY|MM|DD", "", form)):
            raise ValueError(f"`{form}` is no form of a date; use YYYY, MM, DD and `-`, `_`, `.` between them")
    return text


Template = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_template)]
"""Text with columns in it: ``{supplier}/{issued:YYYY}/{issued:YYYY-MM-DD} {number}``. ``/`` is between folders."""


class FileDocuments(Step):
    """Give each document the name under which it is filed, made of its fields by rule.

    What fields hold becomes ASCII letters, digits, ``-``, ``_`` and ``.``, at most 80 of them; days are written as the rule
    says. The ending is that of the document. No two have the same name, whatever its case: the second that would gets ``--2``.
    """

    step: Literal["file_documents"] = "file_documents"
    name: Template
    path_as: NewColumn
    missing: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,40}$")] = "unknown"
    """Stands where a field is empty."""
    file_type: TextColumn = "file_type"
    """The column that holds the ending."""

    family: ClassVar[Family] = "documents"
    example: ClassVar[Example] = Example(
        """- step: dates
  columns: [issued]
  formats: [DD.MM.YYYY]
- step: file_documents
  name: "{supplier}/{issued:YYYY-MM-DD} {number}"
  path_as: path
""",
        before="""\
file_type,supplier,issued,number
pdf,Müller & Söhne,05.03.2026,4/711
pdf,Müller & Söhne,05.03.2026,4/711
tif,,05.03.2026,12
""",
        after="""\
file_type,supplier,issued,number,path
pdf,Müller & Söhne,2026-03-05,4/711,Muller-Sohne/2026-03-05 4-711.pdf
pdf,Müller & Söhne,2026-03-05,4/711,Muller-Sohne/2026-03-05 4-711--2.pdf
tif,,2026-03-05,12,unknown/2026-03-05 12.tif
""",
    )
    blanks: ClassVar[str] = "An empty field is written as `missing` says."

    @override
    def words(self) -> str:
        return f"File each document as `{self.name}`, named in {self.path_as}."

    @override
    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        for name, form in _FIELD.findall(self.name):
            if name not in columns:
                hint = did_you_mean(name, columns) or one_of(columns)
                yield ("name",), f"No column is called `{name}` at this step.", hint
            elif form and columns[name] not in (Kind.DATE, Kind.TIMESTAMP):
                yield (
                    ("name",),
                    f"`{name}` holds {columns[name]}; `{form}` is a form of dates.",
                    "Put `dates` before it.",
                )

    @override
    def compile(self, source: Source) -> Cells:
        # In hidden columns of their own: the engine may not put a function of Python's into a condition.
        made = {
            f"_part_{place}": PART(_written(name, form, source.columns[name]))
            for place, (name, form) in enumerate(_FIELD.findall(self.name))
            if name in source.columns
        }
        pieces: list[exp.Expr] = []
        for place, text in enumerate(_FIELD.split(self.name)[::3]):
            pieces.append(sql(":text", text=text))
            if f"_part_{place}" in made:
                pieces.append(sql("coalesce(:part, :missing)", part=col(f"_part_{place}"), missing=self.missing))
        joined = pieces[0]
        for piece in pieces[1:]:
            joined = sql(":a || :b", a=joined, b=piece)
        text = """:stem || case when row_number() over (partition by lower(:stem) order by :row) > 1
            then '--' || row_number() over (partition by lower(:stem) order by :row) else '' end
            || coalesce('.' || :type, '')"""
        path = sql(text, stem=col("_stem"), row=col(ROW), type=col(self.file_type))
        return Cells({self.path_as: path}, loses=False, before=(made, {"_stem": joined}))


def _written(name: str, form: str, kind: Kind) -> exp.Expr:
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        code = re.sub("YYYY|MM|DD", lambda found: _DAY[found[0]], form or "YYYY-MM-DD")
        return sql("strftime(:day, :code)", day=col(name), code=code)
    return as_text(col(name), kind)
