"""What a run did, in numbers. No value of the client's data is in it: it may be stored, shown and logged."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["InputProfile", "RunFigures", "StepFigures"]


@dataclass(frozen=True)
class InputProfile:
    """What the client's file was like."""

    rows: int
    bytes: int
    encoding: str
    columns: int
    """Columns in the file."""
    dropped_columns: int
    """Columns that the SOW does not name; they were not read (P11)."""
    missing_columns: int
    """Optional columns that were not there."""

    def to_dict(self) -> dict[str, object]:
        """Plain data, for JSON."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class StepFigures:
    """What one step did."""

    number: int
    step: str
    rows_in: int
    rows_out: int
    table: str = "result"
    """The table that it was a step to."""
    changed: dict[str, int] = field(default_factory=dict)
    """Cells by column that have another value now."""
    blanked: dict[str, int] = field(default_factory=dict)
    """Cells by column that were filled and of which nothing that the SOW accepts could be made. They are empty now, or
    what ``unreadable`` says."""
    unreadable: str = "blank"
    """What became of those cells."""
    counts: dict[str, int] = field(default_factory=dict)
    """Further figures of the step's own."""

    @property
    def dropped(self) -> int:
        """Rows that are gone: filtered, or merged into another."""
        return self.rows_in - self.rows_out

    def to_dict(self) -> dict[str, object]:
        """Plain data, for JSON."""
        return {**self.__dict__, "dropped": self.dropped}


@dataclass(frozen=True)
class RunFigures:
    """What a whole run did."""

    rows_in: int
    rows_out: int
    """Of the main table that is delivered."""
    steps: tuple[StepFigures, ...]
    tables: dict[str, int] = field(default_factory=dict)
    """Rows of every delivered table."""

    @property
    def merged(self) -> int:
        """Rows that were merged into another as exact or near duplicates."""
        duplicates = ("drop_duplicates", "near_duplicates")
        return sum(step.dropped for step in self.steps if step.step in duplicates and step.table == "result")

    @property
    def blanked(self) -> int:
        """Cells that were filled and could not be kept."""
        return sum(sum(step.blanked.values()) for step in self.steps)

    def to_dict(self) -> dict[str, object]:
        """Plain data, for JSON and the ledger."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "merged": self.merged,
            "blanked": self.blanked,
            "tables": self.tables,
            "steps": [step.to_dict() for step in self.steps],
        }
