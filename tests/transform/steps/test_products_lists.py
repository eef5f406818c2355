"""Price-list updates, variants, file names: whole lists."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from backoffice.contract.flow import flow_of
from tests.transform.steps.tabular import agreed, run

D = Decimal


def test_rows_are_new_gone_changed_or_unchanged_and_large_changes_are_marked():
    steps = """
- {step: prices, column: price, amount_as: amount}
- step: compare_lists
  old: last
  key: sku
  compare: [price, title]
  status_as: status
"""
    new = "sku,title,price\nB,Table,99.00\nA,Chair,55.00\nD,Lamp,20.00\nE,Rug,1.10\n"
    old = "sku,title,price,stock\nA,Chair,50.00,1\nB,Table,99.00,2\nC,Shelf,30.00,3\nE,Mat,1.10,4\n"
    ran = run(steps, new, last=old)
    assert ran["sku"] == ["B", "A", "D", "E", "C"]
    assert ran["status"] == ["unchanged", "changed", "new", "changed", "gone"]
    assert ran["title"][-1] == "Shelf"
    assert ran["price"][-1] == "30.00"
    assert ran["amount"][-1] is None
    assert ran.step.counts == {"new": 1, "gone": 1, "changed": 2, "unchanged": 1, "keys_repeated": 0}


def test_keys_that_repeat_are_compared_in_their_order_and_counted():
    steps = "- {step: compare_lists, old: last, key: sku, compare: [title], status_as: status}"
    ran = run(steps, "sku,title\nA,1\nA,2\n,x\nA,3\n", last="sku,title\nA,1\n,x\nA,5\nB,6\n")
    assert ran["status"] == ["unchanged", "changed", "new", "new", "gone", "gone"]
    assert ran["title"] == ["1", "2", "x", "3", "x", "6"]
    assert ran.step.counts["keys_repeated"] == 3


def test_the_old_list_may_call_its_key_otherwise():
    steps = "- {step: compare_lists, old: last, key: sku, old_key: nr, compare: [title], status_as: status}"
    ran = run(steps, "sku,title\nA,1\n", last="nr,title\nA,1\nB,2\n")
    assert ran["sku"] == ["A", "B"]
    assert ran["status"] == ["unchanged", "gone"]


def both(new, old):
    """Prices as numbers on both sides: the old list is a table of the SOW."""
    from backoffice.contract import Sow
    from backoffice.transform import Engine

    steps = [
        {"step": "prices", "column": "price", "amount_as": "amount"},
        {
            "step": "compare_lists", "old": "before", "key": "sku", "compare": ["amount"], "status_as": "status",
            "price": "amount", "old_price_as": "was", "percent_as": "percent", "mark_over": 10, "marked_as": "look",
        },
    ]  # fmt: skip
    one = {"format": "csv", "delimiter": ",", "columns": {"sku": "required", "price": "required"}}
    sow = Sow.model_validate(
        {
            "title": "t", "owner": "o", "description": "d", "purpose": "p", "signers": ["acme"], "approval": False,
            "input": one, "inputs": {"last": one}, "steps": steps,
            "tables": {"before": {"of": "last", "steps": steps[:1]}},
            "output": {"format": "csv", "filename": "out.csv"},
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
        }
    )  # fmt: skip
    with Engine() as engine:
        for name, rows in (("input", new), ("last", old)):
            engine.connection.execute(f'CREATE TABLE "{name}" (_row BIGINT, sku VARCHAR, price VARCHAR)')
            for number, row in enumerate(rows, start=1):
                engine.connection.execute(f'INSERT INTO "{name}" VALUES (?, ?, ?)', [number, *row])
        figures = engine.run(sow)
        found = engine.connection.execute("SELECT status, was, percent, look FROM result").fetchall()
        return found, figures.steps[-1]


def test_changes_are_exact_percentages():
    new = [("A", "11.00"), ("B", "11.01"), ("C", "5"), ("D", "0"), ("E", "1"), ("F", None), ("G", "0.10"), ("H", "-11")]
    old = [
        ("A", "10.00"),
        ("B", "10.00"),
        ("C", "0"),
        ("D", "5"),
        ("E", "1.00"),
        ("F", "1"),
        ("G", "0.30"),
        ("H", "-10"),
    ]
    found, figures = both(new, old)
    assert found == [
        ("changed", D(10), D(10), False),  # not over 10 %
        ("changed", D(10), D("10.10"), True),
        ("changed", D(0), None, True),
        ("changed", D(5), D(-100), True),
        ("unchanged", D(1), D(0), False),
        ("changed", D(1), None, False),
        ("changed", D("0.30"), D("-66.67"), True),
        ("changed", D(-10), D(-10), False),
    ]
    assert figures.counts["marked"] == 4


def test_a_column_that_the_old_list_lacks_is_found_before_any_file():
    steps = "- {step: compare_lists, old: last, key: sku, compare: [title], status_as: status}"
    sow = agreed(steps, ["sku", "title"], {"last": ["sku", "name"]})
    assert [place for place, *_ in flow_of(sow).faults()] == [("steps", 0, "compare", 0)]


def test_lists_that_hold_different_things_cannot_be_compared():
    steps = "- {step: prices, column: price, amount_as: amount}\n"
    steps += "- {step: compare_lists, old: last, key: sku, compare: [amount], status_as: status}"
    sow = agreed(steps, ["sku", "price"], {"last": ["sku", "amount"]})
    assert [place for place, *_ in flow_of(sow).faults()] == [("steps", 1, "compare", 0)]


VARIANTS = r"""
- step: variants
  column: sku
  pattern: "([A-Z0-9]+)-(S|M|L)-([a-z]*)"
  article_as: article
  attributes: [size, colour]
  number_as: variants_of_it
  parents_to: articles
  parent_columns: [title]
"""
SHIRTS = "sku,title\nT1-M-red,\nT1-S-red,Shirt\nT1-M-blue,Shirt\nMUG,Mug\n,Nothing\nT2-L-,Tank\n"


def test_variants_are_told_apart_and_counted():
    ran = run(VARIANTS, SHIRTS)
    assert ran["article"] == ["T1", "T1", "T1", "MUG", None, "T2"]
    assert ran["size"] == ["M", "S", "M", None, None, "L"]
    assert ran["colour"] == ["red", "red", "blue", None, None, None]
    assert ran["variants_of_it"] == [3, 3, 3, 1, None, 1]
    assert ran.step.counts == {"without_variant": 1}


def test_parents_list_what_they_come_in_in_the_order_of_the_file():
    ran = run(VARIANTS, SHIRTS, side="articles")
    assert ran.rows == [
        ("T1", 3, "M|S", "red|blue", None),
        ("MUG", 1, None, None, "Mug"),
        ("T2", 1, "L", None, "Tank"),
    ]


@pytest.mark.parametrize("pattern", ["([A-Z]+)-S", "[A-Z]+", "([A-Z]+)-(S)-(x)-(y)", "("])
def test_a_pattern_needs_a_group_for_each_part(pattern):
    with pytest.raises(ValidationError):
        agreed(VARIANTS.replace("([A-Z0-9]+)-(S|M|L)-([a-z]*)", pattern), ["sku", "title"], {})


def test_files_are_named_after_their_article_and_missing_ones_are_counted():
    rows = [
        ["sku", "image"],
        ["A 1", "x.JPEG"],
        ["a-1", "y.png"],
        ["B", None],
        ["C", "z.exe"],
        [None, "q.jpg"],
        ["ß", "a.b.jpg"],
    ]
    ran = run("- {step: file_names, column: image, name_as: file, name_by: sku}", rows)
    assert ran["file"] == ["a-1.jpg", "a-1--2.png", None, None, None, "ss.jpg"]
    assert ran.step.blanked == {"file": 3}, "a kind that is no picture's, a file without a name, a name without a file"


def test_no_two_files_get_the_same_name():
    names = ["a.jpg", "A.JPG", "a.jpeg", "a--2.jpg", "a-2.jpg", "x/a.jpg", "x.exe", None, "a.png"]
    ran = run("- {step: file_names, column: image, name_as: file}", [["image"], *([one] for one in names)])
    found = [one for one in ran["file"] if one]
    assert len(set(found)) == len(found) == 7
    assert found[:3] == ["a.jpg", "a--2.jpg", "a--3.jpg"]
    assert ran.step.blanked == {"file": 1}
