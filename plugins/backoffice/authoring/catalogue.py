"""The catalogue of steps, made from the code: what there is to say about each stands in its own file."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from backoffice.authoring.notes import about, field_notes, type_notes
from backoffice.contract import Kind, step_model, step_names
from backoffice.contract.step import Example, Family, Found, Made

__all__ = ["Entry", "Key", "catalogue", "entry", "families"]


@dataclass(frozen=True)
class Key:
    """One key that can be said in YAML."""

    name: str
    takes: str
    """In words: a text column; a list of numbers."""
    default: str | None
    """As YAML; ``None``: it has to be said."""
    note: str
    keys: tuple[Key, ...] = ()
    """Of the mapping that it takes."""

    def flat(self, before: str = "") -> Iterator[tuple[str, Key]]:
        """This key and those within, each with its way from the step: ``keep.column``."""
        yield before + self.name, self
        for one in self.keys:
            yield from one.flat(f"{before}{self.name}.")


@dataclass(frozen=True)
class Entry:
    """One step."""

    name: str
    family: str
    text: str
    keys: tuple[Key, ...]
    blanks: str
    example: Example

    @property
    def first_sentence(self) -> str:
        """What it does, in a line."""
        return self.text.split("\n\n")[0].split(". ")[0].rstrip(".") + "."


def catalogue() -> list[Entry]:
    """Every step, by family and name. Loads them all."""
    order = families()
    return sorted(map(entry, step_names()), key=lambda one: (order.index(one.family), one.name))


def families() -> list[str]:
    """The families, in the catalogue's order."""
    return list(get_args(Family))


@cache
def entry(name: str) -> Entry:
    """One step.

    :raises KeyError: there is none of that name.
    """
    model = step_model(name)
    keys = tuple(one for one in keys_of(model) if one.name != "step")
    return Entry(name, model.family, about(model), keys, model.blanks, model.example)


def keys_of(model: type[BaseModel], within: tuple[type[BaseModel], ...] = ()) -> list[Key]:
    """The keys of a mapping."""
    hints = typing.get_type_hints(model, include_extras=True)
    notes, types_ = field_notes(model), type_notes(model)
    found = []
    for name, field in model.model_fields.items():
        inner = [one for one in _models(hints[name]) if one is not model and one not in within]
        keys = {key.name: key for one in inner for key in keys_of(one, (*within, model))}
        note = " ".join(filter(None, (notes.get(name, ""), types_.get(name, ""), _limits(field))))
        found.append(Key(name, _words(hints[name]), _default(field), note, tuple(keys.values())))
    return found


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def _limits(field: FieldInfo) -> str:
    words = {"ge": "{} or more", "gt": "more than {}", "le": "{} or less", "lt": "less than {}"}
    found = []
    for mark in field.metadata:
        found += [text.format(value) for key, text in words.items() if (value := getattr(mark, key, None)) is not None]
    text = ", ".join(found)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _words(annotation: Any, *, many: bool = False) -> str:
    """A type, as an author would say it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _marked(parts[1:], many=many) or _words(parts[0], many=many)
    if origin in (Union, types.UnionType):
        said = dict.fromkeys(_words(part, many=many) for part in parts if part is not type(None))
        return " or ".join(said)
    if origin is Literal:
        return _listed(f"`{str(part).lower() if isinstance(part, bool) else part}`" for part in parts)
    if origin in (tuple, list, frozenset, set):
        return ("lists of " if many else "a list of ") + _words(parts[0], many=True)
    if origin is dict:
        return (
            f"{'mappings' if many else 'a mapping'} of {_words(parts[0], many=True)} to {_words(parts[1], many=True)}"
        )
    known = {str: ("text", "text"), int: ("a whole number", "whole numbers"), float: ("a number", "numbers")}
    if annotation in known:
        return known[annotation][many]
    if annotation is bool:
        return "`true` or `false`"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mappings" if many else "a mapping"
    called = getattr(annotation, "__name__", "anything").lower()
    return {"decimal": "numbers" if many else "a number", "date": "dates" if many else "a date"}.get(called, called)


def _marked(marks: tuple[Any, ...], *, many: bool) -> str:
    for mark in marks:
        if isinstance(mark, Found):
            kind = _kind_words(mark.kinds)
            of = f" of the table in `{mark.table_field}`" if mark.table_field else ""
            return f"{kind} columns{of}".strip() if many else f"a {kind} column{of}".replace("  ", " ")
        if isinstance(mark, Made):
            return "new columns" if many else "a new column"
        if type(mark).__name__ == "_Table":
            new = "new " if mark.made else ""
            return f"{new}tables" if many else f"a {new}table"
    return ""


def _kind_words(kinds: Iterable[Kind] | None) -> str:
    if kinds is None:
        return ""
    shown = {one for one in kinds if not (one is Kind.INTEGER and Kind.NUMBER in kinds)}
    shown -= {Kind.TIMESTAMP} if Kind.DATE in shown else set()
    return " or ".join(sorted(shown))


def _listed(words: Iterable[str]) -> str:
    said = list(words)
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in get_args(annotation) for one in _models(part)]
