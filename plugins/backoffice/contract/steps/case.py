"""Upper and lower case."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from typing_extensions import override

from backoffice.contract.model import ColumnName
from backoffice.contract.step import Named, Step, listed


class Case(Step):
    """Set upper and lower case.

    ``title`` begins every word with a capital. ``name`` knows names: O'Brien, McDonald, Smith-Jones; a name that has
    both cases already was written with care and stays as it is.
    """

    step: Literal["case"] = "case"
    columns: tuple[ColumnName, ...] = Field(min_length=1)
    to: Literal["lower", "upper", "title", "name"]

    @override
    def words(self) -> str:
        how = {"lower": "in lower case", "upper": "in capitals", "title": "with capital initials", "name": "as names"}
        return f"Write {', '.join(self.columns)} {how[self.to]}."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield from listed("columns", self.columns)
