"""A suite is held to the columns that a result has now, and what people wrote stays as they wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backoffice.authoring.refreshing import Filling, new_suite, refresh
from backoffice.authoring.suite import check_suite
from backoffice.contract import Kind, load_sow, suite_of

ROOT = Path(__file__).resolve().parents[2]
SUITES = sorted((ROOT / "sow").glob("*/[!d]*.yaml"))
COLUMNS = {"id": Kind.TEXT, "name": Kind.TEXT, "born": Kind.DATE, "total": Kind.NUMBER}
SUITE = """{
  "notes": "ours",   "name": "s",
  "expectations": [
    {"type": "expect_table_columns_to_match_ordered_list",
     "kwargs": {"column_list": ["id", "name", "born", "total"]}, "notes": "the import reads by place"},
    {"type": "expect_column_values_to_not_be_null",   "kwargs": {"column": "name", "mostly": 0.9}, "notes": "théirs"},
    {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "id", "regex": "^]}[0-9]"}},
    {"type": "expect_compound_columns_to_be_unique", "kwargs": {"column_list": ["name", "born"]}},
    {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "total", "type_": "DECIMAL(18,6)"}},
    {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "total", "min_value": 1}}
  ],
  "meta": {"expectations": [1]}
}
"""


def without(*names: str, **more: Kind) -> dict[str, Kind]:
    return {name: kind for name, kind in COLUMNS.items() if name not in names} | more


@pytest.mark.parametrize("sow", SUITES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_suite_that_fits_stays_to_the_letter(sow: Path):
    agreed = load_sow(sow)
    text = suite_of(sow).read_text(encoding="utf-8")
    found = refresh(text, agreed.delivered[agreed.output.main.table])
    assert not found.dropped
    assert not found.changed
    assert found.text.startswith(text.rpartition("]")[0].rstrip()), "what stands there stays; more may follow"
    if "columns_to_match" in text:
        assert found.text == text


def test_rules_of_columns_that_are_gone_are_dropped_and_all_others_stay_to_the_letter():
    found = refresh(SUITE, without("born"))
    assert [one for one, _ in found.dropped] == ["`name` and `born` together do not repeat"]
    assert "`born`" in found.dropped[0][1]
    assert len(found.changed) == 1
    assert not found.added
    kept = [line for line in SUITE.splitlines() if "théirs" in line or "^]}[0-9]" in line or "DECIMAL" in line]
    assert len(kept) == 3
    assert all(line.strip().rstrip(",") in found.text for line in kept)
    read = json.loads(found.text)
    first = read["expectations"][0]
    assert first["kwargs"]["column_list"] == ["id", "name", "total"]
    assert first["notes"] == "the import reads by place"
    assert (read["notes"], read["meta"]) == ("ours", {"expectations": [1]})


def test_a_column_that_holds_something_else_keeps_what_still_can_be_asked_of_it():
    found = refresh(SUITE, without("total", total=Kind.TEXT))
    assert len(found.dropped) == 1
    assert "reads numbers" in found.dropped[0][1]
    types = [one["kwargs"]["type_"] for one in json.loads(found.text)["expectations"] if "type_" in one["kwargs"]]
    assert types == ["VARCHAR"]


def test_a_new_column_gets_its_type_and_what_a_test_file_shows():
    now = without(paid=Kind.BOOLEAN, customer_id=Kind.TEXT, remark=Kind.TEXT)
    filling = {"paid": Filling(20, 10, 2), "customer_id": Filling(20, 20, 20), "remark": Filling(20, 3, 3)}
    found = refresh(SUITE, now, filling)
    assert not found.dropped
    rules = {
        (one["type"], one["kwargs"].get("column")): one["kwargs"] for one in json.loads(found.text)["expectations"]
    }
    assert rules["expect_column_values_to_be_of_type", "paid"]["type_"] == "BOOLEAN"
    assert rules["expect_column_values_to_not_be_null", "paid"]["mostly"] == 0.45
    assert "mostly" not in rules["expect_column_values_to_not_be_null", "customer_id"]
    assert ("expect_column_values_to_be_unique", "customer_id") in rules
    assert not [column for _, column in rules if column == "remark"]
    assert refresh(found.text, now, filling).same, "once is enough"


def test_a_column_for_which_people_wanted_no_rule_gets_none_as_long_as_the_list_names_it():
    assert refresh(SUITE, COLUMNS, {"id": Filling(5, 5, 5), "born": Filling(5, 5, 5)}).same


def test_what_is_written_has_no_mistake(tmp_path: Path):
    sow = load_sow(ROOT / "sow" / "acme" / "contacts.yaml")
    columns = sow.delivered["result"]
    for found in (refresh(SUITE, columns), new_suite("acme_contacts", columns)):
        assert found.added
        path = tmp_path / "suite.json"
        path.write_text(found.text, encoding="utf-8")
        assert check_suite(path, sow.delivered["result"]) == []


def test_where_no_rule_can_stay_the_columns_are_still_held():
    text = '{"name": "s", "expectations": [{"type": "expect_column_max_to_be_between", "kwargs": {"column": "gone"}}]}'
    found = refresh(text, {"a": Kind.TEXT})
    assert len(found.dropped) == 1
    assert json.loads(found.text)["expectations"], "a suite without a rule is none"
