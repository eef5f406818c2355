"""XLS and XLSB: the old binary workbooks are read like the others, and refused like them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import DropRejected
from backoffice.transform import Engine
from tests.transform.conftest import memory
from tests.transform.reading.binary import DAY, xls, xlsb
from tests.transform.reading.files import agreed, read

ROWS = [["id", "name"], [1.0, "Zoë"], [2.5, True], [None, "x"]]
READ = [("1", "Zoë"), ("2.5", "true"), (None, "x")]
MAKE = {"xls": xls, "xlsb": xlsb}


@pytest.mark.parametrize("format_", ["xls", "xlsb"])
def test_a_sheet_is_read(format_):
    profile, rows = read(MAKE[format_](ROWS), agreed(format_))
    assert rows == READ
    assert profile.words().startswith(f"{format_.upper()}, sheet 1 of 1, 3 rows and 2 columns")


def test_dates_and_merged_cells_of_xls():
    content = xls([["id", "name"], [(45000, DAY), "x"], [None, "y"]], merged=[(1, 2, 0, 0)])
    assert read(content, agreed("xls", merged="fill"))[1] == [("2023-03-15", "x"), ("2023-03-15", "y")]


@pytest.fixture(scope="module")
def one_engine():
    with Engine() as opened:
        yield opened


@given(content=st.binary(min_size=1, max_size=20), place=st.integers(0, 5000), kind=st.sampled_from(["xls", "xlsb"]))
@settings(max_examples=40, deadline=None)
def test_any_change_is_read_or_refused(one_engine, content, place, kind):
    whole = MAKE[kind](ROWS)
    place %= len(whole)
    with memory(whole[:place] + content + whole[place + len(content) :]) as path:
        try:
            assert one_engine.load(agreed(kind, extra_columns="drop"), path)["input"].rows
        except DropRejected as error:
            assert error.__context__ is None
            assert error.hint
