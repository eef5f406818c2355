"""What a SOW for such columns is likely to need: its input section, steps and expectations, to begin with.

A suggestion stands only if the step that it names takes it: a step that is not there, or has changed, is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from backoffice.authoring.meaning import Meaning
from backoffice.authoring.profile import ColumnProfile, Profile
from backoffice.contract import step_model, step_names

__all__ = ["Planned", "as_json", "as_yaml", "filled_rules", "plan_for", "plan_of_profile"]


@dataclass(frozen=True)
class Planned:
    """What is suggested. ``steps`` and ``expectations`` are as they stand in their files."""

    input: dict[str, Any]
    steps: list[dict[str, Any]]
    expectations: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    """What a person has to decide."""


def plan_of_profile(found: Profile, *, country: str = "") -> Planned:
    """What the file that was looked through suggests."""
    known = {one.name: one for one in found.columns}
    optional = {one.name for one in found.columns if not one.filled}
    section = dict(found.sniffed.input)
    section["columns"] = {
        name: _optional(said) if name in optional else said for name, said in found.sniffed.input["columns"].items()
    }
    meanings = {name: one.meaning for name, one in known.items()}
    return plan_for(section, meanings, known, country=country)


def plan_for(
    section: dict[str, Any], meanings: dict[str, Meaning], known: dict[str, ColumnProfile], *, country: str = ""
) -> Planned:
    """What columns of these meanings suggest.

    :param known: what is known of their cells; may be empty.
    :param country: of phone numbers and postcodes that say none; two capitals.
    """
    steps = [one for one in _steps(meanings, known, country) if _is_step(one)]
    notes = [f"`{name}` has {one.distinct} different values: `allowed` would hold it to a list of them."
             for name, one in known.items() if one.meaning is Meaning.CATEGORY and 1 < one.distinct <= 12]  # fmt: skip
    phones = [name for name, meaning in meanings.items() if meaning is Meaning.PHONE]
    if phones and not any(one["step"] == "phones" for one in steps):
        notes.append(f"`phones` reads {', '.join(phones)} once it knows a country: give --country.")
    notes += [_other_shapes(one) for one in known.values() if _other_shapes(one)]
    both = [name for name, one in known.items() if {"D/M/YYYY", "M/D/YYYY"} & set(one.date_formats)]
    notes += [f"`{name}`: ask the client whether the day or the month comes first." for name in both]
    read = {
        name
        for one in steps
        if "unreadable" in step_model(one["step"]).model_fields
        for name in (*one.get("columns", ()), one.get("column"))
        if name
    }
    return Planned(section, steps, _expectations(meanings, known, read), notes)


def as_yaml(value: Any) -> str:
    """A part of a SOW as a person would write it: short lists in one line."""
    import yaml

    class _Writer(yaml.SafeDumper):
        def represent_sequence(self, tag: str, sequence: Iterable[Any], flow_style: bool | None = None) -> Any:  # noqa: ARG002
            listed = list(sequence)
            short = all(isinstance(one, str | int | float) for one in listed) and len(str(listed)) < 100
            return super().represent_sequence(tag, listed, flow_style=short)

        def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:  # noqa: ARG002
            short = set(mapping) <= {"header", "need"} if isinstance(mapping, dict) else False
            return super().represent_mapping(tag, mapping, flow_style=short)

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: ARG002
            return super().increase_indent(flow, False)

    return yaml.dump(value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=110)


def as_json(expectations: list[dict[str, Any]], name: str) -> str:
    """A suite, with each rule on few lines."""
    rules = ",\n".join("    " + json.dumps(one, ensure_ascii=False) for one in expectations)
    version = json.dumps({"great_expectations_version": "1.24.1"})
    return f'{{\n  "name": {json.dumps(name)},\n  "expectations": [\n{rules}\n  ],\n  "meta": {version}\n}}\n'


def _optional(said: Any) -> Any:
    return {**said, "need": "optional"} if isinstance(said, dict) else "optional"


def _of(meanings: dict[str, Meaning], *wanted: Meaning) -> list[str]:
    return [name for name, meaning in meanings.items() if meaning in wanted]


def _steps(meanings: dict[str, Meaning], known: dict[str, ColumnProfile], country: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [{"step": "trim"}]
    countries = _of(meanings, Meaning.COUNTRY)
    place = {"country_column": countries[0]} if countries else {}
    place |= {"country": country} if country else {}
    if countries:
        steps.append({"step": "countries", "columns": countries})
    if names := _of(meanings, Meaning.GIVEN_NAME, Meaning.SURNAME, Meaning.NAME):
        steps.append({"step": "case", "columns": names, "to": "name"})
    if places := [name for name in _of(meanings, Meaning.STREET, Meaning.TOWN) if _in_capitals(known.get(name))]:
        steps.append({"step": "case", "columns": places, "to": "title"})
    if mails := _of(meanings, Meaning.EMAIL):
        steps.append({"step": "emails", "columns": mails, "mend": True})
    if (phones := _of(meanings, Meaning.PHONE)) and place:
        where: dict[str, Any] = {"countries": [country]} if country else {}
        steps.append(
            {"step": "phones", "columns": phones, **where, **({"country_column": countries[0]} if countries else {})}
        )
    if place:
        steps += [{"step": "postcodes", "column": name, **place} for name in _of(meanings, Meaning.POSTCODE)]
    steps += [{"step": "identifiers", "column": name, "kind": "iban"} for name in _of(meanings, Meaning.IBAN)]
    steps += [{"step": "gtin", "column": name} for name in _of(meanings, Meaning.GTIN)]
    for name in _of(meanings, Meaning.BIRTH, Meaning.DATE):
        formats = list(known[name].date_formats) if name in known else []
        steps.append({"step": "dates", "columns": [name], "formats": formats or ["YYYY-MM-DD", "D.M.YYYY"]})
    steps += _numbers(meanings, known)
    if truths := _of(meanings, Meaning.CONSENT, Meaning.TRUTH):
        steps.append({"step": "boolean", "columns": truths, "languages": ["en", "de"]})
    done = _of(meanings, Meaning.POSTCODE) if place else []
    if patterns := {name: found for name, one in known.items() if name not in done and (found := _pattern(one))}:
        steps.append({"step": "pattern", "columns": patterns})
    references = [name for name in _of(meanings, Meaning.ID, Meaning.SKU) if name not in known or known[name].unique]
    if references and len(references) < len(meanings):
        steps.append({"step": "drop_duplicates", "ignore": references})
    if references and (near := _near_duplicates(meanings)):
        steps.append({"step": "near_duplicates", "ids": references[0], "list_as": "merged_ids", **near})
    return steps


_POINTS: dict[Meaning, dict[str, Any]] = {
    Meaning.EMAIL: {"equal": 9, "similar": {0.95: 5}, "differs": -2},
    Meaning.PHONE: {"equal": 8, "edits": {1: 5}, "differs": -2},
    Meaning.BIRTH: {"equal": 6, "day_and_month": 4, "edits": {1: 4}, "differs": -4},
    Meaning.GIVEN_NAME: {"equal": 4, "similar": {0.9: 3}, "differs": -3},
    Meaning.SURNAME: {"equal": 5, "similar": {0.9: 4}, "differs": -3},
    Meaning.NAME: {"equal": 8, "similar": {0.92: 6}, "words": {1: 7}, "differs": -5},
    Meaning.STREET: {"equal": 5, "similar": {0.9: 4}, "differs": -2},
    Meaning.POSTCODE: {"equal": 4, "edits": {1: 2}, "differs": -2},
    Meaning.TOWN: {"equal": 2, "similar": {0.9: 1}, "differs": -1},
}
"""Points that are usual for lists of people; an author has to hold them against the client's own."""

_LINES: tuple[tuple[Meaning, ...], ...] = (
    (Meaning.EMAIL,),
    (Meaning.PHONE,),
    (Meaning.SURNAME, Meaning.POSTCODE),
    (Meaning.NAME, Meaning.POSTCODE),
    (Meaning.GIVEN_NAME, Meaning.BIRTH),
    (Meaning.STREET, Meaning.POSTCODE),
)


def _near_duplicates(meanings: dict[str, Meaning]) -> dict[str, Any]:
    """What near duplicates of people are compared by; nothing where too little is known of them."""
    first: dict[Meaning, str] = {}
    for name, meaning in meanings.items():
        first.setdefault(meaning, name)
    lines = [[first[one] for one in line] for line in _LINES if set(line) <= set(first)]
    named = Meaning.NAME in first or {Meaning.GIVEN_NAME, Meaning.SURNAME} <= set(first)
    points = {first[meaning]: dict(said) for meaning, said in _POINTS.items() if meaning in first}
    if Meaning.BIRTH in first:
        points[first[Meaning.BIRTH]].pop("edits")  # a date by then: one day beside it is no slip of the hand
    if not named or len(lines) < 2:
        return {}
    found: dict[str, Any] = {"compare_if_equal": lines, "points": points}
    if {Meaning.GIVEN_NAME, Meaning.SURNAME} <= set(first):
        pair = [first[Meaning.GIVEN_NAME], first[Meaning.SURNAME]]
        found["swapped"] = [{"columns": pair, "points": 8}]
    return {**found, "threshold": 12}


def _in_capitals(one: ColumnProfile | None) -> bool:
    """Whether a share of a column's words is in capitals, or none is: streets and towns that were typed in so."""
    if one is None or not one.filled:
        return False
    plain = sum(count for shape, count in one.shapes if re.search("[Aa]", shape) and not {"A", "a"} <= set(shape))
    return plain > 0.02 * one.filled


def _numbers(meanings: dict[str, Meaning], known: dict[str, ColumnProfile]) -> list[dict[str, Any]]:
    """One step for all columns that are written alike."""
    alike: dict[tuple[tuple[str, Any], ...], list[str]] = {}
    for name in _of(meanings, Meaning.AMOUNT, Meaning.NUMBER, Meaning.QUANTITY, Meaning.WHOLE):
        said: dict[str, Any] = {}
        if meanings[name] in (Meaning.QUANTITY, Meaning.WHOLE):
            said["to"] = "integer"
        elif name in known and known[name].decimal:
            said["decimal"] = known[name].decimal
        if meanings[name] is Meaning.AMOUNT:
            said["currency"] = True
        alike.setdefault(tuple(said.items()), []).append(name)
    return [{"step": "number", "columns": names, **dict(said)} for said, names in alike.items()]


def _is_step(said: dict[str, Any]) -> bool:
    if said["step"] not in step_names():
        return False
    try:
        step_model(said["step"]).model_validate(said)
    except ValueError:
        return False
    return True


_SHAPED = (Meaning.POSTCODE, Meaning.ID, Meaning.NATIONAL_ID, Meaning.SKU, Meaning.TEXT)


def _pattern(one: ColumnProfile) -> str:
    """The regular expression of a column whose cells nearly all have one shape: ``9999`` to ``[0-9]{4}``."""
    if one.meaning not in _SHAPED or not one.shapes or one.filled < 20:
        return ""
    shape, count = one.shapes[0]
    if count < 0.995 * one.filled or "+" in shape or "9" not in shape or set(" *") & set(shape) or len(shape) >= 40:
        return ""
    classes = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}
    parts = [(sign.group()[0], len(sign.group())) for sign in re.finditer(r"(.)\1*", shape)]
    return "".join(
        (classes.get(sign) or re.escape(sign)) + (f"{{{times}}}" if times > 1 else "") for sign, times in parts
    )


def _other_shapes(one: ColumnProfile) -> str:
    """A few cells that are not like all the others: leading noughts that a spreadsheet took, or slips."""
    if one.meaning not in _SHAPED or not one.filled or "9" not in one.shapes[0][0] or len(one.shapes) < 2:
        return ""
    share = one.shapes[0][1] / one.filled
    if not 0.9 <= share < 0.995:
        return ""
    return f"`{one.name}`: {100 * share:.1f} % of the cells look like `{one.shapes[0][0]}`; look at the others."


def _expectations(
    meanings: dict[str, Meaning], known: dict[str, ColumnProfile], read: set[str]
) -> list[dict[str, Any]]:
    """What the client may rely on, as far as the file shows it. Shares are set a little below what it reaches."""
    rules: list[dict[str, Any]] = [_rule("expect_table_row_count_to_be_between", min_value=1)]
    for name, meaning in meanings.items():
        one = known.get(name)
        if one is None:
            if meaning in (Meaning.ID, Meaning.SKU):
                rules += [_rule(_NOT_NULL, column=name), _rule(_UNIQUE, column=name)]
            continue
        rules += filled_rules(
            name, meaning, rows=one.rows, filled=one.filled, unique=one.unique, all_stay=name not in read
        )
        if pattern := _pattern(one):
            rules.append(_rule("expect_column_values_to_match_regex", column=name, regex=f"^{pattern}$"))
    return rules


def filled_rules(
    name: str, meaning: Meaning | None, *, rows: int, filled: int, unique: bool, all_stay: bool = True
) -> list[dict[str, Any]]:
    """That a column is filled, as far as it was; and without a value twice, where one would stand for two things.

    :param all_stay: no step may still empty a cell of it.
    """
    rules: list[dict[str, Any]] = []
    if filled and filled == rows and all_stay:
        rules.append(_rule(_NOT_NULL, column=name))
    elif rows and filled / rows >= 0.5:
        rules.append(_rule(_NOT_NULL, column=name, mostly=int(90 * filled / rows) / 100))
    if unique and meaning in (Meaning.ID, Meaning.SKU, Meaning.EMAIL, Meaning.GTIN):
        rules.append(_rule(_UNIQUE, column=name))
    return rules


_NOT_NULL = "expect_column_values_to_not_be_null"
_UNIQUE = "expect_column_values_to_be_unique"


def _rule(kind: str, **given: Any) -> dict[str, Any]:
    return {"type": kind, "kwargs": given}
