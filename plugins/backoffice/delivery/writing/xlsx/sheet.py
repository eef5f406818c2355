"""One sheet: its rows as XML said in SQL, and what stands around them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from backoffice.contract import Kind
from backoffice.contract.outputs import Sheet
from backoffice.contract.parts import ColourRule
from backoffice.delivery.writing.archive import Archive
from backoffice.delivery.writing.cells import lines, looks_like_formula, marked, number, quoted
from backoffice.delivery.writing.survey import Survey
from backoffice.delivery.writing.written import NotWritable, Written
from backoffice.delivery.writing.xlsx.styles import Look, Styles, excel_format
from backoffice.delivery.writing.xlsx.text import escaped, escaped_sql

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "MOST_SIGNS", "Page", "letters", "write_sheet"]

MOST_ROWS, MOST_COLUMNS, MOST_SIGNS = 1_048_576, 16_384, 32_767
_SUBTOTAL = {"average": 101, "count": 103, "max": 104, "min": 105, "sum": 109}
_DEFAULTS = {Kind.INTEGER: "0", Kind.DATE: "yyyy-mm-dd", Kind.TIMESTAMP: "yyyy-mm-dd hh:mm:ss"}
_LARGE_CELLS = 15_000_000
"""From so many cells on, a sheet's XML may exceed 2 GiB."""


@dataclass(frozen=True)
class Page:
    """A sheet and what was found in its table."""

    sheet: Sheet
    survey: Survey
    apostrophes: bool = False

    @property
    def last_row(self) -> int:
        """The number of the last row of data; 1 is the header."""
        return self.survey.rows + 1

    @property
    def last_column(self) -> str:
        """The letters of the last column."""
        return letters(len(self.survey.columns))

    def column(self, name: str) -> str:
        """The letters of a column."""
        return letters(list(self.survey.columns).index(name) + 1)

    @property
    def reference(self) -> str:
        """The sheet's name in a formula."""
        return "'" + self.sheet.name.replace("'", "''") + "'"

    def refuse_if_too_large(self) -> None:
        """A sheet has limits.

        :raises NotWritable: the table exceeds them.
        """
        have, name = self.survey, self.sheet.name
        rows = self.last_row + bool(self.sheet.totals)
        if rows > MOST_ROWS or len(have.columns) > MOST_COLUMNS:
            raise NotWritable(
                f"The sheet `{name}` would have {rows:,} rows and {len(have.columns):,} columns; a sheet holds "
                f"{MOST_ROWS:,} and {MOST_COLUMNS:,}.",
                hint="Agree on CSV or Parquet, or on several tables.",
            )
        long = [one for one, size in have.longest.items() if have.columns[one] is Kind.TEXT and size >= MOST_SIGNS]
        if long:
            raise NotWritable(
                f"Cells of the sheet `{name}` are longer than the {MOST_SIGNS:,} signs that one holds: {', '.join(long)}.",
                hint="Shorten them in a step, or agree on CSV.",
            )


def letters(number: int) -> str:
    """A column's letters: 1 is A, 27 is AA."""
    found = ""
    while number:
        number, at = divmod(number - 1, 26)
        found = chr(65 + at) + found
    return found


def write_sheet(connection: DuckDBPyConnection, page: Page, at: int, styles: Styles, archive: Archive) -> Written:
    """Write one sheet's XML; gives its rows and counts."""
    large = page.survey.rows * len(page.survey.columns) > _LARGE_CELLS
    rows = escaped_cells = as_text = 0
    with archive.open(f"xl/worksheets/sheet{at}.xml", large=large) as file:
        file.write(_head(page, styles, first=at == 1).encode())
        for line, (count, risky, wide) in lines(connection, _query(page, styles)):
            file.write(line)
            rows, escaped_cells, as_text = rows + count, escaped_cells + risky, as_text + wide
        file.write(_foot(page, styles).encode())
    return Written(rows=rows, bytes=0, escaped=escaped_cells, as_text=as_text)


# ---------------------------------------------------------------------- rows


def _query(page: Page, styles: Styles) -> str:
    cells, risky, wide = [], ["0"], ["0"]
    for at, (name, kind) in enumerate(page.survey.columns.items(), start=1):
        cell, code = quoted(name), _format(page.sheet, name, kind)
        look = styles.number(Look(format=code))
        place = f"'<c r=\"{letters(at)}', _n, '\""
        if kind is Kind.TEXT:
            risk = looks_like_formula(cell)
            text_look = f"CASE WHEN {risk} THEN '{styles.number(Look(text=True))}' ELSE '0' END"
            cells.append(_text(cell, place, text_look, marked(cell) if page.apostrophes else cell))
            risky.append(f"{risk}::int")
            continue
        if kind is Kind.BOOLEAN:
            cells.append(f"CASE WHEN {cell} IS NOT NULL THEN concat({place} t=\"b\"><v>', {cell}::int, '</v></c>') END")
            continue
        value, fits, words = _value(cell, kind)
        alike = f"concat({place} s=\"{look}\"><v>', {value}, '</v></c>')"
        other = f"concat({place} t=\"inlineStr\"><is><t>', {words}, '</t></is></c>')"
        cells.append(f"CASE WHEN {cell} IS NULL THEN NULL WHEN {fits} THEN {alike} ELSE {other} END")
        wide.append(f"({cell} IS NOT NULL AND NOT {fits})::int")
    line = f"concat('<row r=\"', _n, '\">', {', '.join(cells)}, '</row>')"
    source = f"(SELECT *, row_number() OVER () + 1 AS _n FROM {quoted(page.sheet.table)})"  # noqa: S608
    return f"SELECT {line}, {' + '.join(risky)}, {' + '.join(wide)} FROM {source}"  # noqa: S608


def _text(cell: str, place: str, look: str, shown: str) -> str:
    style = f"CASE WHEN {look} = '0' THEN '' ELSE concat(' s=\"', {look}, '\"') END"
    begin = f'{place}\', {style}, \' t="inlineStr"><is><t xml:space="preserve">\''
    return f"CASE WHEN {cell} IS NOT NULL THEN concat({begin}, {escaped_sql(shown)}, '</t></is></c>') END"


def _value(cell: str, kind: Kind) -> tuple[str, str, str]:
    """A cell as Excel's number, whether it can be one, and the same as text."""
    if kind is Kind.DATE:
        return f"date_diff('day', DATE '1899-12-30', {cell})", _in_calendar(cell), f"{cell}::varchar"
    if kind is Kind.TIMESTAMP:
        micros = f"(epoch_us({cell}) - epoch_us(TIMESTAMP '1899-12-30'))"
        return f"({micros} / 86400000000.0)::double", _in_calendar(cell), f"{cell}::varchar"
    text = number(cell) if kind is Kind.NUMBER else f"{cell}::varchar"
    return text, f"(length(translate({text}, '-.', '')) <= 15)", text


def _in_calendar(cell: str) -> str:
    return f"({cell} >= DATE '1900-03-01' AND {cell} < DATE '10000-01-01')"


def _format(sheet: Sheet, name: str, kind: Kind) -> str:
    code = sheet.formats.get(name)
    return excel_format(code) if code else _DEFAULTS.get(kind, "")


# ---------------------------------------------------------------------- around them


def _head(page: Page, styles: Styles, *, first: bool) -> str:
    have, sheet = page.survey, page.sheet
    chosen = ' tabSelected="1"' if first else ""
    pane = (
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        '<selection pane="bottomLeft" activeCell="A2" sqref="A2"/>'
    )
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{_width(page, name, kind)}" customWidth="1"/>'
        for at, (name, kind) in enumerate(have.columns.items(), start=1)
    )
    header = "".join(
        f'<c r="{letters(at)}1" s="{styles.number(Look(role="header", right=_right(kind)))}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escaped(name)}</t></is></c>'
        for at, (name, kind) in enumerate(have.columns.items(), start=1)
    )
    last = page.last_row + bool(sheet.totals)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><dimension ref="A1:{page.last_column}{last}"/>'
        f'<sheetViews><sheetView{chosen} workbookViewId="0">{pane if sheet.frozen_header else ""}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols><sheetData><row r="1">{header}</row>'
    )


def _right(kind: Kind) -> bool:
    return kind in (Kind.NUMBER, Kind.INTEGER, Kind.DATE, Kind.TIMESTAMP)


def _width(page: Page, name: str, kind: Kind) -> int:
    """In signs: of the longest cell as it is shown, and of the name with room for the filter's button."""
    code = _format(page.sheet, name, kind)
    longest = page.survey.longest[name]
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        longest = len(code.replace('"', ""))
    elif kind in (Kind.NUMBER, Kind.INTEGER) and code:
        total = page.survey.totals.get(name)
        longest = max(longest, len(f"{total:f}") if total is not None else 0)
        longest += len(code.replace('"', "")) - 3 + longest // 3 * ("," in code)
    return min(60, max(8, longest + 2, len(name) + (4 if page.sheet.filter else 2)))


def _foot(page: Page, styles: Styles) -> str:
    sheet, parts = page.sheet, [_total_row(page, styles), "</sheetData>"]
    if sheet.filter:
        parts.append(f'<autoFilter ref="A1:{page.last_column}{page.last_row}"/>')
    if page.survey.rows:
        rules = enumerate(sheet.colours, start=1)
        parts += [_rule(page, rule, styles.colour(rule.colour), priority) for priority, rule in rules]
    parts.append('<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.6" header="0.3" footer="0.3"/>')
    landscape = "landscape" if len(page.survey.columns) > 6 else "portrait"
    parts.append(f'<pageSetup paperSize="9" orientation="{landscape}" fitToWidth="1" fitToHeight="0"/>')
    if sheet.drawn:
        parts.append('<drawing r:id="rId1"/>')
    return "".join(parts) + "</worksheet>"


def _total_row(page: Page, styles: Styles) -> str:
    sheet, row = page.sheet, page.last_row + 1
    if not sheet.totals:
        return ""
    cells = []
    for at, (name, kind) in enumerate(page.survey.columns.items(), start=1):
        place = f'r="{letters(at)}{row}"'
        how = sheet.totals.get(name)
        if how is None:
            label = "<is><t>Total</t></is>" if at == 1 else ""
            look = styles.number(Look(role="total"))
            cells.append(f'<c {place} s="{look}"' + (f' t="inlineStr">{label}</c>' if label else "/>"))
            continue
        code = "0" if how == "count" else _format(sheet, name, kind)
        code = "0.00" if how == "average" and code == "0" else code
        look = styles.number(Look(format=code, role="total", right=True))
        formula = f"SUBTOTAL({_SUBTOTAL[how]},{letters(at)}2:{letters(at)}{max(2, page.last_row)})"
        value = page.survey.totals[name]
        cells.append(f'<c {place} s="{look}"><f>{formula}</f><v>{_plain(value or Decimal(0))}</v></c>')
    return f'<row r="{row}">{"".join(cells)}</row>'


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rule(page: Page, rule: ColourRule, colour: int, priority: int) -> str:
    """A colour by a rule of the SOW's: the formula holds its words and numbers, none of the data's."""
    column = page.column(rule.column)
    cell = f"${column}2"
    if rule.is_one_of:
        equal = ",".join(f"{cell}={_words(one)}" for one in rule.is_one_of)
        formula = f"OR({equal})"
    elif rule.below is not None:
        formula = f"AND(ISNUMBER({cell}),{cell}<{rule.below!r})"
    elif rule.above is not None:
        formula = f"AND(ISNUMBER({cell}),{cell}>{rule.above!r})"
    else:
        formula = f"ISBLANK({cell})"
    return (
        f'<conditionalFormatting sqref="{column}2:{column}{page.last_row}"><cfRule type="expression" dxfId="{colour}" '
        f'priority="{priority}"><formula>{escaped(formula)}</formula></cfRule></conditionalFormatting>'
    )


def _words(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
