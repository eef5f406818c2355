"""The Statement of Work: what comes in, what is done to it, what goes back, and when it is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, PrivateAttr

from backoffice.contract.inputs import AnyInput, Lookup
from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import Model, Slug, TableId, Text
from backoffice.contract.outputs import AnyOutput, FiledDocuments, ZipOutput
from backoffice.contract.step import AnyStep, Step

__all__ = ["INPUT", "REJECTS", "Retention", "RetentionRule", "Sow", "Table", "Work"]

INPUT = "input"
"""The table that the client's file becomes."""
REJECTS = "rejects"
"""The table of rows that steps took out because a cell could not be read."""


class RetentionRule(Model):
    """How long results are kept."""

    until: Literal["acceptance"]
    at_most_days: int = Field(ge=1, le=365)
    """The deadline, whatever happens; days after delivery."""


class Retention(Model):
    """When what is deleted. Originals and intermediates go as soon as the result is delivered."""

    results: RetentionRule


class Table(Model):
    """A further table, made of another one."""

    of: TableId = INPUT
    """What its first step reads: ``input``, ``result``, one of ``inputs``, ``lookups`` or ``tables``, or a step's."""
    steps: tuple[AnyStep, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Work:
    """Steps in a row, from one table to another."""

    table: str
    of: str
    steps: tuple[Step, ...]
    loc: tuple[str | int, ...] = ()
    """Where its ``steps`` stand in the SOW."""


class Sow(Model):
    """One project's Statement of Work, as in ``sow/<client>/<name>.yaml``."""

    title: Text
    owner: Text
    """Which of us answers for it: a team or a role, shown in the UI."""
    description: Text
    purpose: Slug
    """One of the DPA's purposes (P11)."""
    input: AnyInput
    inputs: dict[TableId, AnyInput] = Field(default_factory=dict)
    """Further files that come in the same drop: by a name for the steps, in a ZIP or as sheets of one workbook."""
    lookups: dict[TableId, Lookup] = Field(default_factory=dict)
    """Tables of ours that steps look things up in."""
    steps: tuple[AnyStep, ...] = Field(min_length=1)
    """From ``input`` to ``result``."""
    tables: dict[TableId, Table] = Field(default_factory=dict)
    """Further tables, in any order."""
    output: AnyOutput
    engine: Literal["duckdb", "spark"] = "duckdb"
    """What carries the steps out. The result is the same; ``spark`` is for data that outgrows one process."""
    approval: bool
    """Whether one of us looks at the result before it is delivered."""
    report: Literal["pdf", "html", "none"] = "pdf"
    """What the client is told of the job beside its result: what was done, counted and drawn, without a value of it."""
    retention: Retention
    signers: tuple[Slug, ...] = Field(min_length=1)
    """Whose signature a drop may carry: names under which the client's OpenPGP certificates are enrolled."""

    _path: Path = PrivateAttr(default=Path())
    _digest: str = PrivateAttr(default="")

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return self._path

    @property
    def name(self) -> str:
        """The SOW's name: its file's, without the ending."""
        return self._path.stem

    @property
    def client(self) -> str:
        """The client's name: the folder's."""
        return self._path.parent.name

    @property
    def digest(self) -> str:
        """SHA-256 of that file and of its look-ups, in hexadecimal."""
        return self._digest

    @property
    def all_inputs(self) -> dict[str, AnyInput]:
        """Every input by the name of its table, the main one first."""
        return {INPUT: self.input, **self.inputs}

    @property
    def filed(self) -> FiledDocuments | None:
        """Which of the documents that came in go back, and where to; ``None``: none does."""
        return self.output.documents if isinstance(self.output, ZipOutput) else None

    @property
    def bases(self) -> dict[str, Columns]:
        """Every table that is there before the first step, and its columns: of inputs, of what is in them, of look-ups."""
        found: dict[str, Columns] = {name: one.kinds for name, one in self.all_inputs.items()}
        for one in self.all_inputs.values():
            found |= one.more_kinds
        return found | {name: one.kinds for name, one in self.lookups.items()}

    def works(self) -> Iterator[Work]:
        """Everything that is done, in an order in which each table is there before it is read."""
        from backoffice.contract.flow import in_order

        yield from in_order(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the main table that is delivered."""
        from backoffice.contract.flow import follow

        return self.output.columns or tuple(follow(self).get(self.output.table, {}))

    @property
    def delivered(self) -> dict[str, dict[str, Kind]]:
        """Every table that is delivered, with those of its columns that are, in its own order."""
        from backoffice.contract.flow import follow

        known = follow(self)
        found: dict[str, dict[str, Kind]] = {}
        for _, part in self.output.parts():
            columns = known[part.table]
            before = found.get(part.table, {})
            if part.columns is None:  # another part may have named some, in another order
                found[part.table] = dict(columns)
            else:
                found[part.table] = before | {name: columns[name] for name in part.columns if name not in before}
        return found
