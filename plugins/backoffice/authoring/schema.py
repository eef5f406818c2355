"""JSON Schemas of SOW and DPA, for editors: they complete keys, explain them, and underline what cannot be.

A schema says less than ``sow check``: which columns are there at a step is beyond it.
"""

from __future__ import annotations

import json
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from backoffice.authoring.notes import about, field_notes, text_below, type_notes
from backoffice.contract import Dpa, Sow, Step, step_model, step_names

__all__ = ["FOLDER", "dpa_schema", "header", "sow_schema", "write_schemas"]

FOLDER = Path("sow") / ".schema"
"""Where they are kept in a checkout, beside the clients' folders."""
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class _Explained(GenerateJsonSchema):
    """What the code says about each field goes with it."""

    def model_schema(self, schema: Any) -> Any:
        """A model's schema, with a description wherever the code has one."""
        found = super().model_schema(schema)
        model = schema["cls"]
        notes, types = field_notes(model), type_notes(model)
        for name, one in found.get("properties", {}).items():
            if text := " ".join(filter(None, (notes.get(name, ""), types.get(name, ""), _shared(model, name)))):
                one["description"] = text
        found["description"] = about(model)
        for one in found.get("properties", {}).values():
            one.pop("title", None)  # the key again, in capitals
        return found

    def int_schema(self, schema: Any) -> Any:
        """A whole number; ``200_000_000`` is one too, and text to YAML."""
        return {**super().int_schema(schema), "type": ["integer", "string"], "pattern": "^[0-9]+(_[0-9]+)*$"}

    def dict_schema(self, schema: Any) -> Any:
        """A mapping; no key but those that fit."""
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found


def sow_schema() -> dict[str, Any]:
    """The schema of a SOW. Loads every step."""
    steps = [step_model(name) for name in step_names()]
    both: Any = tuple.__class_getitem__((Sow, reduce(or_, steps)))
    made = TypeAdapter(both).json_schema(schema_generator=_Explained)
    parts, rest = made["prefixItems"], made["$defs"]
    union = parts[1].get("anyOf", [parts[1]])
    for reference, model in zip(union, steps, strict=True):
        one = rest[reference["$ref"].rpartition("/")[2]]
        one["required"] = ["step", *(key for key in one.get("required", []) if key != "step")]
        one["properties"]["step"] = {"const": model.model_fields["step"].default, "description": _line(model)}
    rest["Step"] = {
        "description": about(Step).split("\n\n")[0],
        "type": "object",
        "required": ["step"],
        "properties": {"step": {"enum": list(step_names())}},
        "oneOf": union,
        "discriminator": {"propertyName": "step"},
    }
    return _whole(rest.pop(parts[0]["$ref"].rpartition("/")[2]), rest, "Statement of Work")


def dpa_schema() -> dict[str, Any]:
    """The schema of a DPA."""
    made = Dpa.model_json_schema(schema_generator=_Explained)
    return _whole(made, made.pop("$defs", {}), "Data Processing Agreement")


def write_schemas(folder: Path) -> list[Path]:
    """Write both to ``folder``, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, one in (("sow", sow_schema()), ("dpa", dpa_schema())):
        written.append(folder / f"{name}.json")
        written[-1].write_text(json.dumps(one, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return written


def header(kind: Literal["sow", "dpa"], *, levels: int = 1) -> str:
    """The first line of a YAML file, by which editors find its schema. ``levels``: how deep it lies below ``sow/``."""
    return f"# yaml-language-server: $schema={'../' * levels}{FOLDER.name}/{kind}.json\n"


def _whole(root: dict[str, Any], rest: dict[str, Any], title: str) -> dict[str, Any]:
    return {"$schema": _DRAFT, **root, "title": title, "$defs": dict(sorted(rest.items()))}


def _shared(model: type[Any], name: str) -> str:
    """What a key means that many steps have."""
    return text_below(Step.__module__, "Unreadable") if name == "unreadable" and issubclass(model, Step) else ""


def _line(model: type[Step]) -> str:
    return about(model).split("\n\n")[0]
