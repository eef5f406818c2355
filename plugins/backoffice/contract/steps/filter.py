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


class Filter(Step):
    """Keep the rows that meet every condition; drop and count the others."""

    step: Literal["filter"] = "filter"
    keep: tuple[Condition, ...] = Field(min_length=1)

    @override
    def columns_named(self) -> Iterator[Named]:
        for index, condition in enumerate(self.keep):
            yield ("keep", index, "column"), condition.column
