"""A first look at documents for whoever writes a SOW: which usual labels stand in them, and which tables.

The child does it. No value leaves it: of fields the labels are ours, from the list below; of tables the header does, as that
of a spreadsheet would, if at least half of it is of ours too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from backoffice.transform.reading.documents.fields import labels_in
from backoffice.transform.reading.documents.page import Line, Page, runs_of

__all__ = ["FIELDS", "look"]

FIELDS: dict[str, tuple[str, ...]] = {
    "number": (
        "Invoice no.", "Invoice no", "Invoice number", "Invoice #", "Rechnungsnummer", "Rechnungs-Nr.", "Rechnung Nr.",
        "Beleg-Nr.", "Belegnummer", "Numéro de facture", "Facture n°", "Facture no", "Numero fattura", "Fattura n.",
        "Številka računa", "Račun št.", "Document no.", "Dokumentnummer",
    ),
    "document_date": (
        "Invoice date", "Date of invoice", "Rechnungsdatum", "Belegdatum", "Date de facture", "Date de la facture",
        "Data fattura", "Datum računa", "Date", "Datum", "Data",
    ),
    "due_date": ("Due date", "Payment due", "Fällig am", "Zahlbar bis", "Date d'échéance", "Scadenza", "Rok plačila"),
    "customer_number": (
        "Customer no.", "Customer number", "Kundennummer", "Kunden-Nr.", "Numéro client", "Codice cliente", "Šifra kupca",
    ),
    "order_number": (
        "Order no.", "Order number", "Purchase order", "Bestellnummer", "Auftragsnummer", "Numéro de commande",
        "Numero ordine", "Številka naročila",
    ),
    "vat_id": (
        "VAT no.", "VAT ID", "VAT number", "USt-IdNr.", "UID-Nr.", "UID", "N° TVA", "Partita IVA", "P. IVA",
        "ID za DDV",
    ),
    "net": (
        "Net amount", "Net total", "Net", "Subtotal", "Nettobetrag", "Summe netto", "Netto", "Total HT", "Imponibile",
        "Osnova",
    ),
    "tax": ("VAT", "Tax", "MwSt.", "Mehrwertsteuer", "Umsatzsteuer", "USt.", "TVA", "IVA", "DDV"),
    "total": (
        "Amount due", "Total due", "Grand total", "Gesamtbetrag", "Rechnungsbetrag", "Bruttobetrag", "Total TTC",
        "Totale", "Za plačilo", "Skupaj", "Total", "Summe",
    ),
    "iban": ("IBAN",),
    "bic": ("BIC", "SWIFT"),
    "reference": ("Your reference", "Reference", "Ihr Zeichen", "Referenz", "Référence", "Riferimento", "Sklic"),
    "email": ("E-mail", "Email", "E-Mail-Adresse", "Courriel"),
    "phone": ("Phone", "Telephone", "Telefon", "Téléphone", "Telefono"),
}  # fmt: skip
"""Fields by name, and what usually stands beside them in the five languages that are recognised; the clearest first."""
_HEADS = """
    amount anzahl article artikel artikelbeschreibung beschreibung betrag bezeichnung cena code date datum description
    descrizione désignation discount einheit einzelpreis gesamt gesamtpreis importo item količina leistung menge montant mwst
    no nr opis pieces pos position preis prezzo price prix product produkt qty quantità quantité quantity rabatt referenz sku
    stück summe tax total unit ust vat vrednost znesek
"""
_STOP = {
    "deu": "der die das und für mit von den dem ist nicht bitte wir sie auf zu",
    "eng": "the and for with of to is not please we you on are from this by",
    "fra": "le la les et pour avec de du des est une nous vous sur dans par",
    "ita": "il lo gli per con di del della è una non noi su che nel dei",
    "slv": "in za je na se ne po pri od smo ali ki da vas kot iz",
}
_GAP = 0.8
_MOST_TABLES = 20


def look(pages: Sequence[Page]) -> dict[str, Any]:
    """What stands in one document: fields with the label's place, tables with their headers, common words by language,
    and how sure the recognition of each recognised page is, from 0 to 1."""
    words = [word.text.casefold().strip(".,;:!?()") for page in pages for line in page.lines for word in line.words]
    counted = {code: sum(word in known for word in words) for code, known in _common().items()}
    sure = [
        sum(word.sure for line in page.lines for word in line.words) / sum(len(line.words) for line in page.lines)
        for page in pages
        if page.recognised and page.lines
    ]
    return {
        "labels": {name: found for name, labels in FIELDS.items() if (found := _label(pages, labels))},
        "heads": _heads(pages),
        "words": counted,
        "sure": [round(one, 4) for one in sure],
    }


def _usual_heads() -> frozenset[str]:
    return frozenset(_HEADS.split())


def _common() -> dict[str, frozenset[str]]:
    return {code: frozenset(words.split()) for code, words in _STOP.items()}


def _label(pages: Sequence[Page], labels: Sequence[str]) -> list[str] | None:
    """The first label that is there with something beside or below it: itself, and which."""
    for label in labels:
        for page in pages:
            for place, line in enumerate(page.lines):
                if _names(line) * 2 >= len(runs_of(line.words, line.height, _GAP)) > 2:
                    continue  # the header of a table
                for begin, end in labels_in(line, label):
                    beside = line.text[end:].lstrip(" \t:;.=#")
                    if beside:
                        return [label, "right_of"]
                    if _something_below(page.lines[place + 1 : place + 2], line, begin, end):
                        return [label, "below"]
    return None


def _something_below(lines: Sequence[Line], line: Line, begin: int, end: int) -> bool:
    words = line.words_in(begin, end)
    return any(word.left < words[-1].right and word.right > words[0].left for one in lines for word in one.words)


def _names(line: Line) -> int:
    """How many of the things that stand beside each other are usual names of columns."""
    known = _usual_heads()
    return sum(
        run.text.casefold().strip(" .:#").split(" ")[0].rstrip(".,") in known
        for run in runs_of(line.words, line.height, _GAP)
    )


def _heads(pages: Sequence[Page]) -> list[list[str]]:
    """The headers of tables: at least three names beside each other, half of them usual, and a line with figures below."""
    found: list[list[str]] = []
    for page in pages:
        for line, below in pairwise(page.lines):
            texts = [run.text.strip(" :") for run in runs_of(line.words, line.height, _GAP)]
            if len(texts) < 3 or len(texts) != len(set(texts)) or any(sign.isdigit() for sign in line.text):
                continue
            figures = any(sign.isdigit() for sign in below.text) and len(runs_of(below.words, below.height, _GAP)) > 1
            if figures and _names(line) * 2 >= len(texts) and all(texts) and texts not in found:
                found.append(texts)
    return found[:_MOST_TABLES]
