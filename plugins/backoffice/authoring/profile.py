"""What a test file holds: blanks, lengths, shapes, and what each column is likely to mean.

Without ``values`` nothing of a cell is shown but its shape: every digit of any script a 9, every letter an A or an a, every
other sign a *, but for punctuation, currencies and blanks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.authoring.meaning import CELLS, DATE_FORMATS, PERSONAL, Meaning, by_names
from backoffice.authoring.sniffing import Sniffed, sniff
from backoffice.contract import INPUT
from backoffice.password import AskPassword

if TYPE_CHECKING:
    from backoffice.contract import Sow
    from backoffice.transform import Engine

__all__ = ["ColumnProfile", "Profile", "agreed", "column_profile", "profile"]

_NEARLY_ALL = 0.8
"""The share of filled cells that have to look like something for the column to be taken for it."""
_SHAPES = 6
_SIGNS = {
    r"\p{N}": "9", r"\p{Lu}": "A", r"[\p{Ll}\p{Lt}\p{Lo}\p{Lm}\p{M}]": "a", r"[^ -~\p{P}\p{Sc}\p{Z}]": "*",
}  # fmt: skip
"""What a sign is in a shape; numbers and letters are no figures of ASCII alone, and Braille is none of either."""


@dataclass(frozen=True)
class ColumnProfile:
    """One column."""

    name: str
    meaning: Meaning
    personal: str
    """Why it is likely personal data: its name, its cells; empty if it is not."""
    rows: int
    filled: int
    distinct: int
    untrimmed: int
    """Cells with white space at an end, or with two blanks in a row."""
    shortest: int
    longest: int
    shapes: tuple[tuple[str, int], ...]
    """The most frequent shapes, and how many cells have each."""
    date_formats: tuple[str, ...] = ()
    decimal: str = ""
    """The sign before the fraction, where it is clear."""
    smallest: str = ""
    largest: str = ""
    examples: tuple[str, ...] = ()
    """The most frequent values; of a test file, where they were asked for."""

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.rows > 1 and self.distinct == self.filled == self.rows


@dataclass(frozen=True)
class Profile:
    """A file."""

    rows: int
    sniffed: Sniffed
    encoding: str
    columns: tuple[ColumnProfile, ...]


def profile(path: Path, *, values: bool = False, password: AskPassword | None = None) -> Profile:
    """Look through ``path``.

    :param values: whether examples, the smallest and the largest value are wanted.
    :param password: asked for if it is a workbook that is protected with one.
    :raises DropRejected: it cannot be read as a table.
    """
    from backoffice.transform import Engine
    from backoffice.transform.reading.protected import readable

    with readable(path, password) as content, Engine() as engine:
        sniffed = sniff(content, suffix=path.suffix)
        found = engine.load(agreed(sniffed), content)[INPUT]
        named = by_names(sniffed.columns)
        columns = tuple(column_profile(engine, name, named[name], values=values) for name in sniffed.columns)
    return Profile(found.rows, sniffed, found.encoding or "", columns)


def agreed(sniffed: Sniffed) -> Sow:
    """A SOW that does no more than read the file."""
    from backoffice.contract import Sow

    return Sow.model_validate(
        {
            "title": "Profile", "owner": "author", "description": "Profile", "purpose": "profile", "signers": ["author"],
            "input": sniffed.input, "steps": [{"step": "trim"}], "approval": False,
            "output": {"format": "csv", "filename": "profile.csv"},
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
        }
    )  # fmt: skip


def column_profile(
    engine: Engine, name: str, named: Meaning | None, *, values: bool, table: str = INPUT
) -> ColumnProfile:
    """One column of text, of a table that the engine has."""
    cell = '"' + name.replace('"', '""') + '"'
    trimmed = f"nullif(trim({cell}), '')"
    tests = {str(key): pattern for key, pattern in {**CELLS, **DATE_FORMATS}.items()}
    matches = ", ".join(f"count_if(regexp_full_match({trimmed}, '{_text(one)}'))" for one in tests.values())
    extra = r"^\s|\s$|\s{2,}"
    numbers = _one(
        engine,
        f"SELECT count(*), count({trimmed}), count(DISTINCT {trimmed}), count_if(regexp_matches({cell}, '{extra}')),"  # noqa: S608
        f" coalesce(min(length({trimmed})), 0), coalesce(max(length({trimmed})), 0),"
        f" count_if(regexp_full_match({trimmed}, '.*[0-9],[0-9]{{1,2}}\\D*')),"
        f" count_if(regexp_full_match({trimmed}, '.*[0-9]\\.[0-9]{{1,2}}\\D*')), {matches} FROM {table}",
    )
    rows, filled, distinct, untrimmed, shortest, longest, commas, points = numbers[:8]
    shares = {key: count / filled if filled else 0.0 for key, count in zip(tests, numbers[8:], strict=True)}
    formats = _formats(shares)
    meaning, personal = _meaning(named, shares, formats, distinct=distinct, filled=filled)
    smallest = largest = ""
    examples: tuple[str, ...] = ()
    if values and filled:
        smallest, largest = map(str, _one(engine, f"SELECT min({trimmed}), max({trimmed}) FROM {table}"))  # noqa: S608
        most = f"SELECT {trimmed} v, count(*) FROM {table} WHERE v IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12"  # noqa: S608
        examples = tuple(str(one) for one, _ in _all(engine, most))
    decimal = "," if commas > 4 * points else "." if points > 4 * commas else ""
    shapes = _shapes(engine, trimmed, table)
    return ColumnProfile(
        name, meaning, personal, rows, filled, distinct, untrimmed, shortest, longest, shapes, formats, decimal,
        smallest, largest, examples,
    )  # fmt: skip


def _formats(shares: dict[str, float]) -> tuple[str, ...]:
    """The formats of dates that together are in nearly every cell, the most frequent first."""
    found = sorted((one for one in DATE_FORMATS if shares[one] > 0.02), key=lambda one: -shares[one])
    if "D/M/YYYY" in found and "M/D/YYYY" in found:
        found.remove("D/M/YYYY" if shares["M/D/YYYY"] > shares["D/M/YYYY"] else "M/D/YYYY")
    return tuple(found) if sum(shares[one] for one in found) >= _NEARLY_ALL else ()


def _meaning(
    named: Meaning | None, shares: dict[str, float], formats: tuple[str, ...], *, distinct: int, filled: int
) -> tuple[Meaning, str]:
    """What the column holds, and why that is likely a person's."""
    found: Meaning
    seen: Meaning | None = next((one for one in CELLS if shares[one] >= _NEARLY_ALL), None)
    if formats:
        found = Meaning.BIRTH if named is Meaning.BIRTH else Meaning.DATE
    elif seen is not None and seen in (Meaning.EMAIL, Meaning.IBAN, Meaning.IP, Meaning.TRUTH):
        found = Meaning.CONSENT if named is Meaning.CONSENT else seen
    elif named is not None and not (named in (Meaning.AMOUNT, Meaning.QUANTITY) and seen is None):
        found = named
    elif seen is not None and seen is not Meaning.GTIN:
        found = seen
    elif shares[Meaning.WHOLE] >= _NEARLY_ALL:
        found = Meaning.WHOLE
    else:
        found = Meaning.CATEGORY if 0 < distinct <= 12 and filled >= 4 * distinct else Meaning.TEXT
    why = "name" if named in PERSONAL and named is found else "cells" if found in PERSONAL else ""
    if not why and any(shares[one] >= 0.2 for one in (Meaning.EMAIL, Meaning.IBAN)):
        why = "some cells"
    return found, why


def _shapes(engine: Engine, cell: str, table: str) -> tuple[tuple[str, int], ...]:
    """The most frequent shapes. Where there are many, runs of a sign are made one: ``Aa+ 9+``."""
    shape = cell
    for pattern, sign in _SIGNS.items():
        shape = f"regexp_replace({shape}, '{pattern}', '{sign}', 'g')"
    runs = shape
    for sign in "9Aa":
        runs = f"regexp_replace({runs}, '{sign}{{2,}}', '{sign}+', 'g')"
    many = _one(engine, f"SELECT count(DISTINCT {shape}) FROM {table}")[0] > 2 * _SHAPES  # noqa: S608
    chosen = runs if many else shape
    query = f"SELECT left({chosen}, 40) s, count(*) FROM {table} WHERE s IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
    return tuple((str(one), int(count)) for one, count in _all(engine, f"{query} LIMIT {_SHAPES}"))


def _text(pattern: str) -> str:
    return pattern.replace("'", "''")


def _one(engine: Engine, query: str) -> tuple[Any, ...]:
    return _all(engine, query)[0]


def _all(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    from backoffice.transform.faults import rows_of

    return rows_of(engine.connection, query)
