"""What a step of a SOW is. The steps themselves are in ``transform/steps/``, one file each.

They are found by name: ``step: trim`` is the module ``trim`` of one of :data:`STEP_PACKAGES`, loaded when a SOW asks
for it. So what was agreed does not depend on how it is carried out, a SOW costs no more to read than its own steps, and
a new step is one new file.
"""

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, SerializeAsAny
from pydantic_core import PydanticCustomError

from backoffice.contract.kind import Columns, Kind
from backoffice.contract.model import ColumnName, Model, TableId

__all__ = [
    "AnyColumn",
    "AnyStep",
    "DateColumn",
    "Example",
    "Family",
    "Found",
    "Made",
    "Named",
    "NewColumn",
    "NewTable",
    "NumberColumn",
    "Step",
    "TableName",
    "TextColumn",
    "Unreadable",
    "step_model",
    "step_names",
    "step_words",
]

STEP_PACKAGES = ("backoffice.transform.steps",)

Family = Literal["tables", "contacts", "products", "transactions", "documents"]
"""The page of the catalogue that a step stands on."""

Unreadable = Literal["blank", "keep", "reject", "stop"]
"""What becomes of a filled cell that the step cannot make sense of; it is counted whatever is chosen.

``blank`` empties it. ``keep`` leaves it as it was. ``reject`` takes the whole row out, into the table ``rejects``.
``stop`` refuses the file: the client hears how many cells of which columns, and sends it again.
"""


@dataclass(frozen=True)
class Found:
    """Marks a name in a step as a column that has to be there."""

    kinds: frozenset[Kind] | None = None
    """What it may hold; ``None``: anything."""
    table_field: str = ""
    """The step's field that names the table it is in; empty: the one that the step works on."""


@dataclass(frozen=True)
class Made:
    """Marks a name in a step as a column that the step makes."""

    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class _Table:
    made: bool


AnyColumn = Annotated[ColumnName, Found()]
TextColumn = Annotated[ColumnName, Found(frozenset({Kind.TEXT}))]
NumberColumn = Annotated[ColumnName, Found(frozenset({Kind.NUMBER, Kind.INTEGER}))]
DateColumn = Annotated[ColumnName, Found(frozenset({Kind.DATE, Kind.TIMESTAMP}))]
NewColumn = Annotated[ColumnName, Made()]
TableName = Annotated[TableId, _Table(made=False)]
"""An input, a look-up or a table of the SOW that the step reads besides its own."""
NewTable = Annotated[TableId, _Table(made=True)]
"""A further table that the step makes: to deliver, or to work on in ``tables``."""


@dataclass(frozen=True)
class Named:
    """A column or a table that a step names."""

    loc: tuple[str | int, ...]
    """The way to it within the step."""
    name: str
    mark: Found | Made | _Table

    def allows(self, kind: Kind) -> bool:
        """Whether the column may hold that."""
        return not isinstance(self.mark, Found) or self.mark.kinds is None or kind in self.mark.kinds


@dataclass(frozen=True)
class Example:
    """A step at work: what it does to a small table."""

    steps: str
    """A piece of a SOW, as it stands under ``steps:``."""
    before: str
    """The table ``input``, as CSV."""
    after: str
    """The table ``result``, as CSV."""
    tables: Mapping[str, str] = field(default_factory=dict)
    """Further inputs by name, as CSV."""
    made: Mapping[str, str] = field(default_factory=dict)
    """Further tables that the step makes, as CSV."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files beside the SOW, by name."""


class Step(Model):
    """One instruction of a SOW, carried out on the table that the step before it left.

    A step is one module in ``transform/steps/``, named after it: what can be said in YAML (the fields), what it does to
    the columns (``columns_after``), in words (``words``) and as SQL (``compile``). Columns and tables are found by their
    types (:data:`TextColumn`, :data:`NewColumn`, :data:`TableName`, …): nothing else has to be said about them.
    """

    step: Any
    """The step's name; each step narrows it to its own."""

    family: ClassVar[Family] = "tables"
    example: ClassVar[Example]
    """What the catalogue shows, and a test runs."""
    blanks: ClassVar[str] = "Empty cells stay empty."
    """What it does with an empty cell."""

    def words(self) -> str:
        """What the step does, in words for the client to sign."""
        raise NotImplementedError

    def columns_after(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, Kind]:  # noqa: ARG002
        """The columns that the step leaves, given those it finds and the other tables of the SOW.

        Unless a step says otherwise: those that were there, and those it makes.
        """
        after = dict(columns)
        for one in self.names():
            if isinstance(one.mark, Made):
                after[one.name] = one.mark.kind
        return after

    def tables_made(self, columns: Columns, tables: Mapping[str, Columns]) -> dict[str, dict[str, Kind]]:  # noqa: ARG002
        """The further tables that the step makes, and their columns."""
        return {}

    def faults(self, columns: Columns) -> Iterator[tuple[tuple[str | int, ...], str, str]]:  # noqa: ARG002
        """What does not fit the columns it finds, beyond their names and kinds: place in the step, fault, what to do."""
        yield from ()

    def faults_between(
        self,
        columns: Columns,  # noqa: ARG002
        tables: Mapping[str, Columns],  # noqa: ARG002
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """As ``faults``, for a step that looks at other tables of the SOW too."""
        yield from ()

    def proof(
        self,
        columns: Columns,  # noqa: ARG002
        tables: Mapping[str, Columns],  # noqa: ARG002
    ) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        """As ``faults_between``, of what only heavy libraries can tell: not asked where DAGs are parsed."""
        yield from ()

    def beside(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Files of ours in the SOW's folder that the step is made of: place in the step, name. They count as the SOW's."""
        yield from ()

    def beside_faults(self, name: str, content: bytes) -> Iterator[tuple[tuple[str | int, ...], str, str]]:  # noqa: ARG002
        """What is wrong with such a file. Asked where ``proof`` is."""
        yield from ()

    def compile(self, source: Any) -> Any:
        """The step as SQL, given what it reads: a ``Source`` of ``backoffice.transform.compiling`` to a ``Fragment``."""
        raise NotImplementedError

    def names(self) -> Iterator[Named]:
        """Every column and table that the step names, with its place."""
        yield from _names(type(self), self, ())

    def table(self, field: str) -> str:
        """The name in one of the step's fields."""
        return str(getattr(self, field))


def _names(model: type[Model], value: Model, loc: tuple[str | int, ...]) -> Iterator[Named]:
    for name, annotation in _hints(model).items():
        yield from _within(annotation, getattr(value, name), (*loc, name))


def _within(annotation: Any, value: Any, loc: tuple[str | int, ...]) -> Iterator[Named]:
    if value is None:
        return
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        mark = next((one for one in parts[1:] if isinstance(one, Found | Made | _Table)), None)
        if mark is None:
            yield from _within(parts[0], value, loc)
        elif isinstance(value, str):
            yield Named(loc, value, mark)
    elif origin in (Union, UnionType):
        for part in parts:
            yield from _within(part, value, loc)
    elif origin is tuple and isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _within(parts[0], one, (*loc, index))
    elif origin is dict and isinstance(value, dict):
        for key, one in value.items():
            yield from _within(parts[0], key, (*loc, key))
            yield from _within(parts[1], one, (*loc, key))
    elif isinstance(annotation, type) and issubclass(annotation, Model) and isinstance(value, annotation):
        yield from _names(type(value), value, loc)


@cache
def _hints(model: type[Model]) -> dict[str, Any]:
    hints = typing.get_type_hints(model, include_extras=True)
    return {field: hints[field] for field in model.model_fields}


def step_words(step: Step) -> str:
    """What ``step`` does, in words for an operator."""
    return step.words()


@lru_cache(maxsize=1)
def step_names() -> dict[str, str]:
    """Every step that a SOW can ask for -> its module. Nothing is loaded."""
    found = {}
    for package in STEP_PACKAGES:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
            found[module.name] = f"{package}.{module.name}"
    return dict(sorted(found.items()))


@cache
def step_model(name: str) -> type[Step]:
    """The model of one step.

    :raises KeyError: there is none of that name.
    """
    module = importlib.import_module(step_names()[name])
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Step) and found.model_fields["step"].default == name:
            return found
    raise KeyError(name)


def _read(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return raw
    name = raw.get("step")
    if name is None:
        raise PydanticCustomError("step_missing", "This step does not say which it is.")
    if not isinstance(name, str) or name not in step_names():
        raise PydanticCustomError("step_unknown", "There is no such step.", {"name": str(name)})
    return step_model(name).model_validate(raw)


AnyStep = Annotated[SerializeAsAny[Step], BeforeValidator(_read)]
"""A step, read by the model that its name stands for."""
