"""A mistake in a SOW or DPA is named with its file, line and column, and with what was meant; all of them at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.contract import ContractFileError, check, load_dpa, load_sow
from backoffice.contract.document import read
from backoffice.errors import ContractError
from tests.seconds import within

TRIM = "  - step: trim\n"


def mistakes(path, load=load_sow):
    with pytest.raises(ContractFileError) as caught:
        load(path)
    return [(one.place.line, one.place.column, f"{one.message} {one.hint}".strip()) for one in caught.value.mistakes]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("owner:", "ownr:", (2, 1, "Unknown key `ownr`. Did you mean `owner`?")),
        ("owner: contact-data\n", "", (1, 1, "`owner` is missing. Add `owner:`.")),
        ("format: csv\n  columns", "format: cvs\n  columns", (6, 11, "There is no format `cvs` here. Did you mean `csv`?")),
        ("optional", "optonal", (10, 14, "`optonal` is not known here. Did you mean `optional`?")),
        ("at_most_days: 14", "at_most_days: soon", (23, 19, "Expected a whole number, not `soon`.")),
        ("at_most_days: 14", "at_most_days: 0", (23, 19, "Expected 1 or more, not `0`.")),
        ("title: A list", "title: 7", (1, 8, "Expected text, not `7`. Put it in quotes.")),
        ("title: A list", "title:", (1, 7, "Expected text, not nothing.")),
        ("approval: false", "approval: maybe", (19, 11, "Expected `true` or `false`, not `maybe`.")),
        ("signers: [acme]", "signers: []", (24, 10, "Expected at least one entry, not none.")),
        ("signers: [acme]", "signers: acme", (24, 10, "Expected a list, not `acme`.")),
        ("step: trim", "step: tirm", (12, 11, "There is no step `tirm`. Did you mean `trim`?")),
        ("to: name", "to: nmae", (15, 9, "`nmae` is not known here. Did you mean `name`?")),
        ("to: name", "tO: name", (15, 5, "Unknown key `tO`. Did you mean `to`?")),
        ("[given_name]", "[given_nam]",
            (14, 15, "No column is called `given_nam` at this step. "
             "Did you mean `given_name`?")),
        (
            "filename: list.csv",
            "filename: ../list.csv",
            (18, 13, "Write a file name in lower case, digits, `-`, `_` and `.` that ends in `.csv`."),
        ),
        (TRIM, "\t- step: trim\n", (12, 1, "A tab indents this line. YAML indents with spaces only.")),
        (
            "approval: false\n",
            "approval: false\napproval: true\n",
            (20, 1, "`approval` is here twice; it was given on line 19 already. Keep one of the two."),
        ),
        (
            "    surname: optional\n",
            "    surname: optional\n    Surname: optional\n",
            (11, 5, "Two columns are called `Surname` but for upper and lower case."),
        ),
        (
            TRIM,
            TRIM + "  - step: dates\n    columns: [surname]\n    formats: [YYYY-MM]\n",
            (15, 15, "Not a date format; use YYYY (or YY), MM (or M, MMM) and DD (or D), each once, and separators."),
        ),
        (
            TRIM,
            TRIM + "  - step: pattern\n    columns:\n      surname: '(?=x)'\n",
            (15, 16, "The engine (RE2) knows no look-around, back-reference or possessive quantifier."),
        ),
        (
            TRIM,
            TRIM + "  - step: pattern\n    columns:\n      surnme: '.*'\n",
            (15, 7, "No column is called `surnme` at this step. Did you mean `surname`?"),
        ),
        (
            TRIM,
            TRIM + "  - step: select\n    columns: [rec_id]\n",
            (16, 15, "No column is called `given_name` at this step. Use one of: rec_id."),
        ),
        (
            TRIM,
            TRIM + "  - step: rename\n    columns:\n      surname: rec_id\n",
            (13, 5, "After this step two columns are called `rec_id`. Each name may be there once."),
        ),
        ("purpose:", "purpose: &x",
            (4, 10, "Anchors (`&`) and aliases (`*`) are not used here. "
             "Write it out; quote a leading sign.")),
        ("title: A list", "title: !!python/name:os.system x",
            (1, 8, "Tags (`!`) are not used here. "
             "Quote the value if it begins with an exclamation mark.")),
        ("signers: [acme]\n", "signers: [acme]\n---\na: b\n",
            (25, 1, "A second document starts here. "
             "One file holds one document: delete `---`.")),
        ("title: A list", "title: A list\x07", (1, 14, "A control character (U+0007) stands here. Delete it.")),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_was_meant(write, old, new, expected):
    assert mistakes(write((old, new))) == [expected]


def test_every_mistake_is_found_at_once_with_its_line_and_a_caret(write):
    path = write(("owner:", "ownr:"), ("to: name", "to: nmae"), ("[given_name]", "[given_nam]"), ("until:", "untill:"))
    with pytest.raises(ContractFileError) as caught:
        load_sow(path)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines if line.startswith(str(path))] == [
        f"{path}:2:1", f"{path}:15:9", f"{path}:22:5",
    ]  # fmt: skip
    assert lines[1:3] == ["    ownr: contact-data", "    ^^^^"]


def test_a_wrong_column_is_found_beside_other_mistakes(write):
    found = mistakes(write(("owner:", "ownr:"), ("[given_name]", "[given_nam]")))
    assert [place[:2] for place in found] == [(2, 1), (14, 15)]


def test_mistakes_of_both_files_are_found_together(write):
    path = write(("owner:", "ownr:"), dpa=(("region: DE", "region: US"),))
    with pytest.raises(ContractFileError) as caught:
        check(path)
    assert {one.file.name for one in caught.value.mistakes} == {"list.yaml", "dpa.yaml"}
    assert "outside the EEA" in str(caught.value)


def test_a_column_and_a_purpose_outside_the_dpa_are_mistakes_at_their_place(write):
    path = write(("surname: optional", "phone: optional"), ("purpose: contact-maintenance", "purpose: advertising"))
    assert [(line, column) for line, column, _ in mistakes(path, check)] == [(4, 10), (10, 5)]
    load_sow(path)  # the file itself is right


@pytest.mark.parametrize(
    ("old", "new", "line", "text"),
    [
        ("valid_until:", "valid_untill:", 14, "Did you mean `valid_until`?"),
        ("valid_until: 2029-01-31", "valid_until: 31.01.2029", 14, "Not a date; write it as YYYY-MM-DD."),
        ("valid_until: 2029-01-31", "valid_until: 2029-02-31", 14, "a date that exists"),
        ("client: acme", "client: ecma", 4, "lies in the folder of `acme`"),
        ("country: DE\n", "country: US\n", 52, "outside the EEA"),
        ("  breach_notification:", "  breach_notificaton:", 56, "Did you mean `breach_notification`?"),
    ],
)
def test_a_mistake_in_a_dpa_is_named_with_its_place(write, old, new, line, text):
    found = mistakes(write(dpa=((old, new),)).with_name("dpa.yaml"), load_dpa)
    assert len(found) == 1
    assert found[0][0] == line
    assert text in found[0][2]


def test_a_missing_dpa_says_that_nothing_is_processed_without_one(write):
    path = write()
    path.with_name("dpa.yaml").unlink()
    with pytest.raises(ContractError, match="nothing is processed before a Data Processing Agreement"):
        check(path)


def test_norway_is_a_country_and_a_postcode_keeps_its_zero(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: NO\nb: 0832\nc: 12:30\nd: on\ne: 7\nf: 2026-01-02\ng: ~\nh: true\n")
    assert read(file).data == {
        "a": "NO", "b": "0832", "c": "12:30", "d": "on", "e": 7, "f": "2026-01-02", "g": None, "h": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- a list\n",
        b"just words\n",
        b"a: [1, 2\n",
        b"a: 'x\n",
        b"\xff\xfe\x00",
        b"a: \xe9\n",
        b"a: " + b"[" * 5000,
        b"{" * 5000,
        b"- " * 5000,
        b"? [a]\n: b\n",
        b"a: &a [x]\nb: [*a, *a]\n",
        b"a: b\n" * 60_000,
        b"? ? a\n",
        b"%YAML 9.9\n---\na: b\n",
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_a_moment(tmp_path, content):
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with within(3), pytest.raises(ContractError):
        load_sow(file)


@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_refused_with_a_place(tmp_path, content):
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    try:
        document = read(file)
    except ContractFileError as error:
        for one in error.mistakes:
            assert one.place.line >= 1
            assert one.place.column >= 1
            assert str(one).startswith(f"{file}:{one.place.line}:{one.place.column}: ")
    else:
        assert isinstance(document.data, dict)


@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_sow_with_any_line_gone_or_doubled_or_spoilt_is_read_or_refused(tmp_path, data):
    from tests.contract.conftest import SOW

    lines = SOW.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    what = data.draw(st.one_of(st.just(""), st.just(lines[at] * 2), st.text(max_size=30).map(lambda text: text + "\n")))
    file = tmp_path / "spoilt.yaml"
    file.write_bytes("".join([*lines[:at], what, *lines[at + 1 :]]).encode("utf-8", "replace"))
    try:
        load_sow(file)
    except ContractFileError as error:
        assert error.mistakes


def test_loading_a_contract_imports_nothing_heavy():
    code = (
        "import sys; import backoffice.contract; "
        "heavy = {'duckdb', 'pyarrow', 'pandas', 'sqlglot', 'airflow', 'great_expectations', 'boto3', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
