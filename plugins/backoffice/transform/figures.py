"""What a run did, in numbers. No value of the client's data is in it: it may be stored, shown and logged."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["InputProfile", "RunFigures", "StepFigures"]


@dataclass(frozen=True, kw_only=True)
class InputProfile:
    """What one of the client's files, or sheets, was like."""

    format: str
    """As the SOW says it: ``csv``, ``xlsx``, …"""
    rows: int
    bytes: int
    """Of the file; unpacked, if it came in a ZIP."""
    columns: int
    """Columns in the file."""
    dropped_columns: int = 0
    """Columns that the SOW does not name; they were not read (P11)."""
    missing_columns: int = 0
    """Optional columns that were not there."""
    from_zip: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    mixed_line_ends: bool = False
    sheet: int | None = None
    """The sheet's number, from 1. Its name is the client's."""
    sheets: int | None = None
    """Sheets in the workbook."""
    pages: int | None = None
    """Of documents."""
    recognised_pages: int | None = None
    """Those of them whose text was recognised in a picture."""
    blank_pages: int | None = None
    """Those of them on which nothing was found."""
    table_rows: int | None = None
    """Rows of the tables within the documents."""
    blank_rows: int = 0
    """Rows of empty cells in a sheet, or empty lines; they were left out."""
    merged_cells: int = 0
    """Groups of cells of the sheet that were merged."""
    filled_cells: int = 0
    """Cells that got the value of the group they are in."""

    def to_dict(self) -> dict[str, object]:
        """Plain data, for JSON and the ledger; what does not apply is left out."""
        return {name: value for name, value in self.__dict__.items() if value is not None}

    def words(self) -> str:
        """What was found, in a line."""
        kind = {"documents": "Documents", "csv": "CSV", "jsonl": "JSON lines", "parquet": "Parquet"}.get(
            self.format, self.format.upper()
        )
        found = [kind + (" in a ZIP" if self.from_zip else "")]
        if self.sheet is not None:
            found.append(f"sheet {self.sheet} of {self.sheets}")
        if self.encoding is not None:
            found.append(
                {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}.get(self.encoding, self.encoding)
            )
        if self.delimiter is not None:
            found.append("separated by " + {"\t": "tabs"}.get(self.delimiter, f"`{self.delimiter}`"))
        if self.mixed_line_ends:
            found.append("mixed line ends")
        if self.pages is None:
            found.append(f"{self.rows:,} rows and {self.columns:,} columns")
        else:
            found += [f"{self.rows:,} documents", f"{self.pages:,} pages"]
        counted = {
            "pages recognised": self.recognised_pages,
            "blank pages": self.blank_pages,
            "rows of tables": self.table_rows,
            "columns dropped unread": self.dropped_columns,
            "optional columns missing": self.missing_columns,
            "blank rows left out": self.blank_rows,
            "merged cells": self.merged_cells,
            "of them filled": self.filled_cells,
        }
        found += [f"{what}: {count:,}" for what, count in counted.items() if count]
        return ", ".join(found)


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
