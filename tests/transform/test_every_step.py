"""Every step, by its own example: what any client's file may do to it does not break it, and everything is counted."""

from __future__ import annotations

import copy
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlglot
import yaml

from backoffice.contract import REJECTS, Sow, step_model, step_names
from backoffice.contract.flow import flow_of
from backoffice.contract.step import Made, Step
from backoffice.errors import DropRejected
from backoffice.transform import Engine
from backoffice.transform.engine import explain

STEPS = list(step_names())
READERS = [name for name in STEPS if "unreadable" in step_model(name).model_fields]
MANY = 2100
"""Rows: two row groups of the smallest size."""
FEW = {"near_duplicates": 60, "reconcile": 60}
"""Equal rows are compared each with each there: they are so many at most, by design."""
ODD = [
    "order",
    "select",
    'a"b',
    "ä.ö",
    "it's",
    "two words",
    ":cell",
    "{0}",
    "$1",
    "x;--",
    "table",
    "a\\b",
    "%s",
    "#1",
    "?",
    "from",
]
SAYS_WHAT_IT_IS_GIVEN = {"python": "its module leaves the columns that its SOW says, of those it is given"}
OWN_CURSOR = {"python": "it reads its table through a second connection, which looks in the first database only"}
NAMES_ELSEWHERE = {
    "python": "the names stand in the module",
    "sql": "the names stand in the query",
    "file_documents": "the names stand in the rule",
    "needs_review": "a confidence is found by its name's end",
}
PLANTED = {"identifiers": ("iban", "DE88"), "split_street": ("address", "12"), "gtin": ("ean", "1")}
"""What a step cannot read, where its example has no such cell, or for `keep` too few: column, text."""
WITHOUT = {
    "gtin": ("kind_as", "it goes with no `keep`"),
}
"""Fields of the example that are left out where unreadable cells are tried."""
FIRST = {"replace": "the second has a pattern", "identifiers": "the second only says what is valid"}
"""Where the example has the step twice, and the one that can lose a cell is the first."""
DEMANDS = {"assert": "it demands rows, and filled cells"}
WITHOUT_SQL = {"python": "it is Python"}
NOTHING = Decimal("0.000000")
MADE_OF_BLANKS: dict[str, list[tuple[Any, ...]]] = {
    "aged_balances": [(None,) * 5 + ("without date",)] * 3,
    "aggregate": [(None, 3, None, None, None)],
    "compare_lists": [(None,) * 4 + ("new",)] * 3 + [(None,) * 4 + ("gone",)] * 3,
    "consent": [],
    "constant": [(None, "spring fair")] * 3,
    "file_documents": [(None,) * 4 + (f"unknown/unknown unknown{more}",) for more in ("", "--2", "--3")],
    "fill": [(None, None, "none given", None)] * 3,
    "filter": [],
    "needs_review": [],
    "pivot": [(None, None, None)],
    "reconcile": [(None,) * 4 + (side, NOTHING) for side in ("only_here", "only_there") for _ in range(3)],
    "sample": [(None,)] * 2,
    "sql": [],
    "union": [(None, None, None)] * 6,
    "unpivot": [],
    "window": [(None, None, None, number, None, None) for number in (1, 2, 3)],
    "year_on_year": [],
}
"""What three rows of empty cells become where they do not just stay empty, as `blanks` of the step says it."""

Table = tuple[list[str], list[list[str | None]]]
Tables = dict[str, Table]


def example_tables(name: str) -> Tables:
    example = step_model(name).example
    found = {}
    for table, text in {"input": example.before, **example.tables}.items():
        header, *rows = csv.reader(io.StringIO(text))
        found[table] = (header, [[cell or None for cell in row] for row in rows])
    return found


def example_steps(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load(step_model(name).example.steps)


def agreed(steps: list[dict[str, Any]], tables: Tables, folder: Path, name: str, output: str = "result") -> Sow:
    inputs = {
        table: {"format": "csv", "member": f"{table}.csv", "columns": dict.fromkeys(header, "required")}
        for table, (header, _) in tables.items()
    }
    sow = Sow.model_validate(
        {
            "title": "t", "owner": "o", "description": "d", "purpose": "p", "signers": ["acme"], "approval": False,
            "input": inputs.pop("input"), "inputs": inputs, "steps": steps,
            "output": {"format": "csv", "filename": "out.csv", "table": output},
            "retention": {"results": {"until": "acceptance", "at_most_days": 1}},
        }
    )  # fmt: skip
    sow._path = folder / "acme.yaml"
    for file, text in step_model(name).example.files.items():
        (folder / file).write_text(text, encoding="utf-8")
    return sow


def load(engine: Engine, tables: Tables) -> None:
    """The tables as the reader leaves them; whatever was there before is gone."""
    run = engine.connection.execute
    for kind, table in run(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE NOT internal UNION ALL "
        "SELECT 'TABLE', table_name FROM duckdb_tables()"
    ).fetchall():
        run(f'DROP {kind} IF EXISTS "{table}"')
    for table, (header, rows) in tables.items():
        names = ['"' + one.replace('"', '""') + '"' for one in header]
        run(f'CREATE TABLE "{table}" (_row BIGINT, {", ".join(f"{one} VARCHAR" for one in names)})')
        cells = [f"unnest(${place + 1}::VARCHAR[])" for place in range(len(names))]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
        lines = f"SELECT row_number() OVER (), * FROM (SELECT {', '.join(cells)})"
        run(f'INSERT INTO "{table}" {lines}', columns)


def result(engine: Engine, table: str = "result") -> list[tuple[Any, ...]]:
    return engine.connection.execute(f'SELECT * FROM "{table}"').fetchall()


def run(engine: Engine, steps: Any, tables: Tables, folder: Path, name: str, output: str = "result") -> tuple[Any, Any]:
    sow = agreed(steps, tables, folder, name, output)
    load(engine, tables)
    figures = engine.run(sow)
    return result(engine), figures


@pytest.fixture(scope="module")
def small_groups() -> Iterator[Engine]:
    with Engine(threads=4) as opened:
        opened.connection.execute("ATTACH ':memory:' AS small (ROW_GROUP_SIZE 2048)")
        opened.connection.execute("USE small")
        yield opened


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(threads=1) as opened:
        yield opened


@pytest.mark.parametrize("name", STEPS)
def test_threads_and_row_groups_change_nothing(name, engine, small_groups, tmp_path):
    tables = example_tables(name)
    header, rows = tables["input"]
    if name not in DEMANDS:
        rows = (rows * MANY)[: FEW.get(name, MANY)]
    if name not in SAYS_WHAT_IT_IS_GIVEN:  # rows that are all the same would hide that they have changed places
        header, rows = [*header, "line"], [[*row, str(line)] for line, row in enumerate(rows)]
    tables["input"] = header, rows
    one, _ = run(engine, example_steps(name), tables, tmp_path, name)
    with Engine(threads=4) if name in OWN_CURSOR else nullcontext(small_groups) as parallel:
        other, _ = run(parallel, example_steps(name), tables, tmp_path, name)
    assert one == other
    assert one


@pytest.mark.parametrize("name", READERS)
def test_what_cannot_be_read_is_counted_whatever_becomes_of_it(name, engine, tmp_path):
    steps, tables = example_steps(name), example_tables(name)
    places = [place for place, one in enumerate(steps) if one["step"] == name]
    at = places[0] if name in FIRST else places[-1]
    if name in WITHOUT:
        del steps[at][WITHOUT[name][0]]
    if name in PLANTED:
        column, text = PLANTED[name]
        header, rows = tables["input"]
        rows[0][header.index(column)] = text
    left: dict[str, list[Any]] = {}
    for policy in get_args(step_model(name).model_fields["unreadable"].annotation):
        steps[at]["unreadable"] = policy
        assert "None" not in step_model(name).model_validate(steps[at]).words()
        if policy == "stop":
            with pytest.raises(DropRejected) as refused:
                run(engine, steps, tables, tmp_path, name)
            assert refused.value.code == "unreadable"
            continue
        if policy == "reject":
            sow = agreed(steps, tables, tmp_path, name, REJECTS)
            load(engine, tables)
            figures = engine.run(sow)
            rejected = result(engine, REJECTS)
            assert figures.steps[at].rows_in == figures.steps[at].rows_out + len(rejected)
            assert rejected
            assert {row[0] for row in rejected} <= set(range(1, len(tables["input"][1]) + 1))
            assert len({row[0] for row in rejected}) == len(rejected)
            assert all(name in row[1] for row in rejected)
        else:
            left[policy], figures = run(engine, steps, tables, tmp_path, name)
        assert figures.steps[at].blanked, "nothing was unreadable"
    if "keep" in left:
        assert len(left["keep"]) == len(left["blank"])
        assert filled(left["keep"]) > filled(left["blank"])


def filled(rows: Sequence[Sequence[Any]]) -> int:
    return sum(cell is not None for row in rows for cell in row)


@pytest.mark.parametrize("name", STEPS)
def test_no_rows_are_no_rows(name, engine, tmp_path):
    tables = {table: (header, []) for table, (header, _) in example_tables(name).items()}
    if name in DEMANDS:
        with pytest.raises(DropRejected):
            run(engine, example_steps(name), tables, tmp_path, name)
        return
    rows, figures = run(engine, example_steps(name), tables, tmp_path, name)
    assert rows == []
    assert figures.rows_in == figures.rows_out == 0


@pytest.mark.parametrize("name", STEPS)
def test_empty_cells_become_what_the_step_says(name, engine, tmp_path):
    tables: Tables = {
        table: (header, [[None] * len(header)] * 3) for table, (header, _) in example_tables(name).items()
    }
    if name in DEMANDS:
        with pytest.raises(DropRejected):
            run(engine, example_steps(name), tables, tmp_path, name)
        return
    rows, figures = run(engine, example_steps(name), tables, tmp_path, name)
    if name in MADE_OF_BLANKS:
        assert rows == MADE_OF_BLANKS[name]
    else:
        assert len(rows) == 3
        assert filled(rows) == 0
    assert not any(one.blanked for one in figures.steps)


@pytest.mark.parametrize("name", STEPS)
def test_a_column_may_be_called_anything_and_the_one_query_is_what_is_run(name, engine, tmp_path):
    steps, tables = example_steps(name), example_tables(name)
    before = [tuple(row) for row in csv.reader(io.StringIO(step_model(name).example.after))][1:]
    made = {one.name for raw in steps for one in model_of(raw).names() if isinstance(one.mark, Made)}
    there = {column for header, _ in tables.values() for column in header}
    turn = STEPS.index(name)
    odd = {column: ODD[(5 * turn + place) % len(ODD)] for place, column in enumerate(sorted(made | there))}
    odd = {} if name in NAMES_ELSEWHERE else odd
    renamed = [with_names(raw, odd) for raw in steps]
    other = {table: ([odd.get(one, one) for one in header], rows) for table, (header, rows) in tables.items()}
    run(engine, renamed, other, tmp_path, name)
    after = engine.connection.execute("SELECT COLUMNS(*)::VARCHAR FROM result").fetchall()
    expected = [tuple(odd.get(cell, cell) for cell in row) for row in before] if name == "unpivot" else before
    assert [tuple(cell or "" for cell in row) for row in after] == expected
    assert all(in_order(model_of(raw).words()) for raw in renamed)
    if name in WITHOUT_SQL:
        return
    rows = result(engine)
    text = explain(agreed(renamed, other, tmp_path, name))
    assert sqlglot.parse_one(text, dialect="duckdb")
    load(engine, other)
    assert engine.connection.execute(text).fetchall() == rows  # its functions are there since the run


def model_of(raw: dict[str, Any]) -> Step:
    return step_model(raw["step"]).model_validate(raw)


def in_order(words: str) -> bool:
    return (
        words.isprintable() and not re.search(r"\bNone\b|frozenset|<class|Unreadable\.", words) and words.endswith(".")
    )


def with_names(raw: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The step with its columns called otherwise."""
    new = copy.deepcopy(raw)
    keys: dict[int, tuple[dict, dict[str, str]]] = {}
    for one in model_of(raw).names():
        if one.name not in names:
            continue
        *way, last = one.loc
        holder: Any = new
        for part in way:
            holder = holder[part]
        if last == one.name and isinstance(holder, dict) and way:
            keys.setdefault(id(holder), (holder, {}))[1][one.name] = names[one.name]
        if not isinstance(holder, dict) or (last in holder and holder[last] == one.name):
            holder[last] = names[one.name]
    for holder, renamed in keys.values():
        items = [(renamed.get(key, key), value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
    return new


@pytest.mark.parametrize("name", STEPS)
def test_a_step_may_stand_there_twice_or_is_refused_in_words(name, engine, tmp_path):
    steps, tables = example_steps(name), example_tables(name)
    again = next(one for one in reversed(steps) if one["step"] == name)
    at = steps.index(again)
    steps.insert(at, copy.deepcopy(again))
    if name in SAYS_WHAT_IT_IS_GIVEN:
        return
    sow = agreed(steps, tables, tmp_path, name)
    faults = list(flow_of(sow).faults(thorough=True))
    if faults:
        assert all(fault.endswith(".") for _, fault, _ in faults)
        return
    run(engine, steps, tables, tmp_path, name)


@pytest.mark.parametrize("name", STEPS)
def test_words_are_one_sentence_for_people(name):
    for raw in example_steps(name):
        assert in_order(model_of(raw).words())


LOST = {
    "categorise": (
        {"step": "categorise", "columns": ["a", "b"], "category_as": "x", "rules": [{"category": "T", "words": ["t"]}]},
        [["t", None], [None, "t"], [None, None]],
        [["chair", None], [None, "chair"]],
        "any of the columns may be the one that is filled",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_what_counts_as_lost_where_a_cell_is_made_of_several(name, engine, tmp_path):
    step, kept, lost, _ = LOST[name]
    tables = {"input": (["a", "b"], kept + lost)}
    rows, figures = run(engine, [step | {"unreadable": "reject"}], tables, tmp_path, name)
    assert [list(row[:2]) for row in rows] == kept
    assert figures.steps[0].blanked.get("x", 0) == len(lost)


def test_a_check_that_loses_no_number_says_so_where_unreadable_ones_are_to_be_put_aside():
    with pytest.raises(ValueError, match="valid_as"):
        model_of({"step": "identifiers", "column": "a", "kind": "iban", "valid_as": "x", "unreadable": "stop"})
