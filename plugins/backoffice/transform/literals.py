"""Values that a SOW states, as the kind of the column that they stand beside; and cells as text."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from backoffice.contract.kind import Kind
from backoffice.transform.sql import cast, sql

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Value", "as_text", "fits", "literal", "misfit"]


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal | date):
        return str(value)
    return value


Value = Annotated[
    str,
    BeforeValidator(_written),
    StringConstraints(min_length=1, max_length=10_000),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
"""A text, a number, a date (YYYY-MM-DD), a time (YYYY-MM-DD hh:mm:ss) or true or false: what the column holds."""

_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,6})?", re.ASCII)


def fits(value: str, kind: Kind) -> bool:
    """Whether what the SOW states can be a cell of that kind."""
    if kind is Kind.TEXT:
        return True
    if kind is Kind.BOOLEAN:
        return value in ("true", "false")
    if kind in (Kind.INTEGER, Kind.NUMBER):
        return bool((_WHOLE if kind is Kind.INTEGER else _NUMBER).fullmatch(value))
    try:
        if kind is Kind.DATE:
            return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value) and date.fromisoformat(value))
        shape = r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?)?"
        return bool(re.fullmatch(shape, value) and datetime.fromisoformat(value))
    except ValueError:
        return False


_FORM = {
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number like 12.5",
    Kind.DATE: "a date that exists, as YYYY-MM-DD",
    Kind.TIMESTAMP: "a time that exists, as YYYY-MM-DD hh:mm:ss",
    Kind.BOOLEAN: "`true` or `false`",
}


def misfit(value: str, kind: Kind, column: str) -> tuple[str, str]:
    """What is wrong where :func:`fits` says no, and what to do."""
    return f"`{column}` holds {kind}s; `{value[:60]}` is none.", f"Write {_FORM.get(kind, 'text')}."


def literal(value: str, kind: Kind) -> exp.Expr:
    """It as SQL."""
    from sqlglot import exp

    return exp.convert(value) if kind is Kind.TEXT else cast(exp.convert(value), kind)


def as_text(cell: exp.Expr, kind: Kind) -> exp.Expr:
    """A cell as text, as people write it: numbers without zeros at their end."""
    if kind is Kind.TEXT:
        return cell
    text = cast(cell, Kind.TEXT)
    return sql(r"regexp_replace(:text, '\.?0+$', '')", text=text) if kind is Kind.NUMBER else text
