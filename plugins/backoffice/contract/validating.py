"""From a document to a model: every mistake at once, in plain words, at its place."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from backoffice.contract.document import Document, Loc
from backoffice.contract.mistakes import Mistake, closest, did_you_mean, one_of
from backoffice.contract.step import Step, step_model, step_names

__all__ = ["validate"]

_M = TypeVar("_M", bound=BaseModel)


def validate(document: Document, model: type[_M]) -> tuple[_M | None, list[Mistake]]:
    """``document`` as a ``model``, or its mistakes."""
    details: list[Any] = []
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    meant: set[Loc] = {
        (*detail["loc"][:-1], _meant(document, model, detail["loc"]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    return None, [_mistake(document, model, one) for one in details if not _follows_from_another(one, meant)]


def _follows_from_another(detail: Any, meant: set[Loc]) -> bool:
    """A key is missing because it is misspelt; a list is too short because what is in it is wrong."""
    if detail["type"] == "missing":
        return tuple(detail["loc"]) in meant
    return detail["type"] == "too_short" and bool(detail["input"])


def _meant(document: Document, model: type[BaseModel], loc: Loc) -> str:
    _, models = _follow(document, model, loc)
    close = closest(loc[-1], (key for one in models for key in one.model_fields))
    return close or ""


def _mistake(document: Document, model: type[BaseModel], detail: Any) -> Mistake:
    kind, context, given = detail["type"], detail.get("ctx", {}), detail.get("input")
    loc, models = _follow(document, model, detail["loc"])
    name = f"`{detail['loc'][-1]}`" if detail["loc"] else "this"
    if kind == "missing":
        return document.mistake(loc, f"{name} is missing.", hint=_purpose(models, detail["loc"][-1]), key=True)
    if kind == "extra_forbidden":
        known = sorted({key for one in models for key in one.model_fields})
        hint = did_you_mean(detail["loc"][-1], known) or one_of(known)
        return document.mistake(loc, f"Unknown key {name}.", hint=hint, key=True)
    if kind == "step_missing":
        hint = f"Begin with `step:`. {one_of(step_names())}"
        return document.mistake(loc, "This step does not say which it is.", hint=hint)
    if kind == "step_unknown":
        hint = did_you_mean(context["name"], step_names()) or one_of(step_names())
        return document.mistake((*loc, "step"), f"There is no step `{context['name']}`.", hint=hint)
    if kind == "union_tag_not_found":
        hint = one_of(_tags(models, detail["loc"][-1]))
        return document.mistake(loc, f"{name} does not say its `format`.", hint=f"Begin with `format:`. {hint}".strip())
    if kind == "union_tag_invalid":
        known = re.findall(r"'([^']*)'", context["expected_tags"])
        hint = did_you_mean(context["tag"], known) or one_of(known)
        return document.mistake((*loc, "format"), f"There is no format `{context['tag']}` here.", hint=hint)
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        hint = did_you_mean(given, choices) or one_of(choices)
        return document.mistake(loc, f"{_shown(given)} is not known here.", hint=hint)
    if kind == "value_error":
        message = str(context["error"])
        return document.mistake(loc, message[0].upper() + message[1:] + ("" if message[-1] in ".?" else "."))
    return document.mistake(loc, _type_message(kind, context, given, detail["msg"]))


def _type_message(kind: str, context: Any, given: Any, said: str) -> str:
    expected = {
        "string_type": "text", "string_too_short": "text", "bool_parsing": "`true` or `false`",
        "bool_type": "`true` or `false`", "int_parsing": "a whole number", "int_type": "a whole number",
        "int_from_float": "a whole number", "float_parsing": "a number", "float_type": "a number",
        "dict_type": "a mapping (lines of `key: value`)", "model_type": "a mapping (lines of `key: value`)",
        "model_attributes_type": "a mapping (lines of `key: value`)", "tuple_type": "a list", "list_type": "a list",
        "date_from_datetime_parsing": "a date that exists, as YYYY-MM-DD", "date_parsing": "a date, as YYYY-MM-DD",
        "date_type": "a date, as YYYY-MM-DD",
        "string_pattern_mismatch": "a short name: lower case, digits and hyphens",
    }.get(kind)  # fmt: skip
    if kind == "string_pattern_mismatch" and "_" in context["pattern"]:
        expected = "a short name: lower case, digits and underscores"
    bounds = {"greater_than_equal": "ge", "less_than_equal": "le", "greater_than": "gt", "less_than": "lt"}
    if kind in bounds:
        words = {"ge": "{} or more", "le": "{} or less", "gt": "more than {}", "lt": "less than {}"}
        expected = words[bounds[kind]].format(context[bounds[kind]])
    if kind == "too_short":
        expected = "at least one entry"
    if expected is None:
        return f"{_shown(given)} is not right here: {said[0].lower()}{said[1:]}."
    quotes = " Put it in quotes." if expected == "text" and isinstance(given, int | float) else ""
    return f"Expected {expected}, not {_shown(given)}.{quotes}"


def _shown(given: Any) -> str:
    if given is None or given == "":
        return "nothing"
    if isinstance(given, bool):
        return f"`{str(given).lower()}`"
    if given in ([], (), {}):
        return "none"
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list | tuple):
        return "a list"
    text = str(given)
    return f"`{text[:57]}…`" if len(text) > 60 else f"`{text}`"


def _tags(models: list[type[BaseModel]], field: Any) -> list[str]:
    """The formats that a field with a union of models knows."""
    found = [one.model_fields[field].annotation for one in models if field in one.model_fields]
    parts = [part for annotation in found for part in _flat(annotation)]
    return [tag for part in parts if isinstance(part, type) and issubclass(part, BaseModel) for tag in _tag(part)]


def _purpose(models: list[type[BaseModel]], key: Any) -> str:
    """What a missing key takes, where that can be said in a line."""
    for one in models:
        known = one.model_fields.get(str(key))
        if known is not None:
            literal = next((part for part in _flat(known.annotation) if get_origin(part) is Literal), None)
            if literal is not None:
                return one_of([str(choice) for choice in get_args(literal)])
            return f"Add `{key}:`."
    return ""


def _follow(document: Document, model: type[BaseModel], loc: Loc) -> tuple[Loc, list[type[BaseModel]]]:
    """The way in the file that pydantic's ``loc`` means, and the models that hold its last element.

    pydantic adds elements of its own: the tag of a union, ``[key]`` for a mapping's key. The file has none for them.
    """
    way: Loc = ()
    types_here: list[Any] = [model]
    holders: list[type[BaseModel]] = [model]
    for element in loc:
        types_here = [_step_at(document, way) if part is Step else part for part in types_here]
        models = [part for part in types_here if isinstance(part, type) and issubclass(part, BaseModel)]
        holders = models or holders
        if (*way, element) in document.values:
            way = (*way, element)
        narrowed = [one for one in models if element in _tag(one)]
        types_here = narrowed or [part for one in types_here for part in _within(one, element)]
        if narrowed:
            holders = narrowed
    return way, holders


def _step_at(document: Document, way: Loc) -> type[BaseModel]:
    found: Any = document.data
    for key in way:
        found = found[key]
    name = found.get("step") if isinstance(found, dict) else None
    return step_model(name) if isinstance(name, str) and name in step_names() else Step


def _tag(model: type[BaseModel]) -> tuple[Any, ...]:
    known = model.model_fields.get("format")
    return get_args(known.annotation) if known is not None and get_origin(known.annotation) is Literal else ()


def _within(annotation: Any, element: Any) -> Iterator[Any]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        known = annotation.model_fields.get(str(element))
        if known is not None:
            yield from _flat(known.annotation)
    elif get_origin(annotation) in (tuple, list, dict):
        for part in get_args(annotation):
            if part is not Ellipsis:
                yield from _flat(part)


def _flat(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _flat(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _flat(part)
    else:
        yield annotation
