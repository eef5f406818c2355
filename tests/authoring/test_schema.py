"""The schemas take what `sow check` takes, refuse what it refuses for its form, and explain every key."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from backoffice.authoring.schema import FOLDER, dpa_schema, header, sow_schema
from backoffice.contract import step_model, step_names
from backoffice.contract.document import read

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(ROOT.glob("sow/*/*.yaml"))


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return {"sow": sow_schema(), "dpa": dpa_schema()}


def mistakes(schema: Any, data: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{list(one.absolute_path)}: {one.message[:80]}" for one in validator.iter_errors(data)]


def test_they_are_schemas(schemas):
    for one in schemas.values():
        jsonschema.Draft202012Validator.check_schema(one)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}_{path.stem}")
def test_a_file_without_mistakes_fits(schemas, path):
    assert mistakes(schemas["dpa" if path.stem == "dpa" else "sow"], read(path).data) == []


@pytest.mark.parametrize("name", sorted(step_names()))
def test_every_steps_example_fits(schemas, name):
    data = read(ROOT / "sow" / "acme" / "contacts.yaml").data
    steps = yaml.load(step_model(name).example.steps, Loader=yaml.BaseLoader)
    parsed = yaml.safe_load(step_model(name).example.steps)
    faults = mistakes(schemas["sow"], {**data, "steps": json.loads(json.dumps(parsed, default=str))})
    assert not faults or not mistakes(schemas["sow"], {**data, "steps": steps}), faults


MUTANTS = [
    lambda sow: sow.pop("owner"),
    lambda sow: sow.update(ownr="x"),
    lambda sow: sow.update(approval="maybe"),
    lambda sow: sow.update(signers=[]),
    lambda sow: sow.update(steps=[]),
    lambda sow: sow["steps"][0].update(step="tirm"),
    lambda sow: sow["steps"][0].pop("step"),
    lambda sow: sow["steps"][1].update(to="nmae"),
    lambda sow: sow["steps"][1].update(colums=["a"]),
    lambda sow: sow["steps"][1].pop("columns"),
    lambda sow: sow["steps"][3].update(formats="YYYY"),
    lambda sow: sow["input"].update(format="cvs"),
    lambda sow: sow["input"]["columns"].update(surname="optonal"),
    lambda sow: sow["input"].update(max_bytes="many"),
    lambda sow: sow["retention"]["results"].update(at_most_days=0),
    lambda sow: sow.update(inputs={"Bad Name": sow["input"]}),
]


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_does_not_fit(schemas, mutant):
    data = copy.deepcopy(read(ROOT / "sow" / "acme" / "contacts.yaml").data)
    mutant(data)
    assert mistakes(schemas["sow"], data)


def test_most_keys_are_explained(schemas):
    explained = total = 0
    for one in [schemas["sow"], *schemas["sow"]["$defs"].values()]:
        for key, value in one.get("properties", {}).items():
            total += 1
            explained += "description" in value or "$ref" in value or key in ("columns", "column")
    assert explained / total > 0.6, f"{explained} of {total}"


def test_the_files_that_editors_read_are_up_to_date(schemas):
    for name, one in schemas.items():
        kept = json.loads((ROOT / FOLDER / f"{name}.json").read_text())
        assert kept == json.loads(json.dumps(one)), "run `make steps`"


def test_the_header_leads_to_the_schema():
    path = header("sow").partition("$schema=")[2].strip()
    assert (ROOT / "sow" / "acme" / path).resolve() == ROOT / FOLDER / "sow.json"
