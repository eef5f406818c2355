"""The gate lets nothing through that the agreement does not cover."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from backoffice.contract import (
    check,
    gate,
    load_dpa,
    load_project,
    load_sow,
    password_refusal,
    project_ids,
    step_words,
    suites_of,
)
from backoffice.errors import ContractError

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 6, 1)


def codes(write, *changes, dpa=(), on=TODAY):
    path = write(*changes, dpa=dpa)
    return [refusal.code for refusal in gate(load_dpa(path.with_name("dpa.yaml")), load_sow(path), on=on)]


def test_an_agreement_that_covers_the_sow_lets_it_through(write):
    assert codes(write) == []


@pytest.mark.parametrize(
    ("changes", "dpa", "on", "expected"),
    [
        ((), (), date(2029, 1, 31), []),
        ((), (), date(2029, 2, 1), ["expired"]),
        ((), (), date(2026, 2, 1), []),
        ((), (), date(2026, 1, 31), ["not-yet-valid"]),
        ((), (("signed_on: 2026-01-12", "signed_on:"),), TODAY, ["dpa-not-signed"]),
        ((), (("signed_on: 2026-01-12", "signed_on: 2026-07-01"),), TODAY, ["dpa-not-signed"]),
        ((("surname: optional", "phone: optional"),), (), TODAY, ["columns"]),
        ((("purpose: contact-maintenance", "purpose: advertising"),), (), TODAY, ["purpose"]),
        ((("purpose: contact-maintenance", "purpose: ads"),), (), date(2030, 1, 1), ["expired", "purpose"]),
    ],
)
def test_the_gate_names_every_reason(write, changes, dpa, on, expected):
    assert codes(write, *changes, dpa=dpa, on=on) == expected


def test_a_refusal_says_what_to_do(write):
    path = write()
    (refusal,) = gate(load_dpa(path.with_name("dpa.yaml")), load_sow(path), on=date(2030, 1, 1))
    assert refusal.message == "The DPA with acme expired on 2029-01-31."
    assert refusal.hint == "Agree an extension with the client, then set `valid_until`."


def test_workbooks_with_a_password_need_the_agreements_word(write):
    path = write().with_name("dpa.yaml")
    refusal = password_refusal(load_dpa(path))
    assert refusal is not None
    assert (refusal.code, refusal.message) == (
        "protected",
        "The DPA with acme does not allow workbooks with a password.",
    )
    assert "protected_workbooks: true" in refusal.hint
    path.write_text(path.read_text() + "\nprotected_workbooks: true\n")
    assert password_refusal(load_dpa(path)) is None
    path.write_text(path.read_text().replace("workbooks: true", "workbooks: maybe"))
    with pytest.raises(ContractError, match="protected_workbooks"):
        load_dpa(path)


def test_another_clients_agreement_does_not_count(write, tmp_path):
    path = write()
    other = tmp_path / "other"
    other.mkdir()
    (other / "dpa.yaml").write_text(path.with_name("dpa.yaml").read_text().replace("client: acme", "client: other"))
    refusals = gate(load_dpa(other / "dpa.yaml"), load_sow(path), on=TODAY)
    assert [refusal.code for refusal in refusals] == ["other-client"]


def test_a_project_is_loaded_by_its_id(write):
    path = write()
    root = path.parents[2]
    project = load_project("acme_list", root=root)
    assert (project.client, project.bucket) == ("acme", "acme-list")
    assert suites_of(project.sow) == {"result": root / "expectations" / "acme" / "list.json"}
    assert project_ids(root) == ["acme_list"]
    assert len(project.sow.digest) == len(project.dpa.digest) == 64


@pytest.mark.parametrize(
    "name", ["acme_lst", "acme_dpa", "../acme_list", "acme_../../x", "", "acme", "ACME_LIST", "x" * 500]
)
def test_an_unknown_project_is_refused_and_no_path_is_followed(write, name):
    root = write().parents[2]
    with pytest.raises(ContractError, match="There is no project"):
        load_project(name, root=root)


def test_a_misspelt_project_is_guessed(write):
    with pytest.raises(ContractError, match="Did you mean `acme_list`"):
        load_project("acme_lst", root=write().parents[2])


def test_the_sample_is_right_and_every_step_has_words():
    sow, _ = check(ROOT / "sow" / "acme" / "contacts.yaml")
    assert all(step_words(step).endswith(".") for step in sow.steps)
