"""Lists of allowed values."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.mistakes import did_you_mean
from backoffice.contract.model import Text
from backoffice.contract.step import Example, Step, TextColumn, Unreadable
from backoffice.transform.fragment import Cells, Source
from backoffice.transform.sql import call, col


class Allowed(Step):
    """Keep a list of values, written as listed; upper and lower case do not matter. Fixes map other spellings to them.

    A cell that is neither listed nor fixed is unreadable.
    """

    step: Literal["allowed"] = "allowed"
    column: TextColumn
    values: tuple[Text, ...] = Field(min_length=1)
    fixes: dict[Text, Text] = Field(default_factory=dict)
    unreadable: Unreadable = "blank"

    example: ClassVar[Example] = Example(
        """- step: allowed
  column: country
  values: [AT, DE]
  fixes: {germany: DE}
""",
        before="""\
town,country
Graz,at
Ulm,Germany
Rome,Italy
""",
        after="""\
town,country
Graz,AT
Ulm,DE
Rome,
""",
    )

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
        return f"Keep {self.column} to its {len(self.values)} allowed values{fixes}."

    @override
    def compile(self, source: Source) -> Cells:
        from sqlglot import exp

        spellings = {value.lower(): value for value in self.values}
        for wrong, right in self.fixes.items():
            spellings.setdefault(wrong.lower(), right)
        by_value: dict[str, list[str]] = {}
        for spelling, value in spellings.items():
            by_value.setdefault(value, []).append(spelling)
        found = exp.Case()
        for value, known in by_value.items():
            found = found.when(col("_lower").isin(*known), exp.convert(value))
        lower = {"_lower": call("lower", col(self.column))}
        return Cells({self.column: found}, unreadable=self.unreadable, before=(lower,))
