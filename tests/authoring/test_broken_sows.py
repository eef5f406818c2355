"""Sample SOWs, broken in hundreds of ways: each mistake has a place, and nothing is ever a traceback."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.authoring.suite import check_suite
from backoffice.contract import ContractFileError, check, load_sow, step_model, step_names
from backoffice.contract.document import read
from backoffice.errors import ContractError

ROOT = Path(__file__).resolve().parents[2]
SOWS = sorted(path for path in ROOT.glob("sow/*/*.yaml") if path.name != "dpa.yaml")
WRONG: list[Any] = [
    None,
    "",
    "x",
    7,
    -1,
    1.5,
    True,
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    [{"step": "trim"}],
    "ä" * 300,
    "a: b",
]


def places(data: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a document."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from places(value, (*way, key))


def broken(data: Any, way: tuple[Any, ...], how: str, wrong: Any) -> Any:
    """A copy of ``data``, broken in one place."""
    found = copy.deepcopy(data)
    holder = found
    for key in way[:-1]:
        holder = holder[key]
    last = way[-1]
    if how == "delete":
        del holder[last]
    elif how == "rename" and isinstance(holder, dict):
        holder[f"{last}x"] = holder.pop(last)
    elif how == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))
    else:
        holder[last] = wrong
    return found


def assert_placed(path: Path) -> None:
    """Either it has no mistake, or each has a place in one of the files."""
    try:
        check(path)
    except ContractFileError as error:
        assert error.mistakes
        for one in error.mistakes:
            lines = one.file.read_text().split("\n")
            assert 1 <= one.place.line <= len(lines) + 1
            assert one.message.endswith((".", "?")), one.message
            assert str(one).startswith(f"{one.file}:{one.place.line}:{one.place.column}: ")
    except ContractError as error:
        assert str(error)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "sow", tmp_path / "sow")
    return tmp_path


@pytest.mark.parametrize("source", SOWS, ids=lambda path: f"{path.parent.name}_{path.stem}")
def test_a_broken_sow_is_told_with_places(source: Path, checkout: Path):
    data = read(source).data
    chooser = random.Random(source.name)
    target = checkout / source.relative_to(ROOT)
    ways = list(places(data))
    chosen = [(way, how, None) for way in ways for how in ("delete", "rename")]
    chosen += [(way, "wrong", chooser.choice(WRONG)) for way in ways for _ in range(2)]
    chosen += [(way, "twice", None) for way in ways if isinstance(way[-1], int)]
    for way, how, wrong in chooser.sample(chosen, min(len(chosen), 250)):
        target.write_text(yaml.safe_dump(broken(data, way, how, wrong), sort_keys=False, allow_unicode=True))
        assert_placed(target)


@pytest.mark.parametrize("source", SOWS, ids=lambda path: f"{path.parent.name}_{path.stem}")
def test_a_sow_cut_or_changed_anywhere_is_told_with_places(source: Path, checkout: Path):
    text = source.read_text()
    chooser = random.Random(source.name)
    target = checkout / source.relative_to(ROOT)
    for _ in range(80):
        start = chooser.randrange(len(text))
        how = chooser.randrange(3)
        if how == 0:
            changed = text[:start]
        elif how == 1:
            changed = text[:start] + text[start + chooser.randrange(1, 30) :]
        else:
            changed = text[:start] + chooser.choice("{}[]:-#&*!|>'\"%@`,?\t\n\x07\u2028é") + text[start:]
        target.write_text(changed)
        assert_placed(target)


@pytest.mark.parametrize("name", sorted(step_names()))
def test_a_broken_step_is_told_with_places(name: str, checkout: Path):
    target = checkout / "sow" / "acme" / "contacts.yaml"
    whole = yaml.safe_load((ROOT / "sow" / "acme" / "contacts.yaml").read_text())
    example = yaml.safe_load(step_model(name).example.steps)
    chooser = random.Random(name)
    ways = [way for way in places(example) if way[-1] != "step"]
    for _ in range(12):
        way = chooser.choice(ways)
        how = chooser.choice(["delete", "rename", "wrong", "wrong", "wrong", "twice"])
        steps = broken(example, way, how, chooser.choice(WRONG))
        target.write_text(yaml.safe_dump({**whole, "steps": steps}, sort_keys=False, allow_unicode=True))
        assert_placed(target)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                         lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(
                             ["name", "expectations", "type", "kwargs", "column", "mostly", "value_set", "x"]),
                             one | st.sampled_from(["expect_column_values_to_be_in_set", "state"]), max_size=4),
                         max_leaves=12))  # fmt: skip
def test_any_json_is_told_or_is_a_suite(tmp_path: Path, data: Any):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(data))
    sow = load_sow(ROOT / "sow" / "acme" / "contacts.yaml")
    for one in check_suite(path, sow.delivered["result"]):
        assert one.place.line >= 1
        assert one.message


def test_a_broken_suite_is_told_with_places(tmp_path: Path):
    source = ROOT / "expectations" / "acme" / "contacts.json"
    data = json.loads(source.read_text())
    sow = load_sow(ROOT / "sow" / "acme" / "contacts.yaml")
    path = tmp_path / "suite.json"
    chooser = random.Random(1)
    for way in places(data):
        for how in ("delete", "rename", "wrong"):
            path.write_text(json.dumps(broken(data, way, how, chooser.choice(WRONG)), indent=1))
            for one in check_suite(path, sow.delivered["result"]):
                assert one.place.line >= 1
                assert one.source or one.place.line == 1
