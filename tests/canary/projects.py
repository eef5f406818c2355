"""Projects beside the samples: what the samples do not read, and what breaks on a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

__all__ = ["CLIENT", "add_projects"]

CLIENT = "canary"
_COLUMNS: dict[str, Any] = {"id": "required", "name": "required"}

_RAISES = """\
def look(batches):
    for batch in batches:
        cell = batch["name"][0].as_py()
        raise type(cell, (ValueError,), {})(f"cannot make sense of {cell}")
        yield batch
"""

_PROJECTS: dict[str, dict[str, Any]] = {
    "books": {"input": {"format": "xlsx", "columns": _COLUMNS}, "steps": [{"step": "trim"}]},
    "lines": {
        "input": {"format": "jsonl", "columns": _COLUMNS, "extra_columns": "drop"},
        "steps": [{"step": "case", "columns": ["name"], "to": "upper"}],
    },
    "raises": {
        "input": {"format": "csv", "columns": _COLUMNS},
        "steps": [
            {"step": "python", "module": "looking", "function": "look", "columns": {"id": "text", "name": "text"}}
        ],
    },
    "casts": {
        "input": {"format": "csv", "columns": _COLUMNS},
        "steps": [
            {
                "step": "sql",
                "query": "select _row, id, cast(name as integer) as name from input",
                "columns": {"id": "text", "name": "integer"},
            }
        ],
    },
}


def add_projects(root: Path) -> None:
    """Put them into a root folder with the samples, which no longer wait for a person."""
    for sample in ("klarblick/invoices", "nordwind/pricelist"):
        file = root / "sow" / f"{sample}.yaml"
        file.write_text(file.read_text().replace("approval: true", "approval: false"))
    folder, suites = root / "sow" / CLIENT, root / "expectations" / CLIENT
    folder.mkdir()
    suites.mkdir()
    agreement = yaml.safe_load((root / "sow" / "acme" / "dpa.yaml").read_text())
    agreement["client"] = CLIENT
    agreement["data"]["columns"] = list(_COLUMNS)
    (folder / "dpa.yaml").write_text(yaml.safe_dump(agreement))
    (folder / "looking.py").write_text(_RAISES)
    dag = (root / "dags" / "acme_contacts.py").read_text()
    for name, what in _PROJECTS.items():
        sow = {
            "title": "A list of names",
            "owner": "tests",
            "description": "It is read, and what becomes of it is looked for.",
            "purpose": "contact-maintenance",
            **what,
            "output": {"format": "csv", "filename": f"{name}.csv"},
            "approval": False,
            "retention": {"results": {"until": "acceptance", "at_most_days": 14}},
            "signers": [CLIENT],
        }
        (folder / f"{name}.yaml").write_text(json.dumps(sow))
        rule = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "max_value": 100_000}}
        suite = {"name": f"{CLIENT}_{name}", "expectations": [rule], "meta": {"great_expectations_version": "1.24.1"}}
        (suites / f"{name}.json").write_text(json.dumps(suite))
        (root / "dags" / f"{CLIENT}_{name}.py").write_text(dag.replace("acme_contacts", f"{CLIENT}_{name}"))
