"""Article numbers against numbers that are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean, isbn

from backoffice.transform.values.gtins import check_digit, expanded, gtin

ALL = "ean13 ean8 upca gtin14 isbn10 isbn13"


@pytest.mark.parametrize(
    ("text", "kinds", "write", "wanted"),
    [
        ("4006381333931", ALL, "as_is", ("4006381333931", "ean13")),
        ("4006381333931", ALL, "14", ("04006381333931", "ean13")),
        ("4 006381 333931", ALL, "as_is", ("4006381333931", "ean13")),
        ("73513537", ALL, "13", ("0000073513537", "ean8")),
        ("036000291452", ALL, "13", ("0036000291452", "upca")),
        ("10614141000415", ALL, "14", ("10614141000415", "gtin14")),
        ("10614141000415", ALL, "13", None),
        ("00614141000418", ALL, "13", ("0614141000418", "gtin14")),
        ("0-306-40615-2", ALL, "13", ("9780306406157", "isbn10")),
        ("080442957x", ALL, "as_is", ("080442957X", "isbn10")),
        ("978-0-306-40615-7", ALL, "as_is", ("9780306406157", "isbn13")),
        ("978-0-306-40615-7", "ean13", "as_is", ("9780306406157", "ean13")),
        ("9790260000438", "isbn13", "as_is", None),  # music, not a book
        ("04252614", "upce", "14", ("00042100005264", "upce")),
        ("04252614", "upce", "as_is", ("04252614", "upce")),
        ("4006381333932", ALL, "as_is", None),
        ("0000000000000", ALL, "as_is", None),
        ("4.00638E+12", ALL, "as_is", None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", ALL, "as_is", None),
        ("", ALL, "as_is", None),
    ],
)
def test_numbers_are_checked_and_written_as_asked(text, kinds, write, wanted):
    assert gtin(text, kinds, write, False, True) == wanted


def test_zeros_that_a_spreadsheet_lost_come_back_where_the_check_digit_fits():
    assert gtin("36000291452", ALL, "as_is", False, True) is None
    assert gtin("36000291452", ALL, "as_is", True, True) == ("036000291452", "upca")
    assert gtin("36000291453", ALL, "as_is", True, True) is None


@pytest.mark.parametrize("text", ["2012345678900", "0212345678909", "0412345678907"])
def test_numbers_that_a_shop_gives_itself_count_only_if_agreed(text):
    number = text[:-1] + check_digit(text[:-1])
    assert gtin(number, ALL, "as_is", False, True)
    assert gtin(number, ALL, "as_is", False, False) is None


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("01234505", "012000003455"),
        ("01234531", "012300000451"),
        ("01234543", "012340000053"),
        ("01234565", "012345000065"),
    ],
)
def test_upc_e_gets_its_zeros_back(short, full):
    assert expanded(short) == full


@given(st.text("0123456789", min_size=7, max_size=13))
def test_the_check_digit_is_that_of_another_implementation(digits):
    assert check_digit(digits) == ean.calc_check_digit(digits)


@given(st.text("0123456789", min_size=9, max_size=9), st.text("0123456789X", min_size=1, max_size=1))
def test_isbns_agree_with_another_implementation(body, last):
    found = gtin(body + last, "isbn10", "13", False, True)
    assert (found is not None) == isbn.is_valid(body + last)
    if found:
        assert found[0] == isbn.to_isbn13(body + last)


@given(st.text(max_size=20))
def test_any_text_is_a_number_or_none(text):
    found = gtin(text, ALL, "14", True, True)
    assert found is None or (len(found[0]) == 14 and found[0].isascii() and found[0].isdecimal())
