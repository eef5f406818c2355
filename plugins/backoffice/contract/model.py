"""What every model of the contract is built from."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

__all__ = ["EEA", "ClientName", "ColumnName", "Country", "Day", "FileName", "Model", "Regex", "Slug", "TableId", "Text"]

EEA = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK ES".split()  # noqa: SIM905
)
"""The 27 members of the European Union, Iceland, Liechtenstein and Norway (ISO 3166-1)."""


class Model(BaseModel):
    """A part of a SOW or DPA: frozen; a key that it does not know is a mistake, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


def _column(name: str) -> str:
    if name != name.strip() or not name.isprintable() or not name:
        raise ValueError("a column name must be printable, without white space around it")
    if name.startswith("_"):
        raise ValueError("a column name must not begin with `_`; those are ours")
    return name


def _regex(text: str) -> str:
    bare = text.replace("\\\\", "")
    known_to_both = re.sub(r"\\[pP](\{\^?\w+\}|\w)", "x", text.replace("\\\\", "x")).replace("\\z", "")
    try:
        re.compile(known_to_both)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if re.search(r"\(\?(=|!|<=|<!|P?[>=(])|\\[1-9]|[*+?}]\+", known_to_both):
        raise ValueError("the engine (RE2) knows no look-around, back-reference or possessive quantifier")
    if re.search(r"\\[ZuUN]|\(\?#|\(\?[a-zA-Z]*[aLux]", bare):
        raise ValueError("the engine (RE2) knows no `\\Z` (write `\\z`), `\\u…`, comment, nor the flags a, L, u, x")
    if any(int(count) > 1000 for count in re.findall(r"[{,](\d+)(?=[,}])", bare)):
        raise ValueError("the engine (RE2) repeats at most 1,000 times")
    return text


def _day(value: Any) -> Any:
    if isinstance(value, str | int | float) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)):
        raise ValueError("not a date; write it as YYYY-MM-DD")
    return value


def _client(name: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9]{0,19}", name):
        raise ValueError("a client's name has up to 20 lower-case letters and digits, the first a letter")
    return name


def _file_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) or ".." in text:
        raise ValueError("a file name has letters, digits, `-`, `_` and `.`, and no folder")
    return text


def _country(code: str) -> str:
    if not re.fullmatch("[A-Z]{2}", code):
        raise ValueError("not a country code; write two capitals as in ISO 3166-1, like `DE`")
    return code


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""Words for people."""
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
"""A short name in lower case, digits and hyphens."""
TableId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
"""The name of a table within a SOW: lower case, digits and underscores."""
ClientName = Annotated[str, AfterValidator(_client)]
"""No hyphen and no underscore, so that ``<client>_<sow>`` reads one way only."""
FileName = Annotated[str, StringConstraints(max_length=104), AfterValidator(_file_name)]
"""The name of a file in a folder that is known: no way to another."""
ColumnName = Annotated[str, StringConstraints(max_length=120), AfterValidator(_column)]
Regex = Annotated[str, AfterValidator(_regex)]
"""A regular expression that the engine (RE2) can run; it has to match the whole cell."""
Day = Annotated[date, BeforeValidator(_day)]
Country = Annotated[str, AfterValidator(_country)]
