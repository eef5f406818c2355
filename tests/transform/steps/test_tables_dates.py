"""Dates and times as people and programs write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backoffice.contract.flow import flow_of
from backoffice.contract.step import step_model
from tests.transform.conftest import column
from tests.transform.steps.tabular import agreed


def dates(value, written, **more):
    return column({"step": "dates", "columns": ["c"], "formats": [written], **more}, [value])[0][0]


def times(value, written, **more):
    return column({"step": "timestamps", "columns": ["c"], "formats": [written], **more}, [value])[0][0]


@pytest.mark.parametrize(
    ("written", "languages", "cell", "wanted"),
    [
        ("D. MMM YYYY", ["de"], "7. März 2024", date(2024, 3, 7)),
        ("D. MMM YYYY", ["de"], "7. MÄRZ 2024", date(2024, 3, 7)),
        ("D. MMM YYYY", ["de"], "7. Jan. 2024", date(2024, 1, 7)),
        ("D. MMM YYYY", ["de"], "7. Foo 2024", None),
        ("D MMM YYYY", ["en", "fr"], "7 février 2024", date(2024, 2, 7)),
        ("D MMM YYYY", ["en", "fr"], "7 Sept 2024", date(2024, 9, 7)),
        ("D MMM YYYY", ["en", "fr"], "7 sep 2024", date(2024, 9, 7)),
        ("MMM D, YYYY", ["en"], "May 31, 2024", date(2024, 5, 31)),
        ("MMM D, YYYY", ["en"], "June 31, 2024", None),
        ("D MMM YYYY", ["pl"], "7 października 2024", date(2024, 10, 7)),
        ("D-MMM-YY", ["en"], "7-Mar-85", date(1985, 3, 7)),
    ],
)
def test_months_have_names(written, languages, cell, wanted):
    assert dates(cell, written, languages=languages, pivot=30) == wanted


@pytest.mark.parametrize(("cell", "year"), [("1.3.00", 2000), ("1.3.30", 2030), ("1.3.31", 1931), ("1.3.99", 1999)])
def test_two_digit_years_turn_at_the_pivot(cell, year):
    assert dates(cell, "D.M.YY", pivot=30) == date(year, 3, 1)


@pytest.mark.parametrize(
    ("count", "cell", "wanted"),
    [
        ("excel", "45352", date(2024, 3, 1)),
        ("excel", "45352.75", date(2024, 3, 1)),
        ("excel", "61", date(1900, 3, 1)),
        ("excel", "60", None),
        ("excel", "2958465", date(9999, 12, 31)),
        ("excel", "2958466", None),
        ("excel", "-5", None),
        ("excel", "1e3", None),
        ("excel", "99999999999999999999", None),
        ("excel-1904", "43890", date(2024, 3, 1)),
    ],
)
def test_numbers_of_spreadsheets(count, cell, wanted):
    assert dates(cell, count) == wanted


@pytest.mark.parametrize(
    ("written", "cell", "wanted"),
    [
        ("YYYY-MM-DD hh:mm", "2026-07-01 09:30", datetime(2026, 7, 1, 9, 30)),
        ("YYYY-MM-DD h:mm", "2026-07-01 9:30", datetime(2026, 7, 1, 9, 30)),
        ("YYYY-MM-DDThh:mm:ss.f", "2026-07-01T09:30:05.25", datetime(2026, 7, 1, 9, 30, 5, 250000)),
        ("YYYY-MM-DDThh:mm:ss.f", "2026-07-01T09:30:05.123456789", datetime(2026, 7, 1, 9, 30, 5, 123456)),
        ("M/D/YYYY h:mm AP", "7/1/2026 12:05 AM", datetime(2026, 7, 1, 0, 5)),
        ("M/D/YYYY h:mm AP", "7/1/2026 12:05 p.m.", datetime(2026, 7, 1, 12, 5)),
        ("M/D/YYYY h:mm AP", "7/1/2026 11:05 pm", datetime(2026, 7, 1, 23, 5)),
        ("M/D/YYYY h:mm AP", "7/1/2026 13:05 pm", None),
        ("YYYY-MM-DD hh:mm", "2026-07-01 24:00", None),
        ("YYYY-MM-DD hh:mm", "2026-07-01 09:60", None),
        ("YYYY-MM-DD", "2026-07-01", datetime(2026, 7, 1)),
        ("YYYY-MM-DD hh:mm:ss", "2026-07-01 23:59:58", datetime(2026, 7, 1, 23, 59, 58)),
        ("YYYY-MM-DD hh:mm:ss", "2026-07-01 24:00:00", None),
        ("hh:mm·DD.MM.YYYY", "09:30·01.07.2026", datetime(2026, 7, 1, 9, 30)),
        ("YYYYMMDDThhmmss", "20260701T093005", datetime(2026, 7, 1, 9, 30, 5)),
        ("YYYYMMDDThhmmss", "20260230T093005", None),
        ("YYYY-MM-DD hh:mm", None, None),
    ],
)
def test_times_of_day(written, cell, wanted):
    assert times(cell, written) == wanted


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("2026-07-01T09:30:00Z", datetime(2026, 7, 1, 11, 30)),
        ("2026-01-01T09:30:00Z", datetime(2026, 1, 1, 10, 30)),
        ("2026-07-01T09:30:00+02:00", datetime(2026, 7, 1, 9, 30)),
        ("2026-07-01T09:30:00-0500", datetime(2026, 7, 1, 16, 30)),
        ("2026-07-01T09:30:00", None),
    ],
)
def test_a_time_with_a_zone_is_told_in_the_stated_one(cell, wanted):
    assert times(cell, "YYYY-MM-DDThh:mm:ssZ", zone="Europe/Vienna") == wanted


@given(when=st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 31)))
@settings(max_examples=30, deadline=None)
def test_every_time_is_read_in_every_order(when):
    when = when.replace(microsecond=0)
    assert times(f"{when:%d.%m.}{when.year:04} {when:%H:%M:%S}", "DD.MM.YYYY hh:mm:ss") == when
    assert times(f"{when:%I:%M:%S %p} {when.day}/{when.month}/{when.year:04}", "hh:mm:ss AP D/M/YYYY") == when


@given(days=st.integers(61, 2_958_465))
@settings(max_examples=30, deadline=None)
def test_every_serial_number_is_a_day(days):
    assert dates(str(days), "excel") == date(1899, 12, 30) + timedelta(days=days)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ({"formats": ["YY-MM-DD"]}, "say `pivot`"),
        ({"formats": ["D MMM YYYY"]}, "say `languages`"),
        ({"formats": ["YYYY-MM"]}, "each once"),
        ({"formats": ["YYYY-MM-DD hh:mm"]}, "`timestamps`"),
        ({"formats": ["YYYY-QQ-MM-DD"]}, "stand for nothing"),
    ],
)
def test_what_a_format_lacks_is_said(step, told):
    with pytest.raises(ValidationError, match=told):
        step_model("dates").model_validate({"step": "dates", "columns": ["c"], **step})


def test_unknown_languages_and_zones_are_mistakes():
    steps = "- {step: timestamps, columns: [a], formats: [D MMM YYYY], languages: [xx], zone: Mars/Base}"
    told = [fault for _, fault, _ in flow_of(agreed(steps, ["a"], {})).faults()]
    assert told == ["The months of `xx` are not known.", "There is no time zone `Mars/Base`."]
