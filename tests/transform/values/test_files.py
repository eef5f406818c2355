"""File names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.transform.values.files import file_name, stem_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"Fotos\Stuhl Grün (2).JPEG", ("stuhl-grun-2", "jpg")),
        ("https://shop.example/p/side%20view.png?w=9#x", ("side-view", "png")),
        ("../../etc/passwd.jpg", ("passwd", "jpg")),
        ("a/b/c.d.jpg", ("c.d", "jpg")),
        ("东京.jpg", ("dongjing", "jpg")),
        ("x.exe", None),
        ("x.jpg.exe", None),
        ("x", None),
        (".jpg", None),
        ("...jpg", None),
        ("https://[broken/x.jpg", None),
        ("", None),
    ],
)
def test_names_are_plain_and_have_no_folder(text, wanted):
    assert file_name(text, "jpg png") == wanted


@given(st.text(max_size=300))
def test_a_stem_is_safe_everywhere_and_stays_as_it_is(text):
    stem = stem_of(text)
    assert re.fullmatch(r"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)?", stem)
    assert "--" not in stem
    assert ".." not in stem
    assert len(stem) <= 100
    assert stem_of(stem) == stem
