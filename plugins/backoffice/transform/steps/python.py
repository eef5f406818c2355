"""Python of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints
from typing_extensions import override

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName
from backoffice.contract.step import Example, Step
from backoffice.transform.fragment import Batches, Source
from backoffice.transform.literals import Value

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class Python(Step):
    """Give the table to a function of ours, in a module beside the SOW (``sow/<client>/<module>.py``).

    For what neither a step nor ``sql`` says. The module is reviewed, and counts as part of the SOW. It may import what
    works on values (``re``, ``decimal``, ``datetime``, ``pyarrow.compute``, ``pandas``, …), and open, print or keep
    nothing: `sow check` reads it, and says where it does. Of an error only its type and the line are told.
    """

    step: Literal["python"] = "python"
    module: Identifier
    function: Identifier
    over: Literal["batches", "frame"] = "batches"
    """``batches``: it is given an iterator of Arrow record batches (up to 50,000 rows, in order), and yields such; memory
    stays bounded. ``frame``: it is given one pandas frame of the whole table, and gives one."""
    columns: dict[ColumnName, Kind] = Field(min_length=1)
    """The columns that it leaves, in this order, and what they hold. Numbers are exact (``Decimal``), never ``float``."""
    options: dict[Identifier, Value] = Field(default_factory=dict)
    """Handed to the function by name, as text."""

    example: ClassVar[Example] = Example(
        """- step: python
  module: shouting
  function: shout
  columns: {name: text, loud: text}
""",
        before="""\
name
Ann
Bo
""",
        after="""\
name,loud
Ann,ANN!
Bo,BO!
""",
        files={
            "shouting.py": """\
import pyarrow as pa
import pyarrow.compute as pc


def shout(batches):
    for batch in batches:
        loud = pc.binary_join_element_wise(pc.utf8_upper(batch["name"]), "!", "")
        yield batch.append_column("loud", loud)
"""
        },
    )
    blanks: ClassVar[str] = (
        "Empty cells are null in Arrow, `None` or `NA` in a frame; what it makes of them is its business."
    )

    @override
    def words(self) -> str:
        return f"Carry out the agreed program {self.module}.{self.function}; it leaves {', '.join(self.columns)}."

    @override
    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:
        return dict(self.columns)

    @override
    def beside(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield ("module",), f"{self.module}.py"

    @override
    def beside_faults(self, name: str, content: bytes) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        from backoffice.transform.own_code import faults_in

        for fault, hint in faults_in(content, self.function, name=name):
            yield ("module",), fault, hint

    @override
    def compile(self, source: Source) -> Batches:
        from backoffice.transform.own_code import Run

        path = source.folder / f"{self.module}.py"
        run = Run(
            path, self.function, over=self.over, before=source.columns, columns=source.after, options=self.options
        )
        return Batches(run, run.fault)
