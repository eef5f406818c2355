"""The sample of documents: Klarblick's SOW over 17 real invoices, German and French, of three kinds of senders.

Each holds its own truth: the same invoice as XML (ZUGFeRD, Factur-X) is attached to it, and never looked at by the SOW.
"""

from __future__ import annotations

import re
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backoffice.contract import check, load_sow
from backoffice.places import var_folder
from backoffice.quality import check as judge
from backoffice.sample import data_file
from backoffice.transform import Engine

ROOT = Path(__file__).resolve().parents[2]
SOW = ROOT / "sow" / "klarblick" / "invoices.yaml"
SUITE = ROOT / "expectations" / "klarblick" / "invoices.json"
FOLDER = "odoo/addons/account_invoice_import_facturx/tests/files"


def truth(path: Path) -> dict[str, Any]:
    """What the attached XML says."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    xml = bytes(document.get_attachment(0).get_data()).decode()
    document.close()

    def first(pattern: str) -> str:
        found = re.search(pattern, xml, re.DOTALL)
        assert found, "every sample says it"
        return found[1]

    day = first(r"<[a-z]+:IssueDateTime>\s*<[^>]*>([0-9]{8})")
    return {
        "number": first(r"ExchangedDocument>.*?<[a-z]+:ID>([^<]*)"),
        "issued": date(int(day[:4]), int(day[4:6]), int(day[6:])),
        "net": Decimal(first("TaxBasisTotalAmount[^>]*>([^<]*)")),
        "tax": Decimal(first("TaxTotalAmount[^>]*>([^<]*)")),
        "gross": Decimal(first("GrandTotalAmount[^>]*>([^<]*)")),
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory):
    """The run over all of them, and the truth by document."""
    one = data_file(var_folder() / "samples", f"{FOLDER}/Facture_FR_BASIC.pdf", pinned="test-data.txt")
    files = sorted(one.parent.glob("*.pdf"), key=lambda path: path.name.casefold())
    drop = tmp_path_factory.mktemp("klarblick") / "invoices.zip"
    with zipfile.ZipFile(drop, "w") as archive:
        for path in files:
            archive.write(path, path.name)
    with Engine() as engine:
        profile = engine.load(load_sow(SOW), drop)["input"]
        engine.run(load_sow(SOW))
        yield engine, profile, {number: truth(path) for number, path in enumerate(files, start=1)}


def rows(engine: Engine, table: str) -> list[dict[str, Any]]:
    cursor = engine.connection.execute(f'SELECT * FROM "{table}"')
    names = [one[0] for one in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_the_agreement_covers_it():
    check(SOW)


def test_every_invoice_is_registered_or_put_before_a_person(done: Any):
    engine, profile, _ = done
    assert (profile.rows, profile.pages, profile.recognised_pages) == (17, 17, 0)
    assert len(rows(engine, "result")) == 16
    assert [one["reason"] for one in rows(engine, "review")] == ["net is missing; gross is missing"]


def test_what_is_registered_is_what_the_invoice_says_itself(done: Any):
    engine, _, known = done
    for row in rows(engine, "result"):
        true = known[row["document"]]
        assert (row["issued"], row["net"], row["gross"]) == (true["issued"], true["net"], true["gross"])
        assert row["tax"] in (None, true["tax"])
        assert true["number"].startswith(row["number"])  # insurers add the year to the contract's in the XML


def test_each_has_a_name_of_its_own_to_be_filed_under(done: Any):
    engine, *_ = done
    names = [row["filed_as"] for row in rows(engine, "result")]
    assert len({name.casefold() for name in names}) == len(names) == 16
    assert all(re.fullmatch(r"[0-9]{4}/[A-Za-z0-9 ._-]+[.]pdf", name) for name in names)


def test_the_items_add_up(done: Any):
    engine, _, known = done
    sums: dict[int, Decimal] = {}
    for row in rows(engine, "items"):
        amount = Decimal(row["amount"].rstrip(" \u20ac").replace(".", "").replace(",", "."))
        sums[row["document"]] = sums.get(row["document"], Decimal(0)) + amount
    plain = {number: total for number, total in sums.items() if total == known[number]["net"]}
    assert len(sums) == 9
    assert len(plain) == 8  # one has a discount and freight below its items


def test_the_result_keeps_what_the_suite_asks_for(done: Any):
    engine, *_ = done
    report = judge(engine.connection, "result", SUITE)
    assert not report.failed
