"""Lists of allowed values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.mistakes import did_you_mean
from backoffice.contract.model import ColumnName, Text
from backoffice.contract.step import Named, Step


class Allowed(Step):
    """Keep a list of values, written as listed; upper and lower case do not matter. Fixes map other spellings to them.

    A cell that is neither listed nor fixed is blanked and counted.
    """

    step: Literal["allowed"] = "allowed"
    column: ColumnName
    values: tuple[Text, ...] = Field(min_length=1)
    fixes: dict[Text, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fixes_lead_to_values(self) -> Allowed:
        for wrong, right in self.fixes.items():
            if right not in self.values:
                fault = f"fix `{wrong}` leads to `{right}`, which is not in `values`."
                raise ValueError(f"{fault} {did_you_mean(right, self.values)}".strip())
        folded = [value.lower() for value in self.values]
        if len(set(folded)) < len(folded):
            raise ValueError("`values` lists one value twice (upper and lower case do not matter)")
        return self

    @override
    def words(self) -> str:
        fixes = f", {len(self.fixes)} known slips mended" if self.fixes else ""
        return f"Keep {self.column} to its {len(self.values)} allowed values{fixes}; blank any other."

    @override
    def columns_named(self) -> Iterator[Named]:
        yield ("column",), self.column
