"""What a check says: rules, columns, counts and percentages. Plain data, light to import, nothing from a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["QualityReport", "Result"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How one rule came out.

    ``rule`` is the expectation's type, ``column`` the column or columns it names (``None``: the whole table) and
    ``sentence`` what it asks in plain English, made of the suite's own parameters. ``rows`` is how many rows it judged:
    those with a value, where a rule passes over blanks. ``unexpected`` is how many of them broke it and ``percent``
    their share of ``rows`` in percent; both are ``None`` for a rule about a column or a table as a whole. ``observed``
    is given for such a rule if it is a count or a share of rows, which no cell can shine through; a minimum, a mean or
    a sum is not.
    """

    rule: str
    column: str | None
    passed: bool
    rows: int
    unexpected: int | None
    percent: float | None
    observed: int | float | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """The inverse of ``to_dict``. ``KeyError`` if a field is missing; fields it does not know are left."""
        return cls(**{field.name: data[field.name] for field in fields(cls)})

    def __str__(self) -> str:
        """One line for an operator."""
        if self.passed:
            return f"passed: {self.sentence}"
        if self.unexpected is not None:
            return f"failed: {self.sentence} ({self.unexpected:,} of {self.rows:,} rows do not, {self.percent:.4g} %)"
        if self.observed is not None:
            return f"failed: {self.sentence} (found {self.observed:,})"
        return f"failed: {self.sentence}"


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityReport:
    """The outcome of one check: ``passed`` if every rule passed, ``rows`` of the table, and a result for each rule."""

    passed: bool
    rows: int
    results: tuple[Result, ...]

    @property
    def failed(self) -> tuple[Result, ...]:
        """The rules that did not pass."""
        return tuple(result for result in self.results if not result.passed)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"passed": self.passed, "rows": self.rows, "results": [result.to_dict() for result in self.results]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QualityReport:
        """The inverse of ``to_dict``. ``KeyError`` if a field is missing."""
        results = tuple(Result.from_dict(result) for result in data["results"])
        return cls(passed=data["passed"], rows=data["rows"], results=results)

    def __str__(self) -> str:
        """How many rules passed, and a line for each that did not."""
        passed = len(self.results) - len(self.failed)
        lines = [f"{passed} of {len(self.results)} checks passed on {self.rows:,} rows"]
        return "\n".join(lines + [str(result) for result in self.failed])
