"""What a report is made from: all of it is in the ledger or in the SOW."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backoffice.contract import Sow

__all__ = ["JobFacts"]


@dataclass(frozen=True)
class JobFacts:
    """One job, in numbers."""

    sow: Sow
    figures: Mapping[str, Any]
    """As ``RunFigures.to_dict`` gives them; with ``inputs`` by name, as ``InputProfile.to_dict`` does; and with ``documents``,
    the counts of those that go back, where a SOW says so."""
    checks: Sequence[Mapping[str, Any]] | None = None
    """As the ledger keeps them; ``None``: nothing was checked."""
    job: str = ""
    controller: str = ""
    processor: str = ""
    received: datetime | None = None
    escaped: int = 0
    """Cells that look like formulas and were written so that none can run."""
    replaced: int = 0
    as_text: int = 0
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What was found in each input, if ``figures`` do not hold it."""

    @property
    def profiles(self) -> Mapping[str, Mapping[str, Any]]:
        """What was found in each input, the main one first."""
        return self.figures.get("inputs") or self.inputs

    def steps(self, table: str | None = None) -> list[dict[str, Any]]:
        """The figures of the steps, of one table if it is named; ``words`` are the SOW's."""
        said = {
            (work.table, number): step for work in self.sow.works() for number, step in enumerate(work.steps, start=1)
        }
        found = []
        for one in self.figures.get("steps", ()):
            step = said.get((one.get("table", "result"), one["number"]))
            same = step is not None and step.step == one["step"]
            if table is None or one.get("table", "result") == table:
                found.append({**one, "words": step.words() if same and step else one["step"].replace("_", " ")})
        return found

    @property
    def changed(self) -> dict[str, int]:
        """Cells by column that have another value, over all steps."""
        return _sums(self.steps(), "changed")

    @property
    def blanked(self) -> dict[str, int]:
        """Filled cells by column that could not be read and are empty now."""
        return _sums([one for one in self.steps() if one.get("unreadable", "blank") == "blank"], "blanked")

    @property
    def kept(self) -> dict[str, int]:
        """Filled cells by column that could not be read and stayed as they were."""
        return _sums([one for one in self.steps() if one.get("unreadable") == "keep"], "blanked")


def _sums(steps: Sequence[Mapping[str, Any]], what: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for step in steps:
        for column, count in step.get(what, {}).items():
            found[column] = found.get(column, 0) + count
    return found
