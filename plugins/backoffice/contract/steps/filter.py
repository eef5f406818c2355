"""Keeping and dropping rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import override

from backoffice.contract.model import ColumnName, Model, Text
from backoffice.contract.step import Named, Step


class Condition(Model):
    """What one cell of a row has to be. Exactly one of the three."""

    column: ColumnName
    filled: bool | None = None
    """``true``: not empty; ``false``: empty."""
    one_of: tuple[Text, ...] | None = None
    none_of: tuple[Text, ...] | None = None
    """An empty cell is none of them."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Condition:
        if [self.filled, self.one_of, self.none_of].count(None) != 2:
            raise ValueError("say exactly one of `filled`, `one_of`, `none_of`")
        return self

    def words(self) -> str:
        """The condition, in words."""
        if self.one_of is not None:
            return f"{self.column} is {' or '.join(self.one_of)}"
        if self.none_of is not None:
            return f"{self.column} is not {' or '.join(self.none_of)}"
        return f"{self.column} is {'filled' if self.filled else 'empty'}"


class Filter(Step):
    """Keep the rows that meet every condition; drop and count the others."""

    step: Literal["filter"] = "filter"
    keep: tuple[Condition, ...] = Field(min_length=1)

    @override
    def words(self) -> str:
        return f"Keep the rows whose {' and '.join(condition.words() for condition in self.keep)}; drop the others."

    @override
    def columns_named(self) -> Iterator[Named]:
        for index, condition in enumerate(self.keep):
            yield ("keep", index, "column"), condition.column
