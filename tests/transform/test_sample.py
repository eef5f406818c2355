"""The sample: Acme's SOW over febrl, real-looking persons whose truth is known. The figures stand in the README."""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from backoffice.contract import load_sow
from backoffice.transform import Engine

SOW = Path(__file__).resolve().parents[2] / "sow" / "acme" / "contacts.yaml"


def pairs(groups):
    return {pair for members in groups for pair in combinations(sorted(members), 2)}


@pytest.mark.parametrize(
    ("file", "true_pairs", "precision", "recall"), [("dataset3", 6538, 0.999, 0.995), ("dataset2", 1934, 0.999, 0.993)]
)
def test_precision_and_recall_over_pairs_are_held(febrl, capsys, file, true_pairs, precision, recall):
    sow = load_sow(SOW)
    path = febrl / f"{file}.csv"
    persons = defaultdict(list)
    for line in path.read_text().splitlines()[1:]:
        rec_id = line.partition(",")[0]
        persons[rec_id.split("-")[1]].append(rec_id)
    truth = pairs(persons.values())
    with Engine() as engine:
        engine.load(sow, path)
        started = time.process_time()
        figures = engine.run(sow)
        seconds = time.process_time() - started
        listed = engine.connection.execute("SELECT merged_ids FROM result WHERE merged_ids IS NOT NULL").fetchall()
    found = pairs(row[0].split(";") for row in listed)
    right = len(found & truth)
    with capsys.disabled():
        print(
            f"\n{file}: {figures.rows_in} rows to {figures.rows_out}; {len(truth)} true pairs; precision "
            f"{right / len(found):.4f}, recall {right / len(truth):.4f}; {seconds:.2f} CPU s"
        )
    assert len(truth) == true_pairs
    assert right / len(found) >= precision
    assert right / len(truth) >= recall
    assert seconds < 6  # under 1 s on a quiet machine


def test_the_sample_uses_no_knowledge_of_the_references_form():
    """``rec_id`` is named as reference only: no step compares it or looks into it."""
    sow = load_sow(SOW)
    for number, step in enumerate(sow.steps):
        named = {one.loc[0] for one in step.names() if one.name == "rec_id"}
        assert named <= {"ids", "ignore"}, number


def test_the_sample_result_is_clean(febrl):
    sow = load_sow(SOW)
    with Engine() as engine:
        engine.load(sow, febrl / "dataset3.csv")
        figures = engine.run(sow)
        assert tuple(column[0] for column in engine.connection.execute("FROM result").description or ()) == sow.columns
        bad = engine.connection.execute(
            """SELECT count_if(NOT regexp_full_match(postcode, '[0-9]{4}')), count_if(length(state) > 3),
            count_if(surname = lower(surname)), count_if(given_name LIKE '% '), count(*) - count(DISTINCT rec_id)
            FROM result"""
        ).fetchall()
    assert bad == [(0, 0, 0, 0, 0)]
    blanked = {step.step: step.blanked for step in figures.steps if step.blanked}
    assert blanked == {"dates": {"date_of_birth": 35}, "allowed": {"state": 27}}
