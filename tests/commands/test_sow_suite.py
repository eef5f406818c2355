"""``backoffice sow suite``: the suite follows the columns of the result."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.test_sow_author import checkout, people, sow

__all__ = ["checkout", "people"]


def test_it_shows_what_it_would_do_and_writes_it_when_told_to(checkout: Path, people: Path):
    agreed = checkout / "sow" / "acme" / "contacts.yaml"
    suite = checkout / "expectations" / "acme" / "contacts.json"
    assert "nothing to do" in sow("suite", agreed).stdout
    text = agreed.read_text()
    steps = "  - step: rename\n    columns: {state: region}\n\noutput:\n"
    assert "\noutput:\n" in text
    agreed.write_text(
        text.replace("\noutput:\n", steps, 1).replace("suburb, postcode, state", "suburb, postcode, region")
    )
    before = suite.read_text()
    said = sow("suite", agreed, people).stdout
    assert "  - `state`" in said
    assert "  ~ " in said
    assert "region" in said
    assert suite.read_text() == before, "it was only shown"
    assert "Look at what was written" in sow("suite", agreed, people, "--update").stdout
    assert "`state`" not in json.dumps(json.loads(suite.read_text()))
    assert "nothing to do" in sow("suite", agreed, people).stdout
    sow("check", agreed)
    suite.unlink()
    assert "Look at what was written" in sow("suite", agreed, "--update").stdout
    sow("check", agreed)


def test_a_mistake_in_the_suite_is_said_and_nothing_is_written(checkout: Path):
    suite = checkout / "expectations" / "acme" / "contacts.json"
    broken = suite.read_text().replace("expect_table_row_count_to_be_between", "expect_table_row_cout_to_be_between")
    suite.write_text(broken)
    said = sow("suite", checkout / "sow" / "acme" / "contacts.yaml", "--update", code=3).stderr
    assert "Did you mean `expect_table_row_count_to_be_between`" in said
    assert suite.read_text() == broken
