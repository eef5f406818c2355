"""A project's suites held against its SOW, without data and without the library: so that ``sow check`` stays quick.

What the library alone can find (rare: a parameter of a form of its own) is found by ``sow run --check``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backoffice.authoring.expectations import EVERY, PARAMETERS
from backoffice.contract import Columns, ContractFileError, Kind, Mistake, Sow, stray_suites, suite_of, suites_of
from backoffice.contract.document import Document, Loc, read
from backoffice.contract.mistakes import Place, did_you_mean, one_of
from backoffice.quality.column_types import canonical
from backoffice.quality.rules import REFUSED, SUPPORTED, columns_of

__all__ = ["SQL_NAMES", "check_suite", "check_suites", "misfits"]

SQL_NAMES = {
    Kind.TEXT: "VARCHAR",
    Kind.INTEGER: "BIGINT",
    Kind.NUMBER: "DECIMAL(18,6)",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.BOOLEAN: "BOOLEAN",
}
"""What a suite calls a column of each kind; as ``transform.sql.SQL_TYPES`` has it."""

_SUITE_KEYS = ("name", "expectations", "meta", "notes", "id")
_RULE_KEYS = ("type", "kwargs", "meta", "notes", "description", "id", "severity")
_OURS = ("result_format", "catch_exceptions", "batch_id")
_LISTS = {"value_set", "regex_list", "like_pattern_list", "type_list", "value_pairs_set", "column_list", "column_set"}
_TEXTS = {"column", "column_A", "column_B", "regex", "like_pattern", "strftime_format", "type_"}
_NUMBERS = {"mostly", "threshold", "multiplier", "sum_total", "value", "column_index"}
_FLAGS = {"strict_min", "strict_max", "or_equal", "exact_match", "double_sided", "ties_okay"}
_READS_TEXT = re.compile("regex|like_pattern|lengths|strftime|json_parseable")
_READS_NUMBERS = re.compile("_mean_|_stdev_|_sum_|z_score|outliers")
_MEASURES = re.compile("_values_to_be_between|_max_to_be|_min_to_be|_median_|_quantile_|a_to_be_greater")


def check_suites(sow: Sow) -> list[Mistake]:
    """Every mistake in the suites of a SOW's tables; one under the name of no table is a mistake itself."""
    found = [check_suite(path, sow.delivered.get(table)) for table, path in suites_of(sow).items() if path.exists()]
    main, further = sow.output.main.table, [table for table in sow.delivered if table != sow.output.main.table]
    for table, path in stray_suites(sow).items():
        said = f"No table `{table}` is delivered: nothing would ever be held against this suite."
        if table == main:
            hint = f"`{main}` is the main table: its suite is {suite_of(sow.path).name}."
        else:
            hint = did_you_mean(table, further) or (one_of(further) if further else "Only the main table is delivered.")
        found.append([Mistake.at(path, (), Place(1, 1), said, hint=hint)])
    return [mistake for mistakes in found for mistake in mistakes]


def check_suite(path: Path, columns: Columns | None) -> list[Mistake]:
    """Every mistake in the suite ``path``; where the ``columns`` of the result are known, against those too."""
    fault, data = None, None
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
    except json.JSONDecodeError as error:
        lines = tuple(error.doc.splitlines())
        fault = Mistake.at(path, lines, Place(error.lineno, error.colno), f"This is not JSON: {error.msg}.", hint="")
    except UnicodeDecodeError:
        fault = Mistake.at(path, (), Place(1, 1), "The suite is not UTF-8.", hint="Save it as UTF-8.")
    except OSError as error:
        fault = Mistake.at(path, (), Place(1, 1), f"The suite cannot be read ({error.strerror}).", hint="")
    except RecursionError:
        fault = Mistake.at(path, (), Place(1, 1), "Nested too deeply for a suite.", hint="")
    if fault is not None:
        return [fault]
    try:
        document = read(path)  # JSON is YAML, and this reader keeps places
    except ContractFileError as error:
        return list(error.mistakes)
    return [
        document.mistake(loc, message, hint=hint, key=key)
        for loc, message, hint, key in _Suite(document, columns).faults(data)
    ]


_Fault = tuple[Loc, str, str, bool]
"""The place, what is wrong, what to do, and whether the place is a key's."""


class _Suite:
    def __init__(self, document: Document, columns: Columns | None) -> None:
        self.document = document
        self.columns = columns

    def faults(self, data: Any) -> Iterator[_Fault]:
        yield from _unknown_keys((), data, _SUITE_KEYS)
        if not isinstance(data.get("name"), str) or not data["name"]:
            yield ("name",), "A suite needs a `name`: a text.", "", False
        rules = data.get("expectations")
        if not isinstance(rules, list) or not rules:
            yield ("expectations",), "A suite needs `expectations`: a list of at least one.", "", False
            return
        for index, rule in enumerate(rules):
            yield from self._rule(("expectations", index), rule)

    def _rule(self, loc: Loc, rule: Any) -> Iterator[_Fault]:
        if not isinstance(rule, dict):
            yield loc, "An expectation is an object with `type` and `kwargs`.", "", False
            return
        yield from _unknown_keys(loc, rule, _RULE_KEYS)
        kind, given = rule.get("type"), rule.get("kwargs", {})
        if not isinstance(kind, str):
            yield loc, "An expectation needs a `type`, like `expect_column_values_to_not_be_null`.", "", False
        elif kind in REFUSED:
            yield (*loc, "type"), f"`{kind}` is not supported: {REFUSED[kind]}.", "", False
        elif kind not in SUPPORTED:
            yield (*loc, "type"), f"There is no expectation `{kind}`.", did_you_mean(kind, SUPPORTED), False
        elif not isinstance(given, dict):
            yield (*loc, "kwargs"), "`kwargs` is an object of the expectation's parameters.", "", False
        else:
            given = {key: one for key, one in given.items() if key not in _OURS and one is not None}
            faults = list(_parameters((*loc, "kwargs"), kind, given))
            yield from faults
            if not faults and self.columns is not None:
                yield from misfits((*loc, "kwargs"), kind, given, self.columns)
        if rule.get("severity", "critical") != "critical":
            hint = "Leave it out, or write `critical`."
            yield (*loc, "severity"), "Every rule stops a delivery.", hint, False


def misfits(loc: Loc, kind: str, given: Mapping[str, Any], columns: Columns) -> Iterator[_Fault]:
    """What no result with these columns could ever meet, or no engine evaluate."""
    for name in columns_of(kind, given):
        if name not in columns:
            hint = did_you_mean(name, columns) or one_of(columns)
            yield _place_of(loc, given, name), f"No column is called `{name}` in the result.", hint, False
        else:
            yield from _kind_fits(loc, kind, name, columns[name])
    if kind == "expect_column_to_exist" and given["column"] not in columns:
        hint = did_you_mean(given["column"], columns) or one_of(columns)
        yield (*loc, "column"), f"No column is called `{given['column']}` in the result.", hint, False
    if kind == "expect_table_columns_to_match_ordered_list" and given.get("column_list") != list(columns):
        yield (*loc, "column_list"), "The result has other columns.", f"They are: {', '.join(columns)}.", True
    if kind == "expect_table_columns_to_match_set":
        wanted = set(map(str, given.get("column_set") or ()))
        if wanted - set(columns) or (given.get("exact_match", True) and wanted != set(columns)):
            yield (*loc, "column_set"), "The result has other columns.", f"They are: {', '.join(columns)}.", True
    if kind == "expect_table_column_count_to_equal" and given["value"] != len(columns):
        yield (*loc, "value"), f"The result has {len(columns)} columns.", "", False
    if kind in ("expect_column_values_to_be_of_type", "expect_column_type_to_be"):
        yield from _type_fits(loc, given, columns)


def _unknown_keys(loc: Loc, given: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[_Fault]:
    renamed = {"expectation_type": "type", "expectation_suite_name": "name", "expectation_context": "meta"}
    for key in given:
        if key in renamed:
            yield (*loc, key), f"`{key}` is of an older form.", f"Write `{renamed[key]}`.", True
        elif key not in known:
            yield (*loc, key), f"Unknown key `{key}`.", did_you_mean(key, known) or one_of(known), True


def _parameters(loc: Loc, kind: str, given: Mapping[str, Any]) -> Iterator[_Fault]:
    words = PARAMETERS[kind].split()
    known = [word.rstrip("!") for word in words]
    for word in words:
        if word.endswith("!") and word[:-1] not in given:
            yield loc, f"`{kind}` needs `{word[:-1]}`.", "", True
    for key, value in given.items():
        if key not in (*known, *EVERY):
            yield (*loc, key), f"`{kind}` has no parameter `{key}`.", did_you_mean(key, known) or one_of(known), True
        elif fault := _misshapen(key, value):
            yield (*loc, key), fault, "", False


def _misshapen(key: str, value: Any) -> str:
    several: list[Any] = value if isinstance(value, list) else [value]
    if isinstance(value, dict) and "$PARAMETER" in value:
        return "Suite parameters ($PARAMETER) are not supported: write the value."
    if key in _LISTS and (several is not value or not several):
        return f"`{key}` is a list of at least one."
    if key in _LISTS - {"value_set", "value_pairs_set"} and not all(isinstance(one, str) for one in several):
        return f"`{key}` is a list of texts."
    if key in _TEXTS and not isinstance(value, str):
        return f"`{key}` is a text."
    if key in _NUMBERS and not _is_number(value):
        return f"`{key}` is a number."
    if key in _FLAGS and not isinstance(value, bool):
        return f"`{key}` is true or false."
    if key == "mostly" and not _is_share(value):
        return "`mostly` is a share: from 0 to 1."
    if key in ("regex", "regex_list"):
        return next(filter(None, map(_bad_regex, several)), "")
    if key in ("type_", "type_list"):
        bad = next((one for one in several if canonical(one) is None), None)
        return f"There is no type `{bad}`; a column is {one_of(SQL_NAMES.values())[12:]}" if bad else ""
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_share(value: Any) -> bool:
    return 0 <= value <= 1


def _bad_regex(text: str) -> str:
    """What the engine (RE2) cannot read. Classes that Python does not know (``\\p{Lu}``, ``\\x{…}``) are let pass."""
    if re.search(r"\(\?(=|!|<=|<!|P?[>=(])|\\[1-9]|[*+?}]\+", text.replace("\\\\", "")):
        return "The engine (RE2) knows no look-around, back-reference or possessive quantifier."
    plain = re.sub(r"\\[pP](\{\^?\w+\}|\w)|\\x\{[0-9A-Fa-f]+\}|\[:\^?\w+:\]", r"\\w", text)
    plain = plain.replace(r"\z", r"\Z").replace(r"\C", ".").replace(r"\Q", "").replace(r"\E", "")
    try:
        re.compile(plain)
    except (re.error, OverflowError, RecursionError) as error:
        return f"Not a regular expression: {error}."
    return ""


def _kind_fits(loc: Loc, rule: str, column: str, kind: Kind) -> Iterator[_Fault]:
    holds = {Kind.TEXT: "text", Kind.BOOLEAN: "true and false"}.get(kind, f"{kind}s")
    fault = hint = ""
    if _READS_TEXT.search(rule) and kind is not Kind.TEXT:
        fault, hint = "reads text", "Use a range or a set."
    elif _READS_NUMBERS.search(rule) and kind not in (Kind.NUMBER, Kind.INTEGER):
        fault, hint = "reads numbers", "Make it a number in the SOW, or use a set, a pattern or a length."
    elif _MEASURES.search(rule) and kind in (Kind.TEXT, Kind.BOOLEAN):
        fault, hint = "compares numbers and dates", "Use a set, a pattern or a length."
    if fault:
        yield (*loc, "column"), f"`{column}` holds {holds}, and `{rule}` {fault}.", hint, False


def _type_fits(loc: Loc, given: Mapping[str, Any], columns: Columns) -> Iterator[_Fault]:
    column, wanted = given["column"], canonical(given["type_"])
    if column in columns and wanted is not None:
        there = SQL_NAMES[columns[column]]
        if wanted not in (there, there.partition("(")[0]):
            yield (*loc, "type_"), f"`{column}` is {there} in the result, not {wanted}.", "", False


def _place_of(loc: Loc, given: Mapping[str, Any], name: str) -> Loc:
    for key, value in given.items():
        if value == name:
            return (*loc, key)
        if isinstance(value, list) and name in value:
            return (*loc, key, value.index(name))
    return loc
