"""Reads a Great Expectations suite from its JSON file, strictly: what we would not honour is refused, all at once.

The form is the library's own (1.x): ``{"name": ..., "expectations": [{"type": ..., "kwargs": {...}}], "meta": {...}}``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backoffice.errors import ContractError

from . import column_types
from .rules import REFUSED, SUPPORTED, columns_of

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

__all__ = ["Problems", "Rule", "Suite", "did_you_mean", "load"]

SUITE_KEYS = ("name", "expectations", "meta", "notes", "id")
RULE_KEYS = ("type", "kwargs", "meta", "notes", "description", "id", "severity")
# What the library exports beside a rule's own parameters, and what we decide ourselves.
OURS_TO_DECIDE = ("result_format", "catch_exceptions", "batch_id")

Place = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One expectation of a suite, built and valid. ``place`` is where it stands in the file."""

    type: str
    parameters: dict[str, Any]
    expectation: Expectation
    place: Place

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return columns_of(self.type, self.parameters)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suite:
    """A suite's rules in the file's order."""

    path: Path
    text: str
    rules: tuple[Rule, ...]


class Problems:
    """What is wrong with one suite file, collected so that an author sees all of it."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._found: list[tuple[Place, str]] = []

    def add(self, place: Place, message: str) -> None:
        """Note a problem at a place in the document: keys and list positions from its top."""
        self._found.append((place, message))

    def raise_if_any(self) -> None:
        """Raise ``ContractError`` with every problem, each with file, line and column."""
        if self._found:
            lines = [f"{self._path}{self._position(place)}: {message}" for place, message in self._found]
            raise ContractError("\n".join(lines))

    def _position(self, place: Place) -> str:
        """``:line:column`` of the place, as far down as it exists."""
        import yaml  # JSON is YAML, and YAML's reader keeps positions

        try:
            node = yaml.compose(self._text, Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            return ""
        mark = None if node is None else node.start_mark
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == step]
                if not found:
                    break
                key, node = found[-1]
                mark = key.start_mark
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                mark = node.start_mark
            else:
                break
        return "" if mark is None else f":{mark.line + 1}:{mark.column + 1}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean “x”?`` if one of the known names is close, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean “{close[0]}”?" if close else ""


def load(path: Path) -> Suite:
    """Read and validate a suite; imports the library. ``ContractError`` lists everything that is wrong with it."""
    text = _read(path)
    document = _parse(path, text)
    problems = Problems(path, text)
    rules: list[Rule] = []
    if not isinstance(document, dict):
        raise ContractError(f"{path}: A suite is a JSON object with “name” and “expectations”.")
    _unknown_keys(problems, (), document, SUITE_KEYS)
    if not isinstance(document.get("name"), str) or not document["name"]:
        problems.add(("name",), "A suite needs a “name”: a text.")
    listed = document.get("expectations")
    if not isinstance(listed, list) or not listed:
        problems.add(("expectations",), "A suite needs “expectations”: a list of at least one.")
        listed = []
    for index, item in enumerate(listed):
        rule = _rule(problems, ("expectations", index), item)
        if rule is not None:
            rules.append(rule)
    problems.raise_if_any()
    return Suite(path=path, text=text, rules=tuple(rules))


def _read(path: Path) -> str:
    problem = None
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        problem = "is not UTF-8 text. Save it as UTF-8."
    except FileNotFoundError:
        problem = "does not exist. A project's suite is expectations/<client>/<sow>.json."
    except OSError as error:
        problem = f"cannot be read ({type(error).__name__})."
    if problem is not None:
        raise ContractError(f"{path}: The suite {problem}")
    return text


def _parse(path: Path, text: str) -> Any:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in items]
        twice.extend(key for key in set(keys) if keys.count(key) > 1)
        return dict(items)

    problem = ""
    document: Any = None
    try:
        document = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        problem = f"{path}:{error.lineno}:{error.colno}: Not JSON: {error.msg}."
    except RecursionError:
        problem = f"{path}: Nested too deeply for a suite."
    if twice and not problem:
        problem = f"{path}: The key “{min(twice)}” stands twice in one object; JSON would keep the last. Remove one."
    if problem:
        raise ContractError(problem)
    return document


def _unknown_keys(problems: Problems, place: Place, given: dict[str, Any], known: tuple[str, ...]) -> None:
    renamed = {"expectation_type": "type", "expectation_suite_name": "name", "expectation_context": "meta"}
    for key in given:
        if key in renamed:
            problems.add((*place, key), f"“{key}” is of an older form. Write “{renamed[key]}”.")
        elif key not in known:
            problems.add((*place, key), f"Unknown key “{key}”.{did_you_mean(key, known)}")


def _rule(problems: Problems, place: Place, item: Any) -> Rule | None:
    if not isinstance(item, dict):
        problems.add(place, "An expectation is an object with “type” and “kwargs”.")
        return None
    _unknown_keys(problems, place, item, RULE_KEYS)
    kind, parameters = item.get("type"), item.get("kwargs", {})
    if not isinstance(kind, str):
        problems.add(place, "An expectation needs a “type”, such as “expect_column_values_to_not_be_null”.")
        return None
    at = (*place, "type")
    if kind in REFUSED:
        problems.add(at, f"“{kind}” is not supported: {REFUSED[kind]}.")
        return None
    if kind not in SUPPORTED:
        problems.add(at, f"There is no expectation “{kind}”.{did_you_mean(kind, SUPPORTED)}")
        return None
    if item.get("severity", "critical") != "critical":
        problems.add((*place, "severity"), "Every rule stops a delivery: leave “severity” out or write “critical”.")
    if not isinstance(parameters, dict):
        problems.add((*place, "kwargs"), "“kwargs” is an object of the expectation's parameters.")
        return None
    parameters = {key: value for key, value in parameters.items() if key not in OURS_TO_DECIDE and value is not None}
    expectation = _build(problems, (*place, "kwargs"), kind, parameters)
    if expectation is None:
        return None
    _check_types(problems, (*place, "kwargs"), parameters)
    return Rule(type=kind, parameters=parameters, expectation=expectation, place=place)


def _build(problems: Problems, place: Place, kind: str, parameters: dict[str, Any]) -> Expectation | None:
    from great_expectations.expectations.registry import get_expectation_impl

    from .library import quiet

    for key, value in parameters.items():
        if isinstance(value, dict) and "$PARAMETER" in value:
            problems.add((*place, key), "Suite parameters ($PARAMETER) are not supported: write the value.")
            return None
    impl: Any = get_expectation_impl(kind)
    found: list[tuple[Place, str]] = []
    expectation = None
    try:
        with quiet():
            expectation = impl(**parameters)
    except ValueError as error:
        known = [name for name in impl.__fields__ if name not in OURS_TO_DECIDE]
        details = error.errors() if hasattr(error, "errors") else []  # pyright: ignore[reportAttributeAccessIssue]
        for detail in details:
            step: Place = tuple(part for part in detail["loc"] if part != "__root__")
            if any(step == earlier for earlier, _ in found if earlier):
                continue  # a value that may be of several kinds is refused once for each
            if detail["type"] == "value_error.extra":
                found.append((step, f"“{kind}” has no parameter “{step[0]}”.{did_you_mean(str(step[0]), known)}"))
            elif detail["type"] == "value_error.missing":
                found.append(((), f"“{kind}” needs the parameter “{step[0]}”."))
            else:
                found.append((step, f"“{kind}” {_wanted(detail)}."))
        if not details:
            found.append(((), f"“{kind}” does not take these parameters together."))
    except Exception as error:  # noqa: BLE001 (the library's own validators raise what they like)
        found.append(((), f"“{kind}” does not accept these parameters ({type(error).__name__})."))
    for step, message in found:
        problems.add((*place, *step), message)
    return expectation if not found else None


_KINDS = {
    "bool": "true or false",
    "dict": "an object",
    "float": "a number",
    "integer": "a whole number",
    "list": "a list",
    "str": "a text",
}
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _wanted(detail: dict[str, Any]) -> str:
    """What is wanted where the library refuses a value, in our words: its own may repeat what stands there."""
    if detail["loc"] == ("__root__",):
        return "lacks a parameter, or two of them do not go together"
    sort, _, which = detail["type"].rpartition(".")
    limit = detail.get("ctx", {}).get("limit_value")
    if sort == "type_error" and which in _KINDS:
        return f"takes {_KINDS[which]} here"
    if sort == "value_error.number" and which.removeprefix("not_") in _LIMITS:
        return f"takes {_LIMITS[which.removeprefix('not_')]} {limit} here"
    if detail["type"] == "type_error.none.not_allowed":
        return "needs a value here"
    if detail["loc"][-1:] == ("strftime_format",):
        return "cannot read this as the form of a date: it knows %Y, %m, %d and the like"
    return "does not take this value"


def _check_types(problems: Problems, place: Place, parameters: dict[str, Any]) -> None:
    """Names of column types: the library would only find out that none matches."""
    wanted = [("type_", parameters.get("type_"))] + [("type_list", name) for name in parameters.get("type_list") or ()]
    for key, name in wanted:
        if isinstance(name, str) and column_types.canonical(name) is None:
            known = did_you_mean(name.upper(), column_types.CANONICAL)
            problems.add((*place, key), f"DuckDB has no type “{name}”.{known}")
