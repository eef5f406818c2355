"""Every SOW of this checkout: it has no mistakes, and does to its test cases what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from backoffice.authoring.cases import Case, cases_of, run_case
from backoffice.authoring.suite import check_suites
from backoffice.contract import check, load_sow, project_ids, suite_of

ROOT = Path(__file__).resolve().parents[1]
SOWS = [ROOT / "sow" / client / f"{name}.yaml" for client, _, name in (one.partition("_") for one in project_ids(ROOT))]
CASES = [(sow, case) for sow in SOWS for case in cases_of(sow)]


@pytest.mark.parametrize("path", SOWS, ids=lambda path: f"{path.parent.name}_{path.stem}")
def test_a_sow_and_its_suite_have_no_mistakes(path: Path):
    sow, _ = check(path)
    assert check_suites(sow) == []
    assert suite_of(path).exists()
    assert cases_of(path), "a SOW has at least one test case"


@pytest.mark.parametrize(("path", "case"), CASES, ids=lambda one: one.name if isinstance(one, Case) else one.stem)
def test_a_case_comes_out_as_expected(path: Path, case: Case):
    outcome = run_case(load_sow(path), case)
    assert not outcome.faults
    assert not outcome.tables
