"""Pseudonyms, bands, masks, and groups that are large enough."""

from __future__ import annotations

import os

import pytest

from backoffice.errors import DropRejected
from backoffice.transform import Engine
from backoffice.transform.function import FUNCTIONS
from tests.transform.conftest import column, sow
from tests.transform.steps.tabular import run

KEY, OTHER = os.urandom(32), os.urandom(32)


def pseudonyms(secret, cells, **step):
    agreed = sow([{"step": "pseudonymise", "columns": ["id", "name"], **step}])
    with Engine(secret=secret) as engine:
        engine.connection.execute('CREATE TABLE input (_row BIGINT, "id" VARCHAR, "name" VARCHAR)')
        for number, row in enumerate(cells):
            engine.connection.execute("INSERT INTO input VALUES (?, ?, ?)", [number, *row])
        engine.run(agreed)
        return engine.connection.execute("SELECT * FROM result").fetchall()


def test_the_same_person_has_one_pseudonym_within_a_project_and_nowhere_else():
    cells = [("Ann", "Ann"), ("Bo", None), ("ann", "it's")]
    first, again, elsewhere = pseudonyms(KEY, cells), pseudonyms(KEY, cells), pseudonyms(OTHER, cells)
    assert first == again
    assert first[0][0] == first[0][1]
    assert first[1][1] is None
    assert first[2][0] != first[0][0]
    assert {one for row in first for one in row if one}.isdisjoint(one for row in elsewhere for one in row)
    assert all(len(one) == 32 for row in first for one in row if one)


def test_two_projects_at_once_do_not_mix():
    with Engine(secret=KEY) as one, Engine(secret=OTHER) as two:
        found = []
        for engine in (one, two, one):
            engine.connection.execute(
                "CREATE OR REPLACE TABLE input AS SELECT 1::BIGINT AS _row, 'Ann' AS id, 'x' AS name"
            )
            engine.run(sow([{"step": "pseudonymise", "columns": ["id"]}]))
            found += engine.connection.execute("SELECT id FROM result").fetchall()
    assert found[0] == found[2] != found[1]
    assert not FUNCTIONS["pseudonym"]._kept


def test_a_realm_keeps_columns_apart_and_case_can_be_ignored():
    assert pseudonyms(KEY, [("Ann", "Ann")], realm="a") != pseudonyms(KEY, [("Ann", "Ann")], realm="b")
    found = pseudonyms(KEY, [("Ann", "ANN")], ignore_case=True)
    assert found[0][0] == found[0][1]


def test_a_trial_says_so():
    assert all(one.startswith("test-") for one in pseudonyms(None, [("Ann", "Bo")])[0])


def test_bands_begin_at_zero():
    steps = """
- {step: number, columns: [a], to: integer, decimal: "."}
- {step: number, columns: [b], decimal: "."}
- {step: generalise, bands: {a: 10, b: 2.5}}
"""
    found = run(steps, "a,b\n0,0\n9,2.5\n10,2.499999\n-1,-0.1\n-10,-2.5\n,\n")
    assert found["a"] == ["0-9", "0-9", "10-19", "-10--1", "-10--1", None]
    assert found["b"] == ["0 to 2.5", "2.5 to 5", "0 to 2.5", "-2.5 to 0", "-2.5 to 0", None]


@pytest.mark.parametrize(
    ("step", "cell", "wanted"),
    [
        ({"first": 2, "last": 2}, "abcdef", "ab**ef"),
        ({"first": 2, "last": 2}, "abcd", "****"),
        ({"first": 2, "last": 2}, "abc", "***"),
        ({"last": 3}, "äöüß", "*öüß"),
        ({}, "abc", "***"),
        ({"first": 1, "length": 3}, "abcdef", "a***"),
        ({"first": 1, "length": 3}, "a", "***"),
        ({"first": 1, "sign": "'"}, "ab", "a'"),
        ({}, None, None),
    ],
)
def test_masks(step, cell, wanted):
    assert column({"step": "mask", "columns": ["c"], **step}, [cell])[0] == [wanted]


def test_small_groups_are_dropped_emptied_or_refused():
    text = "a,b\nx,1\nx,2\ny,3\nz,4\nx,5\n"
    steps = "- {step: k_anonymity, columns: [a], k: 2, below: HOW}"
    found = run(steps.replace("HOW", "drop"), text)
    assert found["b"] == ["1", "2", "5"]
    assert found.step.counts == {"rows in small groups": 2}
    assert run(steps.replace("HOW", "blank"), text).rows == [
        ("x", "1"),
        ("x", "2"),
        (None, "3"),
        (None, "4"),
        ("x", "5"),
    ]
    assert run(steps.replace("HOW", "blank"), "a,b\nx,1\nx,2\ny,3\n").rows == [("x", "1"), ("x", "2")]
    assert run(steps.replace("HOW", "blank"), "a,b\n,1\ny,2\n").rows == [(None, "1"), (None, "2")]
    with pytest.raises(DropRejected, match="2 rows are in groups of fewer than 2 by a"):
        run(steps.replace("HOW", "stop"), text)


def test_the_key_is_in_no_repr():
    function = FUNCTIONS["pseudonym"].bound(KEY)
    assert repr(KEY) not in repr(vars(function))
    assert KEY.hex() not in repr(vars(function))
