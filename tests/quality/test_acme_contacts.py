"""Acme's suite over what Acme's SOW makes of a list: it passes, and any step of the SOW that goes missing shows."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from backoffice.contract import load_sow
from backoffice.quality import QualityReport, check
from backoffice.transform import Engine

ROOT = Path(__file__).parents[2]
SOW = ROOT / "sow/acme/contacts.yaml"
SUITE = ROOT / "expectations/acme/contacts.json"

GIVEN = "mia harley jean-claude erin joshua thomas lachlan georgia ruby emiily nicholas zoe bailey amber".split()  # noqa: SIM905
SURNAMES = "green o'brien clarke ryan nguyen papp-horvath white matthews webb reid campbell stone dolan".split()  # noqa: SIM905
SUBURBS = "cleveland marsden granville yass bonnells bay,toowoomba,mosman,kuranda".replace(" bay", "").split(",")
STREETS = "wallaby place,hoseason street,pridham street,barada crescent,kosciuszko avenue,dalley crescent".split(",")  # noqa: SIM905
STATES = ["nsw", "vic", "qld", "wa", "sa", "tas", "act", "nt", "nws"]


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 rows about 300 invented people, typed in as shops do: spaces, small letters, slips, every other one twice."""
    chance = random.Random(3)
    path = tmp_path_factory.mktemp("drop") / "contacts.csv"
    fields = yaml.safe_load(SOW.read_text(encoding="utf-8"))["input"]["columns"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        for number in range(300):
            born = f"{chance.randint(1900, 1999)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
            person = [
                chance.choice(GIVEN), chance.choice(SURNAMES), str(chance.randint(1, 300)), chance.choice(STREETS),
                "", chance.choice(SUBURBS), f"{chance.randint(800, 9999):04}", chance.choice(STATES), born,
                f"{chance.randint(1_000_000, 9_999_999)}",
            ]  # fmt: skip
            writer.writerow([f"rec-{number}-org", *(f" {cell} " for cell in person)])
            twin = person.copy()
            twin[3] = twin[3].replace("e", "a", 1)
            writer.writerow([f"rec-{number}-dup-0", *(f" {cell}" for cell in twin)])
    return path


def judge(sow: Path, drop: Path, *, spoil: str = "") -> QualityReport:
    """Run the SOW, spoil the result by a statement of SQL, and check it."""
    with Engine() as engine:
        loaded = load_sow(sow)
        engine.load(loaded, drop)
        engine.run(loaded)
        if spoil:
            engine.connection.execute("CREATE TEMP TABLE spoiled AS SELECT * FROM result")
            engine.connection.execute(spoil)
        return check(engine.connection, "spoiled" if spoil else "result", SUITE)


def broken(report: QualityReport) -> set[tuple[str, str | None]]:
    return {(result.rule.removeprefix("expect_"), result.column) for result in report.failed}


def test_the_sows_result_passes_every_rule(drop: Path) -> None:
    report = judge(SOW, drop)

    assert str(report) == f"18 of 18 checks passed on {report.rows} rows"
    assert 295 <= report.rows <= 305


@pytest.mark.parametrize(
    ("step", "rule"),
    [
        ("case", ("column_values_to_match_regex", "surname")),
        ("allowed", ("column_values_to_be_in_set", "state")),
        ("near_duplicates", ("column_values_to_be_unique", "soc_sec_id")),
    ],
)
def test_a_step_that_is_missing_from_the_sow_shows(
    drop: Path, tmp_path: Path, step: str, rule: tuple[str, str | None]
) -> None:
    document = yaml.safe_load(SOW.read_text(encoding="utf-8"))
    document["steps"] = [item for item in document["steps"] if item["step"] != step]
    sow = tmp_path / "contacts.yaml"
    sow.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    assert rule in broken(judge(sow, drop))


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        ("DELETE FROM spoiled", ("table_row_count_to_be_between", None)),
        ("UPDATE spoiled SET rec_id = NULL WHERE rec_id LIKE '%7-org'", ("column_values_to_not_be_null", "rec_id")),
        ("INSERT INTO spoiled FROM spoiled LIMIT 1", ("column_values_to_be_unique", "rec_id")),
        ("UPDATE spoiled SET rec_id = rec_id || ' '", ("column_values_to_match_regex", "rec_id")),
        ("UPDATE spoiled SET given_name = NULL WHERE rec_id LIKE '%1-org'",
         ("column_values_to_not_be_null", "given_name")),
        ("UPDATE spoiled SET surname = NULL WHERE rec_id LIKE '%1-org'", ("column_values_to_not_be_null", "surname")),
        ("UPDATE spoiled SET surname = repeat('A', 41)", ("column_value_lengths_to_be_between", "surname")),
        ("UPDATE spoiled SET surname = '4' || surname", ("column_values_to_match_regex", "surname")),
        ("UPDATE spoiled SET state = 'NZ' WHERE state = 'NT'", ("column_values_to_be_in_set", "state")),
        ("UPDATE spoiled SET state = NULL WHERE state = 'NSW'", ("column_values_to_not_be_null", "state")),
        ("UPDATE spoiled SET postcode = ltrim(postcode, '0')", ("column_values_to_match_regex", "postcode")),
        ("ALTER TABLE spoiled ALTER date_of_birth TYPE VARCHAR", None),
        ("UPDATE spoiled SET date_of_birth = date_of_birth + INTERVAL 200 YEAR",
         ("column_values_to_be_between", "date_of_birth")),
        ("UPDATE spoiled SET date_of_birth = NULL WHERE rec_id LIKE '%1-org'",
         ("column_values_to_not_be_null", "date_of_birth")),
        ("UPDATE spoiled SET soc_sec_id = '0' || soc_sec_id", ("column_values_to_match_regex", "soc_sec_id")),
        ("UPDATE spoiled SET soc_sec_id = '1234567'", ("column_values_to_be_unique", "soc_sec_id")),
        ("UPDATE spoiled SET merged_ids = 'rec-1-org'", ("column_values_to_match_regex", "merged_ids")),
        ("ALTER TABLE spoiled ADD COLUMN extra VARCHAR", ("table_columns_to_match_ordered_list", None)),
    ],
)  # fmt: skip
def test_a_spoiled_result_fails_at_the_rule_that_is_meant_for_it(
    drop: Path, spoil: str, rule: tuple[str, str | None] | None
) -> None:
    if rule is None:
        from backoffice.errors import ContractError

        with pytest.raises(ContractError, match="date_of_birth"):
            judge(SOW, drop, spoil=spoil)
        return
    assert rule in broken(judge(SOW, drop, spoil=spoil))


def test_the_library_itself_reads_the_suite() -> None:
    from backoffice.quality.library import import_library

    import_library()
    import great_expectations as gx

    suite = gx.ExpectationSuite(**json.loads(SUITE.read_text(encoding="utf-8")))

    assert len(suite.expectations) == 18


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    from backoffice.quality import preload

    preload()
    yield
