"""DuckDB's column types, in the form in which Great Expectations compares them.

The library compares a column's type with an expected one by asking a *module* for a class of the expected name, and
whether the column's type object is an instance of it. So every DuckDB type gets a class here, made on first use, named
as DuckDB writes it (``VARCHAR``, ``DATE``, ``DECIMAL(18,3)``).
"""

from __future__ import annotations

import types
from functools import cache
from typing import Any

__all__ = ["TypeNames", "column_type"]

# DuckDB's own synonyms (documentation, "Data Types"), spelled as it reports them.
SYNONYMS = {
    "BIGINT": "BIGINT INT8 LONG",
    "BIT": "BIT BITSTRING",
    "BLOB": "BLOB BYTEA BINARY VARBINARY",
    "BOOLEAN": "BOOLEAN BOOL LOGICAL",
    "DOUBLE": "DOUBLE FLOAT8",
    "FLOAT": "FLOAT FLOAT4 REAL",
    "INTEGER": "INTEGER INT4 INT SIGNED",
    "SMALLINT": "SMALLINT INT2 SHORT",
    "TIMESTAMP": "TIMESTAMP DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
    "TINYINT": "TINYINT INT1",
    "VARCHAR": "VARCHAR CHAR BPCHAR TEXT STRING",
    "DECIMAL": "DECIMAL NUMERIC",
}
PLAIN = "DATE TIME INTERVAL UUID JSON HUGEINT UHUGEINT UBIGINT UINTEGER USMALLINT UTINYINT TIMESTAMP_S TIMESTAMP_MS"
CANONICAL = {alias: name for name, aliases in SYNONYMS.items() for alias in (name, *aliases.split())}
CANONICAL |= {name: name for name in PLAIN.split()}


def canonical(name: str) -> str | None:
    """DuckDB's own spelling of a type, ``None`` if there is no such type: ``text`` is ``VARCHAR``."""
    name = " ".join(name.upper().split())
    base, bracket, rest = name.partition("(")
    found = CANONICAL.get(base.strip())
    if found == "DECIMAL" and bracket:
        return found + "(" + rest.replace(" ", "")
    return found if not bracket else None


class _ColumnType:
    """A column's type. ``str()`` gives DuckDB's name for it."""

    text = ""

    def __str__(self) -> str:
        return self.text


@cache
def _class_of(text: str) -> type[_ColumnType]:
    base = _class_of("DECIMAL") if text.startswith("DECIMAL(") else _ColumnType
    made: type[Any] = type(text, (base,), {"text": text})
    return made


def column_type(text: str) -> _ColumnType:
    """The type object of a column that DuckDB describes as ``text``."""
    return _class_of(text)()


class TypeNames(types.ModuleType):
    """Stands for the dialect's module: gives the class of any type name that DuckDB has."""

    def __init__(self, name: str, dialect: type[Any]) -> None:
        super().__init__(name)
        self.dialect = dialect

    def __getattr__(self, name: str) -> type[_ColumnType]:
        """The class of a type; ``AttributeError`` if DuckDB has none of that name, as a module would."""
        text = canonical(name)
        if text is None:
            raise AttributeError(name)
        return _class_of(text)
