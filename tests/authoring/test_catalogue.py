"""The catalogue is made from the code, and the page in docs/ is what it makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from backoffice.authoring.catalogue import catalogue, entry
from backoffice.authoring.pages import as_markdown, tables_of
from backoffice.contract import step_names

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date():
    assert (ROOT / "docs" / "steps.md").read_text() == as_markdown(catalogue()), "run `make steps`"


def test_every_step_has_a_section():
    page = as_markdown(catalogue())
    assert all(f"\n### {name}\n" in page for name in step_names())


@pytest.mark.parametrize("name", sorted(step_names()))
def test_an_entry_says_what_there_is_to_say(name):
    found = entry(name)
    assert found.first_sentence.endswith(".")
    assert found.blanks.endswith(".")
    assert "before" in tables_of(found.example)
    for key in found.keys:
        for way, one in key.flat():
            assert one.takes, way
            assert "typing" not in one.takes and "<" not in one.takes and "~" not in one.takes, (way, one.takes)


def test_keys_are_said_in_words():
    keys = {way: one for key in entry("filter").keys for way, one in key.flat()}
    assert (keys["keep"].takes, keys["keep"].default) == ("a list of mappings", None)
    assert keys["keep.column"].takes == "a column"
    assert keys["keep.filled"].takes == "`true` or `false`"
    assert keys["others_to"].takes == "a new table"
    assert "Left out: they are dropped." in keys["others_to"].note
    assert entry("dates").keys[0].takes == "a list of text columns"
