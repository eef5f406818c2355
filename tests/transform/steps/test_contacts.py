"""The steps for contact data: what they do to rows, what they count, what a SOW may say."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backoffice.contract import step_model
from backoffice.transform.function import FUNCTIONS
from tests.transform.conftest import column
from tests.transform.steps.tabular import run

HOSTILE = ["'); DROP TABLE input; --", '"', "\\", "=1+1", "\u202e\u0661\U0001f600", "x" * 5000, " ", "-", "a\nb"]
words = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def refused(name: str, **fields: object) -> str:
    with pytest.raises(ValidationError) as caught:
        step_model(name).model_validate({"step": name, **fields})
    return str(caught.value)


ONE_COLUMN = {
    "phones": {"columns": ["c"], "countries": ["AT"]},
    "emails": {"columns": ["c"], "mend": True},
    "postcodes": {"column": "c", "country": "AT"},
    "countries": {"columns": ["c"]},
    "languages": {"columns": ["c"]},
    "identifiers": {"column": "c", "kind": "vat"},
    "transliterate": {"columns": ["c"], "german": True},
    "case": {"columns": ["c"], "to": "name"},
}
MAKING = {
    "split_name": {"column": "c", "family_as": "f", "given_as": "g"},
    "salutations": {"column": "c", "into": "m"},
    "split_street": {"column": "c", "street_as": "s", "number_as": "h", "addition_as": "a"},
    "join_name": {"family_name": "c", "into": "j"},
}


@pytest.mark.parametrize("name", ONE_COLUMN)
def test_blanks_stay_and_hostile_cells_are_counted(name):
    cells, figures = column({"step": name, **ONE_COLUMN[name]}, [None, *HOSTILE])
    assert cells[0] is None
    assert figures.blanked.get("c", 0) == sum(cell is None for cell in cells[1:])


@pytest.mark.parametrize("name", [*ONE_COLUMN, *MAKING])
@given(cells=st.lists(words, min_size=1, max_size=4))
@settings(max_examples=8, deadline=None)
def test_any_text_goes_through(name, cells):
    fields = {**ONE_COLUMN, **MAKING}[name]
    found, _ = column({"step": name, **fields}, cells)
    assert len(found) == len(cells)
    if name in ("phones", "emails", "postcodes", "countries", "languages", "identifiers", "transliterate"):
        assert column({"step": name, **fields}, found)[0] == found


@pytest.mark.parametrize("name", MAKING)
def test_steps_that_make_columns_leave_their_own_as_it_was(name):
    assert column({"step": name, **MAKING[name]}, [None, "Frau Huber 12", *HOSTILE])[0] == [
        None,
        "Frau Huber 12",
        *HOSTILE,
    ]


def test_phones_of_the_rows_country_then_of_those_listed():
    found = run(
        "- {step: phones, columns: [p], country_column: c, countries: [DE, SI], type_as: t, country_as: l, extension_as: x}",
        [["p", "c"], ["0664 1234567", " at "], ["01 2345678 ext. 9", "AT"], ["030 123456", None], ["031 700 700", ""],
         ["+1 201-555-0123", "AT"], ["12", "AT"], [None, "AT"], ["0800 1234567", "??"]],
    )  # fmt: skip
    assert found["p"] == [
        "+436641234567", "+4312345678", "+4930123456", "+38631700700", "+12015550123", None, None, "+498001234567",
    ]  # fmt: skip
    assert found["t"][:3] == ["mobile", "fixed", "fixed"]
    assert found["l"][4] == "US"
    assert found["x"] == [None, "9", None, None, None, None, None, None]
    assert found.step.blanked == {"p": 1}


def test_phones_of_one_type_in_the_ways_of_their_countries():
    text = [["p"], ["+43 664 1234567"], ["+43 1 2345678"], [None]]
    only = run("- {step: phones, columns: [p], only: [mobile], write: national}", text)
    assert only["p"] == ["0664 1234567", None, None]
    assert only.step.blanked == {"p": 1}
    kept = run("- {step: phones, columns: [p], only: [mobile], write: international, unreadable: keep}", text)
    assert kept["p"] == ["+43 664 1234567", "+43 1 2345678", None]


def test_what_is_kept_unread_has_no_further_parts():
    found = run("- {step: phones, columns: [p], type_as: t, unreadable: keep}", [["p"], ["12"], ["+436641234567"]])
    assert (found["p"], found["t"]) == (["12", "+436641234567"], [None, "mobile"])
    found = run("- {step: emails, columns: [e], role_as: r, unreadable: keep}", [["e"], ["ann"], ["info@x.at"]])
    assert (found["e"], found["r"]) == (["ann", "info@x.at"], [None, True])
    fields = "column: s, street_as: a, number_as: b, addition_as: c"
    found = run(f"- {{step: split_street, {fields}, unreadable: keep}}", [["s"], ["12"]])
    assert (found["a"], found["b"]) == (["12"], [None])
    assert found.step.blanked == {"a": 1}


def test_phones_rejected_go_aside_as_they_were():
    found = run(
        "- {step: phones, columns: [p], countries: [AT], unreadable: reject}",
        "p,n\n0664 1234567,1\n12,2\n",
        side="rejects",
    )
    assert found["p"] == ["12"]
    assert found["reject_reason"] == ["phones: p"]


def test_what_a_sow_cannot_say_of_phones():
    assert "one column" in refused("phones", columns=["a", "b"], type_as="t")
    assert "country code" in refused("phones", columns=["a"], countries=["at"])
    step = step_model("phones").model_validate({"step": "phones", "columns": ["a"], "countries": ["AT", "XX"]})
    assert [loc for loc, _, _ in step.faults({})] == [("countries", 1)]


def test_phones_are_forgotten_at_the_end_of_a_run():
    run("- {step: phones, columns: [p], countries: [AT]}", "p\n0664 1234567\n")
    assert not FUNCTIONS["phone_e164"]._kept


def test_emails_and_offices():
    found = run(
        "- {step: emails, columns: [e], role_as: r, mend: true, lower: true}",
        [["e"], ["Info@X.at"], ["Ann@gmial.com"], ["ann"], [None]],
    )
    assert found["e"] == ["info@x.at", "ann@gmail.com", None, None]
    assert found["r"] == [True, False, None, None]
    assert found.step.blanked == {"e": 1}
    assert found.step.changed == {"e": 2}


def test_names_that_are_not_one_persons_can_be_kept_whole():
    text = [["n"], ["Anna Huber"], ["Anna und Otto Huber"], [None]]
    blank = run("- {step: split_name, column: n, family_as: f, given_as: g}", text)
    assert (blank["f"], blank["g"]) == (["Huber", None, None], ["Anna", None, None])
    assert blank.step.blanked == {"f": 1}
    kept = run("- {step: split_name, column: n, family_as: f, given_as: g, unreadable: keep}", text)
    assert kept["f"] == ["Huber", "Anna und Otto Huber", None]
    assert "order" in refused("split_name", column="n", family_as="f", given_as="g", order="family_first",
                              double_family_names=True)  # fmt: skip


def test_a_name_is_joined_in_either_order_without_its_empty_parts():
    text = [["t", "g", "f", "s"], ["Dr.", "Anna", "Huber", "PhD"], [None, None, "Lang", " "], [None, None, None, None]]
    fields = "step: join_name, title: t, given: g, family_name: f, suffix: s, into: n"
    assert run(f"- {{{fields}}}", text)["n"] == ["Dr. Anna Huber PhD", "Lang", None]
    assert run(f"- {{{fields}, order: family_first}}", text)["n"] == ["Huber, Dr. Anna, PhD", "Lang", None]


def test_forms_of_address_that_are_not_known_are_counted():
    found = run("- {step: salutations, column: t, into: g}", [["t"], ["Herr"], ["Dr."], ["Anna"], [None]])
    assert found["g"] == ["m", "unknown", None, None]
    assert found.step.blanked == {"g": 1}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("JAN VAN DER BERG", "Jan van der Berg"), ("maria de la cruz", "Maria de la Cruz"), ("D'ANGELO", "D'Angelo"),
        ("MACDONALD", "MacDonald"), ("MACHADO", "Machado"), ("mcdonald", "McDonald"), ("JOHN SMITH III", "John Smith III"),
        ("'T HOOFT", "'t Hooft"), ("VON UND ZU LIECHTENSTEIN", "von Und zu Liechtenstein"), ("O'BRIEN", "O'Brien"),
        ("JEAN-LUC", "Jean-Luc"), ("Van der Berg", "Van der Berg"), ("LE PEN", "Le Pen"), ("VANESSA", "Vanessa"),
    ],
)  # fmt: skip
def test_names_in_upper_and_lower_case(text, wanted):
    assert column({"step": "case", "columns": ["c"], "to": "name"}, [text])[0] == [wanted]


def test_postcodes_of_the_rows_country_or_of_the_one_stated():
    text = [["z", "c"], ["a-1010", "at"], ["1234ab", "NL"], ["1010", None], ["1067", "DE"], [None, "AT"], ["1", "AT"]]
    found = run("- {step: postcodes, column: z, country_column: c, country: SI}", text)
    assert found["z"] == ["1010", "1234 AB", "1010", None, None, None]
    assert found.step.blanked == {"z": 2}
    alone = run("- {step: postcodes, column: z, country_column: c, zeros: true}", text)
    assert alone["z"] == ["1010", "1234 AB", None, "01067", None, None]
    assert "country" in refused("postcodes", column="z")


def test_countries_as_names():
    found = run("- {step: countries, columns: [c], write: name, language: de}", [["c"], ["AUT"], ["Kongo"], [None]])
    assert found["c"] == ["Österreich", None, None]
    for name in ("countries", "languages"):
        step = step_model(name).model_validate({"step": name, "columns": ["c"], "write": "name", "language": "qq"})
        assert [loc for loc, _, _ in step.faults({})] == [("language",)]


def test_identifiers_leave_only_their_validity_where_no_more_is_needed():
    text = [
        ["i", "c"],
        ["1237 010180", "AT"],
        ["1237 010181", "AT"],
        ["0101006500006", "SI"],
        [None, "AT"],
        ["1", None],
    ]
    found = run(
        "- {step: identifiers, column: i, kind: national_id, country_column: c, valid_as: ok, drop: true}", text
    )
    assert found.header == ["c", "ok"]
    assert found["ok"] == [True, False, True, None, False]
    kept = run("- {step: identifiers, column: i, kind: national_id, country: AT, valid_as: ok}", text)
    assert kept["i"] == ["1237 010180", "1237 010181", "0101006500006", None, "1"]
    assert run("- {step: identifiers, column: i, kind: national_id, country: AT}", text).step.blanked == {"i": 3}


def test_what_a_sow_cannot_say_of_identifiers():
    assert "country" in refused("identifiers", column="i", kind="national_id")
    assert "IBAN" in refused("identifiers", column="i", kind="iban", country="AT")
    assert "valid_as" in refused("identifiers", column="i", kind="iban", drop=True)
    step = step_model("identifiers").model_validate(
        {"step": "identifiers", "column": "i", "kind": "vat", "country": "US"}
    )
    assert [loc for loc, _, _ in step.faults({})] == [("country",)]


CONSENT = [
    ["i", "o"],
    ["Ja", "no"],
    ["YES.", " 0 "],
    ["x", "x"],
    ["1", None],
    ["maybe", "no"],
    [None, "no"],
    ["no", "no"],
]


def test_consent_lets_nobody_through_whose_consent_cannot_be_read():
    found = run("- {step: consent, opt_in: [i], opt_out: [o], others_to: others}", CONSENT)
    assert found["i"] == ["Ja", "YES."]
    assert found.step.counts == {"consent cannot be read": 3}
    assert found.step.dropped == 5
    others = run("- {step: consent, opt_in: [i], opt_out: [o], others_to: others}", CONSENT, side="others")
    assert others["i"] == ["x", "1", "maybe", None, "no"]


def test_an_empty_opt_out_passes_only_where_the_sow_says_so():
    found = run("- {step: consent, opt_in: [i], opt_out: [o], empty_opt_out: not_opted_out}", CONSENT)
    assert found["i"] == ["Ja", "YES.", "1"]
    assert found.step.counts == {"consent cannot be read": 2}


def test_further_words_of_consent():
    assert run("- {step: consent, opt_in: [i], yes_words: [Maybe]}", CONSENT)["i"] == ["Ja", "YES.", "x", "1", "maybe"]
    assert "both" in refused("consent", opt_in=["i"], yes_words=["No"])
    assert "opt_in" in refused("consent")


@given(cell=words)
@settings(max_examples=25, deadline=None)
def test_no_other_word_is_consent(cell):
    from backoffice.transform.values.yes_and_no import YES

    found = run("- {step: consent, opt_in: [i]}", [["i"], [cell]])
    known = {word for row in YES.values() for word in row} | {"x", "ok", "opt-in", "optin", "opt in", "subscribed"}
    known |= {"granted", "erteilt", "\u2713", "\u2714", "\u2611"}
    assert not found["i"] or cell.strip().strip(".!").strip().lower() in known


BORN = "- {step: dates, columns: [b], formats: [YYYY-MM-DD]}\n"


def test_dates_of_birth_at_a_stated_day():
    text = [
        ["b"],
        ["1990-07-01"],
        ["1990-07-02"],
        ["2026-07-02"],
        ["1906-07-01"],
        ["1905-06-30"],
        ["1900-01-01"],
        [None],
    ]
    steps = BORN + "- {step: birthdates, column: b, at: 2026-07-01, not_dates: [1900-01-01], age_as: a}"
    found = run(steps, text)
    assert found["a"] == [36, 35, None, 120, None, None, None]
    assert found["b"] == [date(1990, 7, 1), date(1990, 7, 2), None, date(1906, 7, 1), None, None, None]
    assert found.step.blanked == {"b": 3}


def test_who_is_born_on_the_29th_of_february_is_older_on_the_1st_of_march():
    text = [["b"], ["2008-02-29"]]
    for day, age in (("2026-02-28", 17), ("2026-03-01", 18), ("2028-02-29", 20)):
        assert run(BORN + f"- {{step: birthdates, column: b, at: {day}, age_as: a}}", text)["a"] == [age]
        adults = run(BORN + f"- {{step: birthdates, column: b, at: {day}, youngest: 18}}", text)
        assert (adults["b"] == [None]) is (age < 18)


def test_dates_of_birth_at_the_day_in_a_column():
    steps = "- {step: dates, columns: [b, d], formats: [YYYY-MM-DD]}\n- {step: birthdates, column: b, at_column: d, age_as: a}"
    found = run(steps, [["b", "d"], ["1990-07-01", "2000-06-30"], ["1990-07-01", None], ["2000-01-01", "1999-01-01"]])
    assert found["a"] == [9, None, None]
    assert found["b"] == [date(1990, 7, 1), date(1990, 7, 1), None]
    assert "either" in refused("birthdates", column="b")
    assert "youngest" in refused("birthdates", column="b", at="2026-01-01", youngest=20, oldest=10)
