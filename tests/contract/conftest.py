"""A SOW and a DPA on disk, to be spoilt by tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SOW = """\
title: A list
owner: contact-data
description: A list that is cleaned.
purpose: contact-maintenance
input:
  format: csv
  columns:
    rec_id: required
    given_name: required
    surname: optional
steps:
  - step: trim
  - step: case
    columns: [given_name]
    to: name
output:
  format: csv
  filename: list.csv
approval: false
retention:
  results:
    until: acceptance
    at_most_days: 14
signers: [acme]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write ``sow/acme/list.yaml`` (and Acme's DPA) with some text replaced; gives the SOW's path."""
    folder = tmp_path / "sow" / "acme"
    folder.mkdir(parents=True)

    def _write(*changes: tuple[str, str], dpa: tuple[tuple[str, str], ...] = ()) -> Path:
        for name, text, replaced in (
            ("list.yaml", SOW, changes),
            ("dpa.yaml", (ROOT / "sow" / "acme" / "dpa.yaml").read_text(), dpa),
        ):
            for old, new in replaced:
                assert old in text
                text = text.replace(old, new, 1)
            (folder / name).write_text(text)
        return folder / "list.yaml"

    return _write
