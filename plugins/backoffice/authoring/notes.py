"""What the code says about itself: the sentences under a model's fields and under the types that they are made of.

Python forgets a text below an attribute; the source has it. So there is one place to explain a field: where it is.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from typing import Any

from pydantic import BaseModel

__all__ = ["about", "field_notes", "text_below", "type_notes"]

_PLAIN = {
    *("Text", "TextColumn", "AnyColumn", "NumberColumn", "DateColumn", "NewColumn", "TableName", "NewTable"),
    "Unreadable",
}
"""Types that a catalogue says in its own words, or once for all steps."""


def about(thing: Any) -> str:
    """The docstring of a class or module in plain Markdown, lines of a paragraph joined; without roles of Sphinx."""
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", inspect.getdoc(thing) or "")
    return "\n\n".join(" ".join(part.split()) for part in text.replace("``", "`").split("\n\n"))


@cache
def field_notes(model: type[BaseModel]) -> dict[str, str]:
    """Each field of ``model``, inherited ones too, and the text below it; a field without one is left out."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found |= {name: text for name, (_, text) in _fields(one).items() if text}
    return {name: text for name, text in found.items() if name in model.model_fields}


@cache
def type_notes(model: type[BaseModel]) -> dict[str, str]:
    """Each field of ``model``, and the texts below the named types that it is made of, like a date's format."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            for name, (annotation, _) in _fields(one).items():
                names = [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]
                names = [used for used in names if used not in _PLAIN]
                found[name] = " ".join(
                    filter(None, (text_below(one.__module__, used) for used in dict.fromkeys(names)))
                )
    return {name: text for name, text in found.items() if text and name in model.model_fields}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def _fields(model: type[BaseModel]) -> dict[str, tuple[ast.expr, str]]:
    for node in ast.walk(_tree(model.__module__)):
        if isinstance(node, ast.ClassDef) and node.name == model.__name__:
            return {
                one.target.id: (one.annotation, text)
                for one, text in _with_texts(node.body)
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            }
    return {}


@cache
def text_below(module: str, name: str) -> str:
    """The text below a named type or constant, in the module itself or where it is imported from."""
    for one, text in _with_texts(_tree(module).body):
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return text
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("backoffice."):
            for imported in one.names:
                if (imported.asname or imported.name) == name:
                    return text_below(str(one.module), imported.name)
    return ""


def _with_texts(body: list[ast.stmt]) -> list[tuple[ast.stmt, str]]:
    found = []
    for one, after in zip(body, [*body[1:], None], strict=True):
        text = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            text = " ".join(re.sub(r":\w+:`~?([^`]*)`", r"`\1`", inspect.cleandoc(after.value.value)).split())
        found.append((one, text.replace("``", "`")))
    return found
