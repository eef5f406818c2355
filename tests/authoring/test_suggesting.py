"""What is suggested for columns of a kind."""

from __future__ import annotations

import pytest

from backoffice.authoring.meaning import Meaning, by_names
from backoffice.authoring.profile import profile
from backoffice.authoring.scaffold import KINDS
from backoffice.authoring.suggesting import plan_for, plan_of_profile


def steps_for(kind):
    section = {"format": "csv", "columns": dict.fromkeys(KINDS[kind], "required")}
    return {one["step"]: one for one in plan_for(section, KINDS[kind], {}, country="AT").steps}


def test_lists_of_people_begin_with_points_for_near_duplicates():
    near = steps_for("contacts")["near_duplicates"]
    assert ["surname", "postcode"] in near["compare_if_equal"]
    assert near["swapped"][0]["columns"] == ["given_name", "surname"]
    assert near["ids"] == "customer_id"
    assert not {"near_duplicates"} & (set(steps_for("products")) | set(steps_for("transactions")))


def test_the_title_of_an_article_is_no_form_of_address():
    assert by_names(["sku", "title", "price"])["title"] is Meaning.TEXT
    assert by_names(["title", "surname", "price"])["title"] is Meaning.GENDER


@pytest.mark.parametrize(
    ("column", "meaning"),
    [
        ("name_vorname", Meaning.NAME),
        ("nachname_und_vorname", Meaning.NAME),
        ("first_name_last_name", Meaning.NAME),
        ("customer_email", Meaning.EMAIL),
        ("e_mail_address", Meaning.EMAIL),
        ("telefon_privat", Meaning.PHONE),
        ("plz_ort", Meaning.STREET),
        ("billing_postcode", Meaning.POSTCODE),
        ("lieferadresse", Meaning.STREET),
        ("phone_no", Meaning.PHONE),
        ("customer_id", Meaning.ID),
        ("product_name", None),
        ("file_name", None),
        ("zipped", None),
        ("capacity", None),
    ],
)
def test_what_tells_of_a_person_is_seen_as_one_word_among_others(column: str, meaning: Meaning | None):
    assert by_names([column])[column] is meaning


def test_streets_and_towns_in_capitals_are_to_be_written_with_small_letters(tmp_path):
    file = tmp_path / "people.csv"
    lines = [f"{number},Ann,Lee,{'GRAZ' if number % 5 == 0 else 'Graz'},Main Street {number}" for number in range(40)]
    file.write_text("id,given_name,surname,town,street\n" + "\n".join(lines) + "\n")
    written = [one for one in plan_of_profile(profile(file)).steps if one["step"] == "case" and one["to"] == "title"]
    assert [one["columns"] for one in written] == [["town"]]
