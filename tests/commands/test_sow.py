"""``backoffice sow``: what an author of a SOW types all day."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sow" / "acme" / "contacts.yaml"
HEADER = "rec_id,given_name,surname,street_number,address_1,suburb,postcode,state,date_of_birth,soc_sec_id\n"
ROWS = (
    "r1,ann,o'brien,1,high street,ballina,2478,nsw,19800102,1234567\n"
    "r2, ANN ,o'brian,1,high st,ballina,2478,nws,19800102,1234567\n"
    "r3,=bob,mcdonald,2,low road,perth,600,wa,19990230,7654321\n"
)


def sow(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backoffice.commands.sow", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins"), "NO_COLOR": "1", "COLUMNS": "120"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "sow" / "acme"
    shutil.copytree(SAMPLE.parent, folder)
    return folder


@pytest.fixture
def people(tmp_path):
    file = tmp_path / "people.csv"
    file.write_text(HEADER + ROWS)
    return file


def test_the_sample_has_no_mistakes():
    assert "no mistakes" in sow("check", SAMPLE).stdout
    found = json.loads(sow("check", SAMPLE, "--json").stdout)
    assert found == {"sow": str(SAMPLE), "mistakes": [], "refusals": [], "hints": []}


def test_mistakes_are_shown_with_their_places_and_exit_code_3(project):
    file = project / "contacts.yaml"
    file.write_text(file.read_text().replace("owner:", "ownr:").replace("suburb: required", "suburbs: required"))
    shown = sow("check", file, code=3).stderr
    assert f"{file}:5:1: Unknown key `ownr`. Did you mean `owner`?\n    ownr: contact-data\n    ^^^^" in shown
    assert "The DPA does not allow the column `suburbs` (P11). Did you mean `suburb`?" in shown
    found = json.loads(sow("check", file, "--json", code=3).stdout)["mistakes"]
    assert found[0] == {
        "file": str(file), "line": 5, "column": 1, "message": "Unknown key `ownr`.", "hint": "Did you mean `owner`?",
    }  # fmt: skip


def test_an_agreement_that_does_not_cover_it_today_exits_with_4(project):
    dpa = project / "dpa.yaml"
    dpa.write_text(dpa.read_text().replace("valid_until: 2029-01-31", "valid_until: 2026-02-01"))
    assert "expired on 2026-02-01" in sow("check", project / "contacts.yaml", code=4).stderr
    refusals = json.loads(sow("check", project / "contacts.yaml", "--json", code=4).stdout)["refusals"]
    assert [refusal["code"] for refusal in refusals] == ["expired"]


def test_a_missing_dpa_or_sow_is_said(project):
    (project / "dpa.yaml").unlink()
    assert "before a Data Processing Agreement" in sow("check", project / "contacts.yaml", code=3).stderr
    assert "does not exist" in sow("check", project / "nothing.yaml", code=3).stderr


def test_explain_prints_sql_alone():
    assert sow("explain", SAMPLE).stdout.startswith('WITH "result_1_trim" AS (\n')


def test_run_writes_the_result_and_shows_each_step(people, tmp_path):
    done = sow("run", SAMPLE, people, "--out", tmp_path / "new" / "out")
    assert "near_duplicates" in done.stdout
    assert "3 rows in, 2 out" in done.stdout
    assert "1 cells made safe" in done.stdout
    lines = (tmp_path / "new" / "out" / "contacts.csv").read_text().splitlines()
    assert lines[1:] == [
        "r1,Ann,O'Brien,1,High Street,,Ballina,2478,NSW,1980-01-02,1234567,r1;r2",
        "r3,'=Bob,McDonald,2,Low Road,,Perth,,WA,,7654321,",
    ]


def test_run_for_scripts_holds_counts_and_no_values(people, tmp_path):
    done = sow("run", SAMPLE, people, "--out", tmp_path, "--json")
    found = json.loads(done.stdout)
    assert (found["figures"]["rows_in"], found["figures"]["rows_out"], found["cells_made_safe"]) == (3, 2, 1)
    assert found["inputs"]["input"]["missing_columns"] == 1
    assert "brien" not in done.stdout.lower()


def test_a_file_that_has_to_be_mended_exits_with_5(tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("rec_id;given_name\n")
    done = sow("run", SAMPLE, file, "--out", tmp_path / "out", code=5)
    assert "Its separator seems to be `;`" in done.stderr
    assert sow("run", SAMPLE, tmp_path / "none.csv", "--out", tmp_path, code=2).stderr


def test_the_result_never_takes_the_place_of_the_input(people, tmp_path):
    file = people.rename(tmp_path / "contacts.csv")
    before = file.read_bytes()
    assert "take the place of the input" in sow("run", SAMPLE, file, "--out", tmp_path, code=1).stderr
    assert file.read_bytes() == before


def test_a_suites_mistakes_are_told_by_the_path_that_people_would_give(project, tmp_path):
    suite = tmp_path / "expectations" / "acme" / "contacts.json"
    suite.parent.mkdir(parents=True)
    suite.write_text('{"name": "x"}')
    command = [sys.executable, "-m", "backoffice.commands.sow", "check", "sow/acme/contacts.yaml"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins"), "NO_COLOR": "1", "COLUMNS": "120"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 3
    assert "\nexpectations/acme/contacts.json:1:1: " in "\n" + done.stderr
