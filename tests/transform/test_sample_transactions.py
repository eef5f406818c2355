"""The sample of transactions: Tonwelle's SOW over 69,659 real orders of a record shop (CDNOW, from the package lifetimes).

The orders are real; what the bank booked is made up from them, with slips of known number: that is the truth.
"""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from backoffice.contract import check, load_sow
from backoffice.places import var_folder
from backoffice.quality import check as judge
from backoffice.sample import data_file
from backoffice.transform import Engine

ROOT = Path(__file__).resolve().parents[2]
SOW = ROOT / "sow" / "tonwelle" / "orders.yaml"
SUITE = ROOT / "expectations" / "tonwelle" / "orders.json"
CENT = Decimal("0.01")


class Made:
    """The drop, and what it means."""

    def __init__(self, orders: list[list[str]]) -> None:
        self.orders = orders
        self.bank: list[tuple[str, date, Decimal]] = []
        self.truth: Counter[str] = Counter()
        for number, (order, _, day, _, value) in enumerate(orders, start=1):
            amount = Decimal(value)
            if amount:
                ordered = date(int(day[:4]), int(day[4:6]), int(day[6:]))
                self._pay(number, order, ordered + timedelta(number % 20), amount)
        for number in range(25):
            self.bank.append((f"X{number}", date(1998, 1, 1), Decimal(10)))
        self.truth["only_there"] += 25
        random.Random(1).shuffle(self.bank)

    def _pay(self, number: int, order: str, day: date, amount: Decimal) -> None:
        if number % 50 == 0:  # never
            self.truth["only_here"] += 1
            return
        if number % 97 == 0:  # too little
            self.truth["differs"] += 1
            self.bank.append((order, day, amount - Decimal("0.02")))
        elif number % 89 == 0:  # too late
            self.truth["differs"] += 1
            self.bank.append((order, day + timedelta(40), amount))
        elif number % 31 == 0 and amount > 1:  # in two parts
            self.truth["sum"] += 2
            part = (amount / 3).quantize(CENT)
            self.bank += [(order, day, part), (order, day + timedelta(5), amount - part)]
        elif number % 41 == 0:  # a cent too much, which is agreed
            self.truth["matched"] += 1
            self.bank.append((order, day, amount + CENT))
        else:
            self.truth["matched"] += 1
            self.bank.append((order, day, amount))

    def packed(self, path: Path) -> Path:
        """The ZIP that Tonwelle would hand in."""
        orders, bank = io.StringIO(), io.StringIO()
        csv.writer(orders).writerows([["order_no", "customer", "ordered_on", "discs", "value"], *self.orders])
        written = [[one, f"{day:%d.%m.%Y}", str(paid).replace(".", ",")] for one, day, paid in self.bank]
        csv.writer(bank, delimiter=";").writerows([["reference", "booked_on", "paid"], *written])
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("orders.csv", orders.getvalue())
            archive.writestr("bank.csv", bank.getvalue())
        return path


@pytest.fixture(scope="module")
def made() -> Made:
    path = data_file(var_folder() / "samples" / "tests", "lifetimes/datasets/CDNOW_master.txt", pinned="test-data.txt")
    lines = [line.split() for line in path.read_text().splitlines()[1:] if line.strip()]
    return Made([[f"T{number:06}", *line] for number, line in enumerate(lines, start=1)])


@pytest.fixture(scope="module")
def ran(made, tmp_path_factory):
    """The delivered tables, the figures, and the checks."""
    sow = load_sow(SOW)
    with Engine() as engine:
        engine.load(sow, made.packed(tmp_path_factory.mktemp("drop") / "lists.zip"))
        figures = engine.run(sow)
        report = judge(engine.connection, "paid_orders", SUITE)
        tables = {name: engine.connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in sow.delivered}
    return tables, figures, report


def test_the_agreement_covers_the_sow():
    check(SOW)


def test_every_slip_is_found_and_nothing_else(ran, made, capsys):
    tables, figures, _ = ran
    found = next(step.counts for step in figures.steps if step.step == "reconcile")
    with capsys.disabled():
        print(f"\n{len(made.orders)} orders, {len(made.bank)} bookings: {dict(found)}")
    assert found == {**made.truth, "amounts_unreadable": 0}
    assert len(tables["paid_orders"]) == sum(made.truth.values())


def test_totals_are_those_of_the_two_lists_to_the_cent(ran, made):
    tables, _, _ = ran
    rows = tables["paid_orders"]
    owed, paid = (sum((row[place] or 0 for row in rows), Decimal(0)) for place in (3, 7))
    assert owed == sum(Decimal(order[4]) for order in made.orders)
    assert paid == sum(booking[2] for booking in made.bank)
    assert sum((row[8] or 0 for row in rows), Decimal(0)) == owed - paid


def test_quarters_are_those_of_the_orders(ran, made):
    tables, _, _ = ran
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for _, _, day, _, value in made.orders:
        sums[f"{day[:4]}-Q{(int(day[4:6]) + 2) // 3}"] += Decimal(value)
    quarters = {row[0]: row[1:] for row in tables["quarters"]}
    assert set(quarters) == set(sums)
    for quarter, (amount, before, difference, percent) in quarters.items():
        assert amount == sums[quarter]
        year_before = sums.get(f"{int(quarter[:4]) - 1}{quarter[4:]}")
        assert before == year_before
        if year_before:
            assert difference == amount - year_before
            assert abs(percent - difference / year_before * 100) <= Decimal("0.005")


def test_what_is_open_by_age_is_what_is_open(ran):
    tables, _, _ = ran
    still = sum(row[8] for row in tables["paid_orders"] if row[4] in ("only_here", "differs"))
    assert sum(row[-1] for row in tables["ages"]) == still
    for row in tables["ages"]:
        assert sum(row[1:-1]) == row[-1]


def test_the_suite_passes(ran):
    _, _, report = ran
    assert [one.rule for one in report.results if not one.passed] == []
