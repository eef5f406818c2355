"""The suite beside a SOW is held against it without data; the library is asked only whether we know its parameters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from backoffice.authoring.expectations import EVERY, PARAMETERS
from backoffice.authoring.suite import SQL_NAMES, check_suite, check_suites
from backoffice.authoring.words import in_words
from backoffice.contract import load_sow, suite_of
from backoffice.quality.rules import SUPPORTED

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sow" / "acme" / "contacts.yaml"
NOT_NULL = "expect_column_values_to_not_be_null"


@pytest.fixture
def found(tmp_path):
    """Mistakes of a suite of these rules, held against the sample: line, message and hint."""

    def _found(*rules: object, text: str | None = None) -> list[tuple[int, str]]:
        path = tmp_path / "suite.json"
        path.write_text(text or json.dumps({"name": "s", "expectations": list(rules)}, indent=1))
        mistakes = check_suite(path, load_sow(SAMPLE).delivered["result"])
        return [(one.place.line, f"{one.message} {one.hint}".strip()) for one in mistakes]

    return _found


def rule(kind: str, **given: object) -> dict[str, object]:
    return {"type": kind, "kwargs": given}


def test_the_samples_suite_fits_it():
    assert check_suites(load_sow(SAMPLE)) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule(NOT_NULL, column="surnam"), "No column is called `surnam` in the result. Did you mean `surname`?"),
        (rule(NOT_NULL, colum="surname"), f"`{NOT_NULL}` needs `column`."),
        (rule(NOT_NULL, column=7), "`column` is a text."),
        (rule(NOT_NULL, column="surname", mostly=95), "`mostly` is a share: from 0 to 1."),
        (rule(NOT_NULL, column="surname", mostly=True), "`mostly` is a number."),
        (rule("expect_column_values_to_not_be_nul", column="surname"), "Did you mean `expect_column_values_to_not_be"),
        (rule("expect_column_values_to_be_increasing", column="surname"), "is not supported"),
        (rule("expect_column_values_to_be_between", column="surname", min_value=1), "compares numbers and dates"),
        (rule("expect_column_values_to_match_regex", column="date_of_birth", regex="1"), "reads text"),
        (rule("expect_column_mean_to_be_between", column="surname", min_value=1), "reads numbers"),
        (rule("expect_column_values_to_match_regex", column="surname", regex="(?=a)"), "knows no look-around"),
        (rule("expect_column_values_to_match_regex", column="surname", regex="(a"), "Not a regular expression"),
        (rule("expect_column_values_to_be_of_type", column="date_of_birth", type_="text"), "is DATE in the result"),
        (rule("expect_column_values_to_be_of_type", column="surname", type_="strng"), "There is no type `strng`"),
        (rule("expect_column_values_to_be_in_set", column="state", value_set="ACT"), "is a list of at least one"),
        (rule("expect_table_columns_to_match_ordered_list", column_list=["a"]), "They are: rec_id, given_name"),
        (rule("expect_table_columns_to_match_set", column_set=["a"]), "The result has other columns."),
        (rule("expect_column_to_exist", column="a"), "No column is called `a` in the result."),
        (rule("expect_table_column_count_to_equal", value=3), "The result has 12 columns."),
        ({"expectation_type": "x"}, "`expectation_type` is of an older form."),
        ("x", "An expectation is an object"),
    ],
)
def test_what_does_not_fit_is_said_at_its_place(found, given, expected):
    mistakes = found(given)
    assert any(expected in text for _, text in mistakes), mistakes
    assert all(line > 1 for line, _ in mistakes)


def test_every_mistake_is_found_at_once(found):
    mistakes = found(rule(NOT_NULL, column="a"), rule("x"), rule(NOT_NULL, column="state"), rule(NOT_NULL))
    assert [line for line, _ in mistakes] == [7, 11, 20] or len(mistakes) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"name": 1}', "[" * 5000, '{"a": 1, "a": 2}', "\x00"])
def test_what_is_no_suite_is_said(found, text):
    assert found(text=text or " ")


def test_a_file_that_is_no_text_is_said(tmp_path):
    path = tmp_path / "suite.json"
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in check_suite(path, None)[0].message
    assert "cannot be read" in check_suite(tmp_path, None)[0].message


def test_the_kinds_are_called_as_the_engine_calls_them():
    from backoffice.transform.sql import SQL_TYPES

    assert {kind: name.replace(" ", "").upper() for kind, name in SQL_TYPES.items()} == SQL_NAMES


def test_the_parameters_are_the_librarys_own():
    from backoffice.quality.library import import_library

    import_library()
    from great_expectations.expectations.registry import get_expectation_impl

    from backoffice.quality import metrics  # noqa: F401

    ours = {
        *("id", "meta", "notes", "result_format", "catch_exceptions", "rendered_content", "description", "severity"),
        *("windows", "batch_id", "library_metadata", *EVERY),
    }
    for kind in SUPPORTED:
        fields: Any = get_expectation_impl(kind).__fields__
        theirs = {f"{name}{'!' if one.required else ''}" for name, one in fields.items() if name not in ours}
        assert set(PARAMETERS[kind].split()) == theirs, kind
    assert set(PARAMETERS) == set(SUPPORTED)


def test_sow_check_shows_mistakes_of_the_suite_too(tmp_path):
    for folder in ("sow", "expectations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    suite = tmp_path / "expectations" / "acme" / "contacts.json"
    suite.write_text(suite.read_text().replace('"column": "state", "mostly"', '"column": "sate", "mostly"'))
    found = check_suites(load_sow(tmp_path / "sow" / "acme" / "contacts.yaml"))
    assert [one.hint for one in found] == ["Did you mean `state`?"]
    assert "^^^" in str(found[0])


TWO_TABLES = """output:
  format: zip
  filename: acme.zip
  files:
    - format: csv
      filename: contacts.csv
    - format: xlsx
      filename: by_state.xlsx
      sheets:
        - {name: Victoria, table: victoria, columns: [surname, rec_id]}
tables:
  victoria:
    steps:
      - step: trim
"""


@pytest.fixture
def of_two_tables(tmp_path: Path) -> Path:
    """A SOW that delivers a second table, `victoria`, and its suites' folder beside it."""
    for folder in ("sow", "expectations"):
        shutil.copytree(ROOT / folder / "acme", tmp_path / folder / "acme")
    sow = tmp_path / "sow" / "acme" / "contacts.yaml"
    before, _, after = sow.read_text().partition("output:\n")
    sow.write_text(before + TWO_TABLES + "approval:" + after.partition("\napproval:")[2])
    return sow


def rule_on(column: str) -> str:
    rule = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": column}}
    return json.dumps({"name": "s", "expectations": [rule]})


def test_the_suite_of_every_table_is_held_against_its_own_columns(of_two_tables: Path):
    agreed = load_sow(of_two_tables)
    suite_of(of_two_tables, "victoria").write_text(rule_on("rec_id"))
    assert check_suites(agreed) == []
    suite_of(of_two_tables, "victoria").write_text(rule_on("state"))
    (found,) = check_suites(agreed)
    assert (found.file.name, found.hint) == ("contacts.victoria.json", "Use one of: surname, rec_id.")
    assert "- `victoria`: " in in_words(agreed, None).replace("\\", "")


@pytest.mark.parametrize(
    ("table", "hint"), [("vctoria", "Did you mean `victoria`?"), ("result", "`result` is the main table")]
)
def test_a_suite_that_nothing_would_ever_be_held_against_is_a_mistake(of_two_tables: Path, table: str, hint: str):
    suite_of(of_two_tables, table).write_text(rule_on("rec_id"))
    (found,) = check_suites(load_sow(of_two_tables))
    assert f"No table `{table}`" in found.message or table == "result"
    assert hint in found.hint
