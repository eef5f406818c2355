"""A suite held to the columns that a result has now: what people wrote stays, as they wrote it, wherever it still can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backoffice.authoring.meaning import by_names
from backoffice.authoring.suggesting import as_json, filled_rules
from backoffice.authoring.suite import SQL_NAMES, misfits
from backoffice.contract import Columns, Kind
from backoffice.quality.rules import columns_of, sentence

__all__ = ["Filling", "Refreshed", "new_suite", "refresh"]

_ORDER = "expect_table_columns_to_match_ordered_list"
_SET = "expect_table_columns_to_match_set"
_COUNT = "expect_table_column_count_to_equal"
_TYPES = ("expect_column_values_to_be_of_type", "expect_column_type_to_be")


@dataclass(frozen=True)
class Filling:
    """How a column of a test file's result is filled."""

    rows: int
    filled: int
    distinct: int


@dataclass(frozen=True)
class Refreshed:
    """A suite, and what was done to it: each rule as a sentence."""

    text: str
    """The whole file."""
    dropped: tuple[tuple[str, str], ...] = ()
    """Rules that no result can meet any more, and why."""
    changed: tuple[str, ...] = ()
    """Rules on the columns as a whole, as they are now."""
    added: tuple[str, ...] = ()
    """Rules of columns that are new."""

    @property
    def same(self) -> bool:
        """Whether nothing had to be done."""
        return not (self.dropped or self.changed or self.added)


@dataclass(frozen=True)
class _Rule:
    """A rule, and how it stands in the file."""

    said: dict[str, Any]
    text: str

    @property
    def kind(self) -> str:
        return self.said["type"]

    @property
    def given(self) -> dict[str, Any]:
        return self.said.get("kwargs", {})

    @property
    def sentence(self) -> str:
        return sentence(self.kind, self.given)


def refresh(text: str, columns: Columns, filling: Mapping[str, Filling] | None = None) -> Refreshed:
    """Hold a suite to ``columns``.

    A rule that still can be met stays to the letter. One that lists all columns, or says a column's type, says those of
    now. One of a column that is gone, or holds something else, is dropped. A new column gets rules: its type where that is
    not text, and what ``filling`` shows.

    :param text: the file; a suite without mistakes, but for its columns.
    :param filling: of a test file's result.
    """
    rules, begin, end = _rules(text)
    kept: list[_Rule] = []
    dropped: list[tuple[str, str]] = []
    changed: list[str] = []
    for old in rules:
        rule = _mended(old, columns)
        fault = next(misfits((), rule.kind, rule.given, columns), None)
        if fault is not None:
            dropped.append((old.sentence, fault[1]))
            continue
        kept.append(rule)
        if rule is not old:
            changed.append(rule.sentence)
    added = [_written(one) for name in _new(rules, columns) for one in _rules_of(name, columns[name], filling or {})]
    if not kept and not added:  # a suite without a rule is none
        added = [_written(_order(columns))]
    lines = ",\n    ".join(one.text for one in (*kept, *added))
    return Refreshed(
        text[:begin] + lines + text[end:] if dropped or changed or added else text,
        tuple(dropped),
        tuple(changed),
        tuple(one.sentence for one in added),
    )


def new_suite(name: str, columns: Columns, filling: Mapping[str, Filling] | None = None) -> Refreshed:
    """A suite where there was none: the columns and their order, at least one row, and what a new column gets."""
    first = [
        _written(_order(columns)),
        _written({"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}),
    ]
    more = [_written(one) for column, kind in columns.items() for one in _rules_of(column, kind, filling or {})]
    rules = [*first, *more]
    return Refreshed(as_json([one.said for one in rules], name), added=tuple(one.sentence for one in rules))


def _rules(text: str) -> tuple[list[_Rule], int, int]:
    """The rules as they stand in a suite, and from where to where they do."""
    decoder = json.JSONDecoder()
    place = _next(text, text.index("{") + 1)
    while True:
        key, place = decoder.raw_decode(text, place)
        place = _next(text, _next(text, place) + 1)  # behind the colon
        if key == "expectations":
            break
        _, place = decoder.raw_decode(text, place)
        place = _next(text, _next(text, place) + 1)  # behind the comma
    found: list[_Rule] = []
    begin = place = _next(text, place + 1)
    while True:
        said, end = decoder.raw_decode(text, place)
        found.append(_Rule(said, text[place:end]))
        place = _next(text, end)
        if text[place] == "]":
            return found, begin, end
        place = _next(text, place + 1)


def _next(text: str, place: int) -> int:
    """The next place that is no white space."""
    found = re.compile(r"\S").search(text, place)
    return found.start() if found else len(text)


def _written(said: dict[str, Any]) -> _Rule:
    return _Rule(said, json.dumps(said, ensure_ascii=False))


def _mended(rule: _Rule, columns: Columns) -> _Rule:
    """A rule on the columns as a whole, or on the type of one, as it is now; any other as it is."""
    given: dict[str, Any] = {}
    if rule.kind == _ORDER:
        given = {"column_list": list(columns)}
    elif rule.kind == _SET:
        named = rule.given.get("column_set") or ()
        exact = rule.given.get("exact_match", True)
        given = {"column_set": list(columns) if exact and set(named) != set(columns) else
                 [one for one in named if one in columns]}  # fmt: skip
    elif rule.kind == _COUNT:
        given = {"value": len(columns)}
    elif rule.kind in _TYPES and any(misfits((), rule.kind, rule.given, columns)):
        given = {"type_": SQL_NAMES[columns[rule.given["column"]]]} if rule.given["column"] in columns else {}
    same = all(rule.given.get(key) == value for key, value in given.items())
    return rule if same else _written({**rule.said, "kwargs": {**rule.given, **given}})


def _order(columns: Columns) -> dict[str, Any]:
    return {"type": _ORDER, "kwargs": {"column_list": list(columns)}}


def _new(rules: Sequence[_Rule], columns: Columns) -> list[str]:
    """The columns that the suite did not know: those that its list lacks or, where it has none, that no rule names."""
    lists = [rule.given.get("column_list") or () for rule in rules if rule.kind == _ORDER]
    lists += [rule.given.get("column_set") or () for rule in rules if rule.kind == _SET]
    named = {name for rule in rules for name in (*columns_of(rule.kind, rule.given), rule.given.get("column"))}
    known = {name for one in lists for name in one} if lists else named
    return [name for name in columns if name not in known | named]


def _rules_of(name: str, kind: Kind, filling: Mapping[str, Filling]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    if kind is not Kind.TEXT:
        rules.append({"type": _TYPES[0], "kwargs": {"column": name, "type_": SQL_NAMES[kind]}})
    if (found := filling.get(name)) is not None:
        meaning = by_names([name])[name]
        unique = found.rows > 1 and found.distinct == found.rows
        rules += filled_rules(name, meaning, rows=found.rows, filled=found.filled, unique=unique)
    return rules
