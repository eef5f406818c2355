"""What we answer for a telephone number is what phonenumbers answers, on its own examples and on anything else."""

# ruff: noqa: E501 - tables of examples

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from backoffice.transform.values.automaton import Automaton
from backoffice.transform.values.numbering import TYPES, plan
from backoffice.transform.values.phones import WRITINGS, phones

phonenumbers.re_util.enable_pattern_cache()  # five times as fast for us
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES: Sequence[tuple[str, Any]] = [
    (region, number)
    for region in REGIONS
    for kind in TYPES
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
] + [
    ("AT", phonenumbers.example_number_for_non_geo_entity(code))
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
]
FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)


def theirs(text: str, region: str) -> dict[str, str | None] | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    extension, number.extension = number.extension, None
    country = phonenumbers.region_code_for_number(number)
    return {
        "e164": phonenumbers.format_number(number, PhoneNumberFormat.E164),
        "international": phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
        "national": phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
        "type": TYPES[phonenumbers.number_type(number)],
        "country": None if country == "001" else country,
        "extension": extension or None,
    }


def compare(rows: list[tuple[str, str]]) -> int:
    """How many are valid."""
    wanted = [theirs(*row) for row in rows]
    for how in WRITINGS:
        assert phones(rows, how) == [one and one[how] for one in wanted], how
    return sum(one is not None for one in wanted)


def test_the_examples_of_every_country_and_type_in_every_way_of_writing():
    rows = [(phonenumbers.format_number(number, how), region) for region, number in EXAMPLES for how in FORMATS]
    assert compare(rows) > 0.99 * len(rows)


def test_the_examples_dialled_from_abroad_and_with_signs_between():
    rows = []
    for region, number in EXAMPLES:
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        code, national = e164[1:4], phonenumbers.national_significant_number(number)
        rows += [
            (e164.replace("+", "00"), "DE"), (e164.replace("+", "011"), "US"), (e164[1:], region),
            (f"+{number.country_code} (0) {national}", region), (f"{code}/{e164[4:]}", "AT"), (f"({national})", region),
            (national, region), (f"0{national}", region), (national[:-1], region), (f"{national}0", region),
            (f"{national} ext. 12", region), (f"Tel: {national}", region), (f"{national[:3]}\u2013{national[3:]}", region),
        ]  # fmt: skip
    assert compare(rows) > 0.4 * len(rows)


def test_what_is_not_valid():
    rows = [("", "AT"), ("+", "AT"), ("12", "AT"), ("112", "AT"), ("x", "AT"), ("+999 1234567", "AT"), ("\n", "AT"),
            ("0" * 30, "AT"), ("1" * 300, "AT"), ("+43 664 123 456\n7", "AT"), ("\ud83d\ude00 0664 1234567", "AT")]  # fmt: skip
    rows += [
        (phonenumbers.format_number(bad, 0), one)
        for one in REGIONS
        if (bad := phonenumbers.invalid_example_number(one))
    ]
    compare(rows)


@st.composite
def mangled(draw: st.DrawFn) -> tuple[str, str]:
    region, number = draw(st.sampled_from(EXAMPLES))
    national = phonenumbers.national_significant_number(number)
    keep = draw(st.integers(0, len(national)))
    tail = draw(st.text("0123456789", min_size=max(0, len(national) - keep - 1), max_size=len(national) - keep + 1))
    begin = draw(st.sampled_from(["", "0", "1", "8", f"+{number.country_code}", f"00{number.country_code}", "+", "00",
                                  str(number.country_code), f"+{number.country_code}(0)"]))  # fmt: skip
    text = begin + national[:keep] + tail
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        sign = draw(st.sampled_from([*" -/().+x#,;~*[]a\t\n\u00a0\u2013\u0663\uff13", " ext 1", "tel:"]))
        text = text[:at] + sign + text[at:]
    return text, draw(st.sampled_from([region, region, region, *REGIONS]))


@given(rows=st.lists(mangled(), min_size=30, max_size=60))
@settings(max_examples=60, deadline=None)
def test_mangled_numbers(rows):
    compare(rows)


@given(text=st.text(max_size=40), region=st.sampled_from(REGIONS))
@settings(max_examples=200, deadline=None)
def test_any_text(text, region):
    compare([(text, region)])


def test_numbers_that_begin_alike_get_the_answers_that_each_would_get_alone():
    rng = random.Random(1)
    rows = []
    for region, number in rng.choices(EXAMPLES, k=400):
        national = phonenumbers.national_significant_number(number)
        for _ in range(10):
            keep = rng.randrange(1, len(national))
            rows.append((national[:keep] + "".join(rng.choice("0123456789") for _ in national[keep:]), region))
    compare(rows)
    compare(rows[::-1])


def test_countries_are_tried_in_their_order_and_what_is_none_is_left_out():
    number = "0664 1234567"
    assert phones([(number, "AT DE"), (number, "de at"), (number, ""), (number, "XX ÄÖ AT"), ("+43" + number, "")], "country") == [
        "AT", "DE" if phonenumbers.is_valid_number(phonenumbers.parse(number, "DE")) else "AT", None, "AT", "AT",
    ]  # fmt: skip


def test_a_line_end_in_one_number_does_not_shift_the_others():
    assert phones([("0664\n1234567", "AT"), ("0664 7654321", "AT")], "e164")[1] == "+436647654321"


PATTERNS = [
    r"\d{7}", r"6\d{3}", r"6(?:5[0-3]|6\d)\d{4,8}", r"(?:\d{2}4)?1", "12|3", r"[2-9]\d{9}|3\d{6}", "(0|44)(12)?", r"\d{2,3}5",
    "4?4?4", "(?:1|12|123)3?",
]  # fmt: skip
AUTOMATON = Automaton([(one, False) for one in PATTERNS] + [(one, True) for one in PATTERNS])


@given(digits=st.one_of(st.text("0123456789", max_size=12), st.text("1346", max_size=12)))
@settings(max_examples=300, deadline=None)
def test_an_automaton_says_of_every_pattern_at_once_whether_it_matches(digits):
    node = AUTOMATON.root
    for digit in digits:
        node = node[digit]
    wanted = {number for number, pattern in enumerate(PATTERNS) if re.fullmatch(pattern, digits)}
    wanted |= {number + len(PATTERNS) for number, pattern in enumerate(PATTERNS) if re.match(pattern, digits)}
    assert node.accepts == wanted


@given(
    digits=st.text("0123456789", max_size=6), more=st.lists(st.text("0123456789", min_size=4, max_size=4), max_size=3)
)
@settings(max_examples=200, deadline=None)
def test_what_follows_a_free_node_does_not_matter(digits, more):
    node = AUTOMATON.root
    for digit in digits:
        node = node[digit]
    ends = [node[one[0]][one[1]][one[2]][one[3]].accepts for one in more]
    assert not node.free or len(set(ends)) <= 1


@pytest.mark.parametrize("pattern", ["1+", "1*", "a", "(?=1)", "1{2,}", "[^1]", "^1"])
def test_an_automaton_refuses_what_it_does_not_know(pattern):
    with pytest.raises(ValueError, match="something else"):
        Automaton([(pattern, False)])


def test_every_pattern_of_the_metadata_is_known():
    for region in REGIONS:
        found = plan(region)
        assert found is not None
        assert found.calling.code == found.code
