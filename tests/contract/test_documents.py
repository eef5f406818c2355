"""What a SOW says of documents: its mistakes, at their place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from backoffice.contract import Kind, check, gate, load_dpa, load_sow
from backoffice.errors import ContractError

ROOT = Path(__file__).resolve().parents[2]
SOW = """\
title: t
owner: o
description: d
purpose: contact-maintenance
input:
  format: documents
  languages: [deu]
  columns:
    surname: {right_of: [Name], pattern: "[A-Z][a-z]+"}
    suburb: {below: [Town]}
  tables:
    items:
      columns: {postcode: [Code]}
steps:
  - step: trim
output: {format: csv, filename: out.csv}
approval: false
retention: {results: {until: acceptance, at_most_days: 1}}
signers: [acme]
"""
CSV = "{format: csv, columns: {postcode: required}}"
PAPERS = "{format: documents, columns: {state: {below: [State]}}, tables: {items: {columns: {state: [State]}}}}"
OUTPUT = "output: {format: csv, filename: out.csv}"
ZIP = "output: {format: zip, filename: out.zip, files: [{format: csv, filename: out.csv}], documents: "


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "sow" / "acme"
    folder.mkdir(parents=True)
    dpa = (ROOT / "sow/acme/dpa.yaml").read_text(encoding="utf-8")
    (folder / "dpa.yaml").write_text(dpa, encoding="utf-8")
    return folder / "papers.yaml"


def faults(place: Path, *changes: tuple[str, str]) -> str:
    text = SOW
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    place.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as caught:
        check(place)
    return str(caught.value)


def test_the_columns_and_their_kinds_are_known_before_anything_is_read(place: Path):
    place.write_text(SOW, encoding="utf-8")
    sow = load_sow(place)
    assert sow.bases["input"] == {
        "document": Kind.INTEGER,
        "file_type": Kind.TEXT,
        "pages": Kind.INTEGER,
        "read_from": Kind.TEXT,
        "surname": Kind.TEXT,
        "suburb": Kind.TEXT,
        "surname_confidence": Kind.NUMBER,
        "suburb_confidence": Kind.NUMBER,
    }
    assert list(sow.bases["items"]) == ["document", "page", "line", "postcode", "confidence"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("languages: [deu]", "languages: [ger]", ":7:15: `ger` is not known here."),
        ("languages: [deu]", "languges: [deu]", ":7:3: Unknown key `languges`. Did you mean `languages`?"),
        ("right_of: [Name]", "right: [Name]", ":9:15: Unknown key `right`. Did you mean `right_of`?"),
        ('"[A-Z][a-z]+"', '"(?=x)"', ":9:42: The engine (RE2) knows no look-around"),
        ('"[A-Z][a-z]+"', '"(a)(b)"', ":9:42: A pattern has at most one group"),
        ("{below: [Town]}", "{pages: last}", ":10:13: Say where it stands: `right_of`, `below` or `pattern`"),
        ("{below: [Town]}", "{take: text, pattern: x}", ":10:13: Say where it stands"),
        ("{below: [Town]}", "{right_of: [Town], lines: 2}", ":10:13: `lines` belongs to `below`"),
        ("{below: [Town]}", '{below: ["::"]}', "A label has letters or digits"),
        ("    suburb: {", "    document: {", "has a column `document` of ours"),
        ("    suburb: {", "    surname_confidence: {", "`surname_confidence` is a column of ours"),
        ("{postcode: [Code]}", "{line: [Code]}", "has a column `line` of ours"),
        ("{postcode: [Code]}", "{postcode: []}", "Say what stands above `postcode`."),
        (
            "columns: {postcode: [Code]}",
            "columns: {postcode: [Code]}\n      starts: mail",
            "`starts` names one of its columns: postcode",
        ),
        ("    items:", "    result:", ":12:5: There is a table `result` already."),
        ("    items:", "    input:", ":12:5: There is a table `input` already."),
        ("steps:\n", f"inputs: {{items: {CSV}}}\nsteps:\n", ":12:5: There is a table `items` already."),
        ("steps:\n", f"inputs: {{more: {PAPERS}}}\nsteps:\n", ":14:81: There is a table `items` already."),
        (
            "steps:\n",
            "lookups: {items: {file: items.csv, columns: [a]}}\nsteps:\n",
            ":12:5: There is a table `items` already.",
        ),
        (OUTPUT, ZIP + "{path: flied_as}}", "No column is called `flied_as` in the result."),
        (OUTPUT, ZIP + "{path: pages}}", ":16:103: `pages` holds integer; where documents are filed is said by text."),
        (OUTPUT, ZIP + "{path: suburb, of: result}}", "`result` is no input of documents. Use one of: input."),
        (OUTPUT, ZIP + "{path: suburb, table: item}}", "No table is called `item`. Did you mean `items`?"),
        (OUTPUT, ZIP + "{path: suburb, folder: ../x}}", "Expected a short name"),
        (OUTPUT, ZIP + "{path: suburb, folder: nul}}", "Windows keeps that name for itself"),
        (OUTPUT, ZIP + "{path: suburb, others: documents}}", "`others` is a folder of its own"),
        (
            "- step: trim",
            "- {step: select, columns: [surnam]}",
            "No column is called `surnam` at this step. Did you mean `surname`?",
        ),
        ("filename: out.csv}", "filename: out.csv, table: item}", "No table is called `item`. Did you mean `items`?"),
        (
            "suburb: {below",
            "subrub: {below",
            ":10:5: The DPA does not allow the column `subrub` (P11). Did you mean `suburb`?",
        ),
        (
            "{postcode: [Code]}",
            "{postcod: [Code]}",
            "The DPA does not allow the column `postcod` (P11). Did you mean `postcode`?",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(place: Path, old: str, new: str, said: str):
    assert said.removeprefix(":") in faults(place, (old, new))


def test_a_table_that_is_delivered_for_its_paths_alone_has_them_and_the_number(place: Path):
    zipped = ZIP.replace("out.csv}", "out.csv, columns: [surname]}") + "{path: suburb}}"
    place.write_text(SOW.replace(OUTPUT, zipped), encoding="utf-8")
    assert load_sow(place).delivered == {
        "result": {"surname": Kind.TEXT, "document": Kind.INTEGER, "suburb": Kind.TEXT}
    }


def test_a_mistake_elsewhere_does_not_hide_a_wrong_column(place: Path):
    told = faults(
        place, ("approval: false", "approval: perhaps"), ("- step: trim", "- {step: select, columns: [subrb]}")
    )
    assert "Did you mean `suburb`" in told
    assert "perhaps" in told


def test_the_gate_looks_at_the_columns_of_the_tables_too(place: Path):
    place.write_text(SOW.replace("{postcode: [Code]}", "{income: [Code]}"), encoding="utf-8")
    sow, dpa = load_sow(place), load_dpa(place.with_name("dpa.yaml"))
    assert [one.code for one in gate(dpa, sow, on=date(2026, 11, 1))] == ["columns"]
