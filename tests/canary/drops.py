"""Every kind of drop, with a token of its own in each place where a client's value can be."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from tests.canary.sealing import Seal, changed, in_the_clear, labelled, named_inside, sealed, unsigned
from tests.system.house import TOKENS, people
from tests.transform.documents.papers import packed, scan, typeset
from tests.transform.reading.files import SHEET, inline, xlsx_with_sheet
from tests.transform.reading.test_protected import protect

__all__ = ["CASES", "Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One drop.

    :param hidden: makes the file, given what makes a token for a place in it.
    :param ends: the state in which its job comes to rest, or ``fails``: a stage ends in an error, and is tried again.
    :param reason: why it was held or rejected; of one that fails, the class of the error.
    """

    name: str
    project: str
    hidden: Callable[[Callable[[str], str]], bytes]
    ends: str = "delivered"
    reason: str | None = None
    seal: Seal = sealed

    def planted(self) -> list[str]:
        """Where in it tokens are, once it is made."""
        begins = f"{self.name}: "
        return [kind.removeprefix(begins) for kind in TOKENS.kinds if kind.startswith(begins)]

    def content(self) -> bytes:
        """The file, before it is encrypted."""
        return self.hidden(lambda where: TOKENS.token(f"{self.name}: {where}"))


Hide = Callable[[str], str]


def _contacts(hide: Hide) -> bytes:
    return people(50, surname=hide("cells"))


def _encoded_cells(hide: Hide) -> bytes:
    """Plain, base64, base64 of UTF-16 and hexadecimal, each in rows of its own."""
    lines = people(40).decode().splitlines()
    makers = [
        lambda: hide("cell"),
        lambda: base64.b64encode(hide("base64 in a cell").encode()).decode(),
        lambda: base64.b64encode(hide("base64 of UTF-16 in a cell").encode("utf-16-le")).decode(),
        lambda: hide("hexadecimal in a cell").encode().hex(),
    ]
    filled = [line.replace(" street,,", f" street,{makers[row % 4]()},") for row, line in enumerate(lines[1:])]
    return "\r\n".join([lines[0], *filled, ""]).encode()


def _strange_header(hide: Hide) -> bytes:
    lines = people(5).decode().splitlines()
    return "\r\n".join([f"{lines[0]},{hide('name of a column')}", *(f"{line},x" for line in lines[1:]), ""]).encode()


def _pricelist(hide: Hide) -> bytes:
    head = "article,maker,department,brand,category,description,size,price"
    row = f"69,GROCERY,{hide('cells')},BAKED BREAD,WHITE BREAD,20 OZ,$1.00"
    bad = f"{hide('cell of a rejected row')},69,GROCERY,Private,DRY MIX,NO REFERENCE,LARGE,$1.00"
    new = "\n".join([head, *(f"{27658 + number},{row}" for number in range(50)), bad, ""])
    files = {f"new-{hide('file name in a ZIP')}.csv": new, "last.csv": f"{head}\n27658,{row}\n"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = hide("comment of a ZIP").encode()
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def _workbook(hide: Hide) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"title": hide("title"), "author": hide("author"), "comments": hide("remark")})
        book.set_custom_property("Reference", hide("property of its own"))
        sheet = book.add_worksheet(hide("sheet name"))
        other = book.add_worksheet("Other")
        other.write(0, 0, hide("cell of another sheet"))
        other.hide()
        book.define_name(hide("defined name"), "=Other!$A$1")
        for row, cells in enumerate([("id", "name"), *((str(n), hide("cells")) for n in range(20))]):
            sheet.write_row(row, 0, cells)
        sheet.write_comment(1, 1, hide("note at a cell"), {"author": hide("author of a note")})
        sheet.set_header(f"&C{hide('page header')}")
    return out.getvalue()


def _broken_workbook(hide: Hide) -> bytes:
    cells = inline("A1", "id") + inline("B1", "name") + inline("A2", hide("cell")) + inline("B2", hide("broken XML"))
    return xlsx_with_sheet(SHEET.format(f"<row>{cells}</row>").partition("</t></is></c></row>")[0])


def _protected_workbook(hide: Hide) -> bytes:
    return protect(_workbook(hide), password=hide("password of a workbook"))


def _orders(hide: Hide) -> bytes:
    who = hide("customer")
    orders = [f"T{number:06},{who},199702{1 + number % 28:02},1,11.77" for number in range(1, 41)]
    bank = [f"T{number:06};{1 + number % 28:02}.02.1997;11,77" for number in range(1, 41)]
    orders.append(f"{hide('cell of a rejected row')},17,19970214,1,11.77")
    bank.append(f"{hide('reference that nobody knows')};20.02.1997;1,00")
    head = "order_no,customer,ordered_on,discs,value"
    return packed(
        {
            "orders.csv": "\n".join([head, *orders, ""]).encode(),
            "bank.csv": "\n".join(["reference;booked_on;paid", *bank, ""]).encode(),
        }
    )


def _invoice(number: str, customer: str, title: str, author: str) -> bytes:
    return typeset(
        f'#set document(title: "{title}", author: "{author}")\n'
        '#set page(width: 210mm, height: 297mm, margin: 20mm)\n#set text(font: "DejaVu Sans Mono", size: 10pt)\n'
        f"Muster GmbH \\ {customer} \\ USt-IdNr.: DE123456789\n#v(10mm)\n"
        "#grid(columns: (60mm, 60mm), row-gutter: 6mm,\n"
        f"[Rechnungsnummer], [{number}], [Rechnungsdatum], [05.03.2026],\n"
        "[Rechnungssumme Netto], [20,00], [Summe Umsatzsteuer], [4,00], [Rechnungssumme Brutto], [24,00])"
    )


def _documents(hide: Hide) -> bytes:
    text = _invoice("R-2026-771", hide("PDF text"), hide("PDF title"), hide("PDF author"))
    picture = scan(_invoice("R-2026-772", hide("picture of text"), "t", "a"))
    return packed({f"{hide('PDF file name')}.pdf": text, f"{hide('name of a scan')}.png": picture})


def _half_a_scan(hide: Hide) -> bytes:
    picture = scan(_invoice("R-2026-773", hide("picture of text"), "t", "a"))
    return packed({f"{hide('name of a scan')}.png": picture[: len(picture) // 2]})


def _half_a_pdf(hide: Hide) -> bytes:
    text = _invoice("R-2026-774", hide("PDF text"), hide("PDF title"), "a")
    return packed({f"{hide('PDF file name')}.pdf": text[:-2000]})


def _lines(hide: Hide) -> bytes:
    row = {
        "id": "1",
        "name": hide("value"),
        hide("key that was not agreed"): {hide("key within"): hide("value within")},
    }
    return b"".join(json.dumps(row | {"id": str(number)}).encode() + b"\n" for number in range(20))


def _names(hide: Hide) -> bytes:
    return "".join(["id,name\n", *(f"{number},{hide('cells')}\n" for number in range(20))]).encode()


_ACME = "acme_contacts"

CASES = (
    Case(name="contacts, CSV", project=_ACME, hidden=_encoded_cells),
    Case(name="contacts, UTF-16", project=_ACME, hidden=lambda hide: _contacts(hide).decode().encode("utf-16")),
    Case(name="contacts by GnuPG", project=_ACME, hidden=_contacts, seal=named_inside),
    Case(name="contacts, name and labels of the object", project=_ACME, hidden=_contacts, seal=labelled),
    Case(name="contacts, many", project=_ACME, hidden=lambda hide: people(3000, surname=hide("cells"))),
    Case(name="price lists, ZIP", project="nordwind_pricelist", hidden=_pricelist),
    Case(name="workbook", project="canary_books", hidden=_workbook),
    Case(name="orders and bookings, ZIP", project="tonwelle_orders", hidden=_orders),
    Case(name="documents, text and scan", project="klarblick_invoices", hidden=_documents),
    Case(name="JSON lines", project="canary_lines", hidden=_lines),
    Case(
        name="column not agreed",
        project=_ACME,
        hidden=_strange_header,
        ends="rejected",
        reason="columns",
    ),
    Case(
        name="ragged rows",
        project=_ACME,
        hidden=lambda hide: _contacts(hide) + f"{hide('cell of a ragged row')},x\r\n".encode(),
        ends="rejected",
        reason="ragged",
    ),
    Case(
        name="check fails",
        project=_ACME,
        hidden=lambda hide: _contacts(hide).replace(b"rec-", hide("cell that fails a check").encode()),
        ends="held",
        reason="check-failed",
    ),
    Case(name="changed on its way", project=_ACME, hidden=_contacts, seal=changed, ends="rejected", reason="damaged"),
    Case(name="not signed", project=_ACME, hidden=_contacts, seal=unsigned, ends="rejected", reason="not-signed"),
    Case(
        name="not encrypted",
        project=_ACME,
        hidden=_contacts,
        seal=in_the_clear,
        ends="rejected",
        reason="not-encrypted",
    ),
    Case(
        name="gzip, not agreed",
        project=_ACME,
        hidden=lambda hide: gzip.compress(_contacts(hide)),
        ends="rejected",
        reason="format",
    ),
    Case(name="broken workbook", project="canary_books", hidden=_broken_workbook, ends="rejected", reason="format"),
    Case(
        name="workbook with a password",
        project="canary_books",
        hidden=_protected_workbook,
        ends="rejected",
        reason="protected",
    ),
    Case(name="half a PDF", project="klarblick_invoices", hidden=_half_a_pdf, ends="rejected", reason="format"),
    Case(name="half a scan", project="klarblick_invoices", hidden=_half_a_scan, ends="rejected", reason="format"),
    Case(name="code of a SOW raises", project="canary_raises", hidden=_names, ends="fails", reason="EngineError"),
    Case(name="SQL of a SOW fails", project="canary_casts", hidden=_names, ends="fails", reason="EngineError"),
)
