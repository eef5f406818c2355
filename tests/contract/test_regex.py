"""Regular expressions of a SOW: what Python's would take and the engine's would not is a mistake at once."""

from __future__ import annotations

import duckdb
import pytest
from pydantic import TypeAdapter, ValidationError

from backoffice.contract.model import Regex

READ = TypeAdapter(Regex)


@pytest.mark.parametrize(
    "text",
    [
        "a\\Z",
        "(?x)a b",
        "a{1001}",
        "a{2,5000}",
        "\\u00e9",
        "(?#note)a",
        "(?=a)b",
        "(a)\\1",
        "a++",
        "(?>a)",
        "(?a)b",
        "[",
    ],
)
def test_what_the_engine_does_not_know_is_refused(text):
    with pytest.raises(ValidationError):
        READ.validate_python(text)
    with pytest.raises(duckdb.Error):
        duckdb.connect().execute("SELECT regexp_full_match('x', $1)", [text]).fetchall()


@pytest.mark.parametrize(
    "text", ["[0-9]{4}", "(?i)abc", r"\p{L}+", r"a\z", r"(?P<x>a)", r"\\Z", "a{1,1000}", r"\bx\b", r"[\p{Lu}x]", r"\\p"]
)
def test_what_it_knows_is_taken(text):
    assert READ.validate_python(text) == text
    duckdb.connect().execute("SELECT regexp_full_match('x', $1)", [text]).fetchall()
