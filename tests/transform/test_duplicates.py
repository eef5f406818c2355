"""Duplicates: who survives, what is filled, what is listed; always the same for the same file."""

from __future__ import annotations

import random
import tempfile
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backoffice.errors import EngineError
from backoffice.transform import Engine
from tests.files import contents
from tests.transform.conftest import memory, sow, table


def exact(**step):
    return [{"step": "drop_duplicates", **step}]


def near(**step):
    points = {
        "name": {"equal": 5, "similar": {0.85: 4}, "differs": -5},
        "mail": {"equal": 3, "edits": {1: 2}, "differs": -1},
    }
    whole = {"step": "near_duplicates", "ids": "id", "list_as": "merged", "compare_if_equal": [["town"]]}
    return [{**whole, "points": points, "threshold": 4, **step}]


COLUMNS = ("id", "name", "mail", "town")


def test_of_equal_rows_the_most_complete_and_then_the_first_survives():
    agreed = sow(exact(by=["name"]), columns=COLUMNS)
    text = "id,name,mail,town\n1,ann,,\n2,ann,a@x,\n3,ann,,z\n4,bob,,\n"
    assert table(agreed, text)[0] == [("2", "ann", "a@x", None), ("4", "bob", None, None)]


def test_a_row_with_an_empty_key_equals_no_other():
    agreed = sow(exact(by=["name", "mail"]), columns=COLUMNS)
    text = "id,name,mail,town\n1,ann,,\n2,ann,,\n3,,,\n4,,,\n5,ann,a,\n6,ann,a,\n"
    assert [row[0] for row in table(agreed, text)[0]] == ["1", "2", "3", "4", "5"]


def test_whole_rows_are_compared_but_for_ignored_columns_and_empty_equals_empty():
    agreed = sow(exact(ignore=["id"], ids="id", list_as="merged"), columns=COLUMNS)
    text = "id,name,mail,town\n1,ann,,x\n2,bob,,\n3,ann,,x\n4,ann,b,x\n5,ann,,x\n6,,,\n7,,,\n"
    rows, figures = table(agreed, text)
    assert [(row[0], row[4]) for row in rows] == [("1", "1;3;5"), ("2", None), ("4", None), ("6", None), ("7", None)]
    assert (figures.rows_out, figures.merged) == (5, 2)


@pytest.mark.parametrize(
    "step", [{"by": ["name", "mail"]}, {"ignore": ["id"]}, {"by": ["name"], "ids": "id", "list_as": "merged"}]
)
def test_duplicates_of_cells_that_were_just_cleaned_are_those_of_clean_cells(step):
    clean = "id,name,mail,town\n1,ann,a,x\n2,ann,a,x\n3,ann,,x\n4,bob,,\n5,bob,,\n6,,,\n7,,,\n8,ann,a,y\n"
    typed = "id,name,mail,town\n1, ann,a,x \n2,ann ,a,x\n3,ann,  ,x\n4,bob,,\n5, bob , ,\n6,,,\n7, , , \n8,ann,a,y\n"
    wanted = table(sow(exact(**step), columns=COLUMNS), clean)[0]
    steps = [{"step": "trim"}, *exact(**step)]
    assert table(sow(steps, columns=COLUMNS), typed)[0] == wanted
    more = {"step": "case", "columns": ["town"], "to": "lower"}
    assert table(sow([*steps, more], columns=COLUMNS), typed)[0] == wanted


def test_near_duplicates_merge_into_the_most_complete_row_filled_from_the_next():
    text = "id,name,mail,town\n1,anna,,x\n2,bob,b@x,x\n3,anne,a@x,x\n4,anna,,x\n5,anna,a@y,y\n"
    rows, figures = table(sow(near(), columns=COLUMNS), text)
    assert rows == [
        ("2", "bob", "b@x", "x", None),
        ("3", "anne", "a@x", "x", "1;3;4"),
        ("5", "anna", "a@y", "y", None),
    ]
    assert figures.steps[0].counts == {
        "pairs_compared": 6, "pairs_same": 3, "groups_merged": 1, "blocks_crowded": 0,
    }  # fmt: skip


def test_an_empty_cell_is_filled_but_the_reference_never_is():
    text = "id,name,mail,town\n,anna,a@x,x\n2,anna,,x\n"
    assert table(sow(near(), columns=COLUMNS), text)[0] == [(None, "anna", "a@x", "x", "2")]


def test_pairs_chain_into_one_group():
    chain = ["aaaaaaaaaa", "aaaaaaaaab", "aaaaaaaabb", "aaaaaaabbb", "aaaaaabbbb", "aaaaabbbbb"]
    text = "id,name,mail,town\n" + "".join(f"{number},{name},,x\n" for number, name in enumerate(chain))
    points = {"name": {"equal": 5, "edits": {1: 5}, "differs": -5}}
    rows, figures = table(sow(near(points=points), columns=COLUMNS), text)
    assert [row[4] for row in rows] == ["0;1;2;3;4;5"]
    assert figures.steps[0].counts["pairs_same"] == 5


def test_exact_and_near_duplicates_are_listed_together():
    steps = exact(ignore=["id"], ids="id", list_as="merged") + near()
    text = "id,name,mail,town\n1,anna,,x\n2,anna,,x\n3,anne,a@x,x\n4,bob,,x\n5,bob,,x\n"
    rows, figures = table(sow(steps, columns=COLUMNS), text)
    assert [(row[0], row[4]) for row in rows] == [("3", "1;2;3"), ("4", "4;5")]
    assert figures.merged == 3


def test_empty_cells_are_not_compared_by_and_do_not_explode():
    text = "id,name,mail,town\n" + "".join(f"{number},,,\n" for number in range(20_000))
    started = time.monotonic()
    rows, figures = table(sow(near(), columns=COLUMNS), text)
    assert len(rows) == 20_000
    assert figures.steps[0].counts["pairs_compared"] == 0
    assert time.monotonic() - started < 5


def test_a_crowded_block_is_compared_with_neighbours_only_and_counted():
    """20,000 of one town: by name in the first order, by mail in the second, none of the 200 million pairs in vain."""
    names = [f"n{number * 7919 % 20_000:05}" for number in range(20_000)]
    text = "id,name,mail,town\n" + "".join(f"{n},{name},{name}@x,x\n" for n, name in enumerate(names))
    text += f"a,{names[11]}q,{names[11]}@x,x\nb,,{names[12]}@x,x\nc,bob,,y\nd,bob,,y\n"
    points = {"name": {"equal": 5, "similar": {0.96: 4}, "differs": -5}, "mail": {"equal": 5, "differs": -9}}
    rows, figures = table(sow(near(largest_block=100, neighbours=5, points=points), columns=COLUMNS), text)
    assert {row[4] for row in rows if row[4]} == {"11;a", "12;b", "c;d"}
    counts = figures.steps[0].counts
    assert counts["blocks_crowded"] == 1
    assert counts["pairs_compared"] <= 1 + 2 * 5 * 20_002


def test_a_crowd_of_equal_rows_becomes_one():
    text = "id,name,mail,town\n" + "".join(f"{number},anna,,x\n" for number in range(20_000)) + "a,bob,,y\nb,bob,,y\n"
    rows, _ = table(sow(near(largest_block=100), columns=COLUMNS), text)
    assert [(row[0], row[4].count(";")) for row in rows] == [("0", 19_999), ("a", 1)]


def test_a_job_that_outgrows_its_memory_goes_on_on_disk_and_no_plaintext_is_there(tmp_path, monkeypatch):
    """The canary is looked for in every spilled byte while the job runs; without encryption it would be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = "id,name,mail,town\n" + "".join(f"{n},qzxcanary qzxcanary {n},qzxcanary{n},{n}\n" for n in range(200_000))
    spilled, found, over = [0], [False], threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for path, content in contents(tmp_path):
                if path.suffix == ".tmp":
                    spilled[0] = max(spilled[0], len(content))
                    found[0] |= b"canary" in content

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with memory(text) as path, Engine(memory_limit="40MB") as engine:
            engine.load(sow(columns=COLUMNS), path)
            figures = engine.run(sow(near(), columns=COLUMNS))
    finally:
        over.set()
        watcher.join()
    assert figures.rows_out == 200_000
    assert spilled[0] > 100_000
    assert not found[0]
    assert not list(tmp_path.iterdir())


def test_a_job_that_cannot_be_done_in_its_memory_fails_plainly(tmp_path):
    text = "id,name,mail,town\n" + "".join(f"{n},qzxcanary qzxcanary {n},qzxcanary{n},{n}\n" for n in range(200_000))
    with memory(text) as path, Engine(memory_limit="4MB") as engine:
        with pytest.raises(Exception, match="memory") as caught:
            engine.load(sow(columns=COLUMNS), path)
            engine.run(sow(near(), columns=COLUMNS))
        assert "canary" not in str(caught.value)
        assert caught.value.__context__ is None
        assert type(caught.value).__name__ in ("DropRejected", EngineError.__name__)


name = st.sampled_from(["anna", "anne", "ann", "bob", "bobb", ""])
rows_ = st.lists(
    st.tuples(name, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x", "y"])), min_size=1, max_size=25
)


def _by_hand(rows):
    """The same rule in Python, for the points above without mail: pairs, components, survivors, filling."""
    from itertools import combinations

    group = list(range(len(rows)))
    for one, other in combinations(range(len(rows)), 2):
        (a, _, town), (b, _, other_town) = rows[one], rows[other]
        if town and town == other_town and a and a == b:
            low, high = sorted((group[one], group[other]))
            group = [low if member == high else member for member in group]
    found = []
    for leader in sorted(set(group)):
        members = [number for number, member in enumerate(group) if member == leader]
        ranked = sorted(members, key=lambda number: (-sum(bool(cell) for cell in rows[number]), number))
        cells = [next((rows[number][at] for number in ranked if rows[number][at]), None) for at in range(3)]
        listed = ";".join(f"r{number}" for number in members) if len(members) > 1 else None
        found.append((ranked[0], (f"r{ranked[0]}", *cells, listed)))
    return [row for _, row in sorted(found)]


@given(rows=rows_)
@settings(max_examples=40, deadline=None)
def test_near_duplicates_follow_the_stated_rule(engine, rows):
    points = {"name": {"equal": 5, "differs": -5}}
    agreed = sow(near(points=points), columns=COLUMNS)
    text = "id,name,mail,town\n" + "".join(f"r{number},{','.join(row)}\n" for number, row in enumerate(rows))
    with memory(text) as path:
        engine.load(agreed, path)
        engine.run(agreed)
        assert engine.connection.execute("SELECT * FROM result").fetchall() == _by_hand(rows)


def test_the_same_file_gives_the_same_result_whatever_the_threads():
    draw = random.Random(7)
    lines = [
        f"{n},{draw.choice(['anna', 'anne', 'bob', 'bobby', ''])},{draw.choice('abc')}@x,{draw.randrange(900)}\n"
        for n in range(20_000)
    ]
    text = "id,name,mail,town\n" + "".join(lines)
    steps = [{"step": "trim"}, *exact(ignore=["id"], ids="id", list_as="merged"), *near()]
    agreed = sow(steps, columns=COLUMNS)
    results = []
    for threads in (1, 2, 4):
        with memory(text) as path, Engine(threads=threads) as engine:
            engine.load(agreed, path)
            engine.run(agreed)
            results.append(engine.connection.execute("SELECT * FROM result").fetchall())
    assert results[0] == results[1] == results[2]
    ids = [int(row[0]) for row in results[0]]
    assert ids == sorted(ids)
