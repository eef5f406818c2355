"""One SOW, two engines: every cell, every kind of column and every figure is the same."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backoffice.authoring.cases import _drop
from backoffice.contract import Sow, load_sow, step_model, suites_of
from backoffice.errors import DropRejected
from backoffice.quality import QualityReport, check
from backoffice.spark.session import OpenSpark
from backoffice.transform import Engine
from backoffice.transform.spark.engine import SparkEngine
from tests.test_sows import CASES
from tests.transform.conftest import memory, sow
from tests.transform.test_catalogue import STEPS, agreed
from tests.transform.test_catalogue import _drop as example_drop

ALONE = {"near_duplicates", "replace", "convert_currency", "vat", "split_transactions", "year_on_year"}
"""Steps with a query that Spark has no words for (groups of pairs, found by recursion; a look-up asked for each row; rows that
stand in the query; a join on cells that DuckDB works out): DuckDB does that one query.
"""


def outcome(engine: Engine, agreed_sow: Sow, path: Path | str, suites: Mapping[str, Path] = {}) -> tuple[Any, ...]:
    """All that comes of a file: the tables with the kinds of their columns, the figures and the checks; or its refusal."""
    try:
        profiles = engine.load(agreed_sow, path)
        figures = engine.run(agreed_sow).to_dict()
        reports = judged(engine, suites)
    except DropRejected as error:
        return error.code, error.message
    tables = {}
    for name in agreed_sow.delivered:
        found = engine.connection.execute(f'SELECT * FROM "{name}"')
        tables[name] = [one[:2] for one in found.description], found.fetchall()
    return tables, figures, {name: one.to_dict() for name, one in profiles.items()}, reports


def judged(engine: Engine, suites: Mapping[str, Path]) -> dict[str, QualityReport]:
    with engine.asked(suites) as asked:
        return {name: check(asked, name, suite) for name, suite in suites.items()}


def both(
    spark: OpenSpark, agreed_sow: Sow, path: Path | str, suites: Mapping[str, Path] = {}
) -> tuple[tuple[Any, ...], tuple[Any, ...], list[str]]:
    with Engine() as engine:
        here = outcome(engine, agreed_sow, path, suites)
    with SparkEngine(spark=spark) as engine:
        return here, outcome(engine, agreed_sow, path, suites), engine.left_to_duckdb


@pytest.mark.parametrize("name", STEPS)
def test_a_step_does_to_its_example_what_it_does_on_duckdb(name: str, spark: OpenSpark, tmp_path: Path) -> None:
    example = step_model(name).example
    one = agreed(example, "result")
    one._path = tmp_path / "acme.yaml"
    for file, text in example.files.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    with memory(example_drop(example)) as path:
        here, there, left = both(spark, one, path)
    assert there == here
    assert name in ALONE or not left


@pytest.mark.parametrize(("path", "case"), CASES, ids=lambda one: getattr(one, "name", None))
def test_a_sample_sow_comes_out_and_is_judged_the_same(path: Path, case: Any, spark: OpenSpark) -> None:
    one = load_sow(path)
    suites = suites_of(one)
    with _drop(one, case) as drop:
        here, there, _ = both(spark, one, drop, suites)
    assert there == here
    assert len(here) == 2 or here[-1][one.output.main.table].results


ODD = (
    "", " ", "  x ", "a\\b", "${x}", "it's", '"', "`", "ß", "ẞ", "İ", "\u0131", "ﬁ", "é", "e\u0301", "😀x", "\u00a0x",
    "\ufeffx", "%", "_", "Ä", "ä", "z", "Z", "0", "00", "-0", "1.50", "1,5", "1e3", "NULL", "null", "true", "x" * 3000,
    "\u2028", "\t",
)  # fmt: skip


def test_odd_cells_are_compared_sorted_and_grouped_alike(spark: OpenSpark) -> None:
    steps = [
        {"step": "sql", "columns": {"c": "text", "n": "text", "long": "integer", "first": "text", "place": "integer"},
         "query": "select _row, c, n, length(c) as long, coalesce(nullif(trim(c), ''), 'it''s \\ ${x}') as first,"
                  " row_number() over (partition by c = 'z' order by c desc, n) as place from input"
                  " where c is distinct from 'true' and not (c in ('00', 'NULL'))"},
        {"step": "sort", "by": [{"column": "c", "descending": True, "blanks": "first"}]},
    ]  # fmt: skip
    rows = "".join(
        f'"{cell.replace(chr(34), chr(34) * 2)}",{number}\n' for number, cell in enumerate((*ODD, *ODD[::3]))
    )
    with memory("c,n\n" + rows) as path:
        here, there, left = both(spark, sow(steps, columns=("c", "n")), path)
    assert there == here
    assert len(there[0]["result"][1]) > len(ODD)
    assert left == []


def test_rows_of_many_pieces_keep_their_order(spark: OpenSpark) -> None:
    steps = [
        {"step": "case", "columns": ["name"], "to": "upper"},
        {"step": "drop_duplicates", "by": ["name"]},
    ]
    text = "id,name\n" + "".join(f"{number},n{number * 7919 % 150_000}\n" for number in range(230_000))
    with memory(text) as path:
        here, there, _ = both(spark, sow(steps), path)
    assert there == here


def test_rejected_rows_lie_beside_the_result_alike(spark: OpenSpark) -> None:
    steps = [{"step": "dates", "columns": ["born"], "formats": ["D.M.YYYY"], "unreadable": "reject"}]
    one = sow(steps, columns=("id", "born"))
    with memory("id,born\n1,1.2.1980\n2,x\n3,\n4,31.2.1990\n") as path:
        here, there, _ = both(spark, one, path)
    assert there == here


def test_a_file_is_refused_alike(spark: OpenSpark) -> None:
    steps = [{"step": "number", "columns": ["n"], "unreadable": "stop"}]
    with memory("id,n\n1,x\n2,y\n3,4\n") as path:
        here, there, _ = both(spark, sow(steps, columns=("id", "n")), path)
    assert there == here
    assert there[0] == "unreadable"


def test_pseudonyms_are_made_with_the_projects_key_on_spark_too(spark: OpenSpark) -> None:
    one = sow([{"step": "pseudonymise", "columns": ["name"]}])
    found = []
    with memory("id,name\n1,Ann\n2,Bo\n") as path:
        for secret in (b"1" * 32, b"2" * 32):
            for engine in (Engine(secret=secret), SparkEngine(secret=secret, spark=spark)):
                with engine:
                    engine.load(one, path)
                    engine.run(one)
                    found.append(engine.connection.execute("SELECT * FROM result").fetchall())
    assert found[0] == found[1] != found[2] == found[3]


def test_several_files_of_a_zip_are_read_for_spark_too(spark: OpenSpark) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("input.csv", "id,name\n1,Ann\n2,\n")
        archive.writestr("towns.csv", "id,town\n2,Ulm\n1,Graz\n")
    one = sow(
        [{"step": "join", "other": "towns", "keys": {"id": "id"}, "take": {"town": "town"}}], member="input.csv"
    ).model_dump(mode="json")
    one["inputs"] = {
        "towns": {"format": "csv", "member": "towns.csv", "columns": {"id": "required", "town": "required"}}
    }
    with memory(packed.getvalue()) as path:
        here, there, _ = both(spark, Sow.model_validate(one), path)
    assert there == here
