"""The report's words. A further language is one more :class:`Language` in :data:`LANGUAGES`.

What a step does, what a check asks and what a file was like is said in the language that the SOW and the suite are in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

__all__ = ["ENGLISH", "LANGUAGES", "Language"]


@dataclass(frozen=True)
class Language:
    """Every word of ours. ``{…}`` are filled in."""

    code: str
    number: Callable[[int], str]
    share: Callable[[float], str]
    day: Callable[[datetime], str]
    words: Mapping[str, str]
    dropped: Mapping[str, str]
    """Why a row is gone, by step."""

    def __call__(self, key: str, **values: object) -> str:
        """One sentence."""
        return self.words[key].format(**values)

    def why(self, step: str, *, rejected: bool) -> str:
        """Why rows are gone after a step."""
        if rejected:
            return self.words["rejected"]
        return self.dropped.get(step, self.words["taken_out"])


def _share(percent: float) -> str:
    text = f"{percent:.1f}" if percent >= 0.1 or percent == 0 else "less than 0.1"
    return f"{text}\u00a0%"


ENGLISH = Language(
    code="en",
    number=lambda count: f"{count:,}",
    share=_share,
    day=lambda when: f"{when.day} {when:%B %Y}",
    dropped={
        "filter": "did not meet the conditions",
        "drop_duplicates": "equal to another row, merged into it",
        "near_duplicates": "the same as another row, merged into it",
        "sample": "not in the sample",
        "union": "in the tables already",
        "join": "without a partner in the other table",
        "group": "brought together in groups",
        "aggregate": "brought together in groups",
    },
    words={
        "subtitle": "Report of what was done with the file that was handed in",
        "controller": "For", "processor": "By", "job": "Job", "received": "Received", "delivered": "Delivered as",
        "rows_in": "rows came in", "rows_out": "rows went back", "merged": "rows merged as duplicates",
        "dropped_rows": "rows taken out", "changed_cells": "cells changed", "blanked_cells": "cells emptied",
        "checks_passed": "checks passed", "of": "{passed} of {all}",
        "in_heading": "What came in",
        "in_table": "Input", "in_found": "What was found",
        "in_main": "The file",
        "rows_heading": "Rows, step by step",
        "rows_lead": "Each bar is what was there after a step; what a step took out stands beside it.",
        "rows_same": "No step took a row out: {rows} rows came in, and {rows} went on.",
        "rows_drawing": "Rows after each step: {list}.",
        "step": "Step", "rows": "Rows", "out": "Taken out", "why": "Why",
        "other_table": "The table “{table}”",
        "rejected": "a cell could not be read, put aside", "taken_out": "taken out by this step", "made": "made by this step",
        "cells_heading": "Cells, column by column",
        "cells_lead": "A cell that several steps changed counts in each of them. A filled cell of which nothing agreed "
        "could be made was emptied, never guessed.",
        "cells_none": "No cell has another value than it came with.",
        "cells_drawing": "Cells changed and emptied, by column: {list}.",
        "column": "Column", "changed": "changed", "blanked": "emptied", "kept": "left as it was",
        "Changed": "Changed", "Blanked": "Emptied", "Kept": "Could not be read, left as it was",
        "merged_heading": "Duplicates",
        "merged_lead": "{merged} rows were the same as another one and were merged into it.",
        "merged_none": "No row was the same as another.",
        "figure": "Figure", "count": "Count",
        "rejects_heading": "Rows put aside",
        "rejects_lead": "Rows with a cell that could not be read as agreed, by step and column. A row with several such cells "
        "counts once in each.",
        "checks_heading": "Checks",
        "checks_lead": "Before it was handed over, the result was held against what was agreed. {passed} of {all} checks "
        "passed.",
        "checks_drawing": "{passed} of {all} checks passed.",
        "check": "What was checked", "result": "Result",
        "passed": "passed", "failed": "failed", "rows_do_not": "{count} of {rows} rows do not ({share})",
        "out_heading": "What goes back",
        "out_lead": "{filename}, encrypted to your certificate and signed by us.",
        "out_local": "{filename}.",
        "table": "Table", "columns": "Columns",
        "documents_filed": "Documents filed under the path that their row says: {count}.",
        "documents_others": "Documents that no row names, in a folder of their own: {count}.",
        "documents_left_out": "Documents that no row names, which do not go back: {count}.",
        "escaped": "{count} cells begin like a formula. They are written so that no spreadsheet program runs them.",
        "replaced": "{count} signs are not in the agreed encoding and were written as others.",
        "as_text": "{count} numbers or dates are outside what a spreadsheet can hold and were written as text.",
        "next_heading": "What happens to the data",
        "next": "The file that was handed in and all working copies are deleted as soon as this is delivered, and their key is "
        "destroyed. The result is kept until you accept it, for {days} days at most. A certificate of deletion follows.",
        "foot": "Counts only: no value from the data is in this report.",
        "page": "Page", "page_of": "of",
    },
)  # fmt: skip

LANGUAGES = {ENGLISH.code: ENGLISH}
